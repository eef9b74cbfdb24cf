package dev.palimpsest.cli;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.model.ActivationFile;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelFiles;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.train.Training;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest activations}: what a language model computes for the token ids of a file. */
@Command(
    name = "activations",
    description = "Runs a language model on token ids and writes what its modules compute.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Reads input_ids [B, T] (int64) from a safetensors file; writes logits [B, T, V], token_loss"
          + " [B, T-1] (nats)",
      "and, for every hookpoint H, H.output, and H.input where the module takes one tensor (blocks,"
          + " MLPs)."
    })
final class ActivationsCommand implements Callable<Integer> {
  @Parameters(paramLabel = "MODEL", description = "Folder in Hugging Face layout, or 'embedded'.")
  private String model;

  @Option(names = "--input", required = true, paramLabel = "FILE", description = "Token ids.")
  private Path input;

  @Option(
      names = {"--hookpoint", "--hook"},
      split = ",",
      paramLabel = "H",
      description = "A module, e.g. layers.2.mlp, layers.2, h.3.attn; repeatable.")
  private List<String> hookpoints = new ArrayList<>();

  @Option(names = "--out", required = true, paramLabel = "FILE", description = "Result.")
  private Path out;

  @Option(
      names = "--threads",
      paramLabel = "P",
      description = "Threads; as many as processors unless given.")
  private Optional<Integer> threads = Optional.empty();

  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    threads.ifPresent(ActivationsCommand::useThreads);
    Path folder = ModelSource.resolve(model);
    AtomicFiles.requireApart(out, input);
    AtomicFiles.requireApart(out, ModelFiles.of(folder));
    OutputFolder.requireFreeFor(out);
    try (LanguageModel loaded = LanguageModel.load(folder)) {
      ConsoleLog log = output.log(spec.commandLine().getErr());
      ActivationFile.Result result = ActivationFile.write(loaded, input, hookpoints, out, log);
      output.print(
          spec.commandLine().getOut(),
          summary(result),
          String.format(
              Locale.ROOT,
              "%d × %d tokens%s, %d tensors in %s",
              result.rows(),
              result.length(),
              result.meanLoss().isPresent()
                  ? String.format(
                      Locale.ROOT, ", mean loss %.4f nats", result.meanLoss().getAsDouble())
                  : "",
              result.tensors().size(),
              out));
    }
    return 0;
  }

  private Map<String, Object> summary(ActivationFile.Result result) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("rows", result.rows());
    summary.put("length", result.length());
    summary.put("mean_loss", result.meanLoss());
    summary.put("tensors", result.tensors());
    summary.put("out", out.toString());
    return summary;
  }

  private static void useThreads(int threads) {
    Training.useThreads(ThreadCount.checked("--threads", threads, 1));
  }
}
