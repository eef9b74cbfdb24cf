package dev.palimpsest.experiment;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Environment;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.model.LibtorchInfo;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.train.TrainResult;
import dev.palimpsest.train.Training;
import java.nio.file.Path;
import java.util.Map;

/** The training of an experiment alone, as the command {@code train} does it. */
public final class TrainRun {
  private TrainRun() {}

  /**
   * Trains an experiment's coders, or goes on. The run directory gets the settings, which later
   * stages read, once they have all been found good.
   *
   * @param config resolved settings; no coder has a path
   * @param run the run directory, made if missing
   * @param tokenCache where tokenised text is kept
   * @param overwrite whether a run of training that is there is thrown away
   * @param log hears how it gets on
   */
  public static TrainResult run(
      ExperimentConfig config, RunDirectory run, Path tokenCache, boolean overwrite, RunLog log) {
    run.requireFolder();
    OutputFolder.requireFree(run.root());
    Devices.Choice device = RunContext.choose(config);
    Training.useThreads(config.threads());
    TrainStage.check(config);
    FileDigests digests = FileDigests.at(run.digests());
    RunInputs inputs = RunInputs.of(config, run, digests);
    // The run directory is made, and locked, once training has found everything good.
    try (RunContext context = new RunContext(config, tokenCache, device, log)) {
      TrainStage stage = new TrainStage(config, run, log, context, digests);
      if (Wordless.is(config)) {
        log.says(Wordless.note(config));
      }
      return stage.train(
          new Training.Start(
              overwrite,
              "choose another --out, or start anew with --overwrite",
              () -> {
                describe(config, run, inputs, context.describe());
                digests.save();
              }));
    }
  }

  /** Makes a run directory this run's: what it is about, its settings and the machine. */
  static void describe(ExperimentConfig config, RunDirectory run, RunInputs inputs, String device) {
    inputs.write();
    ConfigFiles.write(config, run.config());
    AtomicFiles.writeString(
        run.environment(),
        Json.pretty(
            Environment.here(
                Map.of(
                    "device",
                    device,
                    "kernels",
                    CoderKernels.cpu().describe(),
                    "libtorch",
                    LibtorchInfo.describe()))));
  }
}
