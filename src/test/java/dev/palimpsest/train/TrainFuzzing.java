package dev.palimpsest.train;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.kernels.Activation;
import dev.palimpsest.kernels.HostMemory;
import dev.palimpsest.model.ModelDigest;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Checkpoints and identities of runs for tests of other packages. */
public final class TrainFuzzing {
  private static final CoderConfig CODER = CoderConfig.autoencoder(4, 8, 2);
  private static final OptimizerConfig ADAM = OptimizerConfig.of(Optimizer.ADAM);
  private static final String TRAINER = "trainer.safetensors";

  private TrainFuzzing() {}

  /** Writes a checkpoint of a coder of 8 latents under {@code checkpoints}. */
  public static void writeCheckpoint(Path folder) {
    try (Arrays arrays = new Arrays()) {
      new Checkpoints(folder.resolve("checkpoints"))
          .write(
              new Checkpoints.State(7, new MetricsExtent(120, 2, "01234567"), List.of()),
              to ->
                  new TrainerState(Optimizer.ADAM, 7, 56, true)
                      .write(to.resolve(TRAINER), arrays.parameters, arrays.state, arrays.firings));
    }
  }

  /** Reads the newest checkpoint, as a run does that goes on. */
  public static void readCheckpoint(Path folder) {
    try (Arrays arrays = new Arrays()) {
      new Checkpoints(folder.resolve("checkpoints"))
          .resume(
              (checkpoint, state) ->
                  TrainerState.read(
                      checkpoint.resolve(TRAINER),
                      Optimizer.ADAM,
                      arrays.parameters,
                      arrays.state,
                      arrays.firings),
              damage -> {});
    }
  }

  /** The identity of some run. */
  private static RunIdentity identity() {
    return new RunIdentity(
        new TrainConfig(
            List.of(
                new CoderSpec(
                    "layers.1.mlp", true, false, Activation.TOPK, OptionalInt.of(8), 32, 2)),
            List.of(1L),
            1000,
            100,
            10,
            ADAM,
            "auto",
            0,
            0,
            100),
        new ModelDigest(Map.of("config.json", "ab", "model.safetensors", "cd")),
        "ef",
        "fp32",
        Optional.empty());
  }

  /** Writes a run's identity. */
  public static void writeIdentity(Path file) {
    identity().write(file);
  }

  /** Compares a run's identity with that of {@link #writeIdentity}. */
  public static void readIdentity(Path file) {
    RunIdentity.hookpoints(file);
    identity().requireSame(file, file, "start anew");
  }

  /** What a trainer's file is read into. */
  private static final class Arrays implements AutoCloseable {
    private final ParameterSet parameters = new ParameterSet(CODER);
    private final OptimizerState state = new OptimizerState(ADAM, CODER, HostMemory.INSTANCE);
    private final FiringRecord firings = new FiringRecord(CODER.numLatents(), 1000);

    @Override
    public void close() {
      parameters.close();
      state.close();
    }
  }
}
