package dev.palimpsest.bench;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.train.CoderTrainer;
import dev.palimpsest.train.Optimizer;
import dev.palimpsest.train.OptimizerConfig;
import java.nio.file.Path;
import java.util.List;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/** On real activations of the embedded model, with a transcoder trained on them first. */
@State(Scope.Benchmark)
public class TrainedBenchmarks extends StepBenchmarks {
  private static final Hook HOOK = new Hook("layers.2.mlp", true);
  private static final int CONTEXT_LENGTH = 256;

  @Param({"4096", "16384"})
  int latents;

  @Param({"32", "64"})
  int k;

  @Param("1024")
  int batch;

  /** Training steps before anything is timed. */
  @Param("300")
  int steps;

  @Setup(Level.Trial)
  public void prepare() {
    Path folder = ModelSource.resolve(ModelSource.EMBEDDED);
    try (LanguageModel model = LanguageModel.load(folder, Device.cpu())) {
      Corpus corpus =
          Corpus.openFor(
              folder,
              model.config().vocabularySize(),
              List.of(ModelSource.EMBEDDED),
              0,
              Corpus.defaultCache(),
              CorpusOptions.defaults());
      TokenWindows windows = corpus.windows(Split.TRAIN, CONTEXT_LENGTH);
      ExcludedTokens excluded = ExcludedTokens.parse("auto", corpus);
      CoderConfig config = CoderConfig.transcoder(model.config().width(), latents, k, false);
      SparseCoder coder = SparseCoder.initialise(config, 1, Device.cpu());
      // One reading of as many rows as all steps need; the last batch is kept for the timing.
      try (BenchBatch rows = RealBatch.read(model, HOOK, windows, excluded, batch * (steps + 1))) {
        train(coder, rows);
        BenchBatch last =
            new BenchBatch(
                rows.inputs().narrow(0, (long) batch * steps, batch),
                rows.targets().narrow(0, (long) batch * steps, batch));
        int threads = Runtime.getRuntime().availableProcessors();
        ready(
            BenchProblem.trained(
                coder,
                last,
                new BenchShape(config.width(), latents, k, batch, threads),
                Device.cpu()));
      }
    }
  }

  private void train(SparseCoder coder, BenchBatch rows) {
    OptimizerConfig adam = OptimizerConfig.of(Optimizer.ADAM).withWarmupSteps(0);
    long width = coder.config().width();
    try (CoderTrainer trainer = new CoderTrainer(coder, adam, steps)) {
      for (int step = 0; step < steps; step++) {
        long at = (long) step * batch * width;
        var x = rows.inputs().data_ptr_float();
        var y = rows.targets().data_ptr_float();
        x.position(at);
        y.position(at);
        if (step == 0) {
          trainer.initialiseFromFirstBatch(x, y, batch);
        }
        trainer.step(x, y, batch);
      }
    }
  }
}
