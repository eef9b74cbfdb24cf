package dev.palimpsest.bench;

import dev.palimpsest.activations.ActivationCache;
import dev.palimpsest.activations.ActivationCacheWriter;
import dev.palimpsest.activations.CacheRequest;
import dev.palimpsest.activations.CachedRows;
import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.StoredType;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.TemporaryFolder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A step's x and y from an activation cache: 6144 tokens of the embedded model's width 128, as many
 * numbers as 1024 of width 768. Nothing is trained in between, so every load waits for the whole of
 * the reading; in a training all but the hand-over is hidden behind the step before.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "-Xmx512m",
      "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
      "-Dorg.bytedeco.javacpp.nopointergc=true"
    })
public class CacheBenchmarks {
  private static final int LENGTH = 256;
  private static final int BATCH = 6144;
  private static final int WINDOWS = 480;

  @Param({"fp16", "bf16", "fp32"})
  String dtype;

  private TemporaryFolder folder;
  private CachedRows rows;
  private TokenBatch batch;
  private long step;

  @Setup(Level.Trial)
  public void prepare() {
    folder = TemporaryFolder.make("palimpsest-bench");
    Path source = ModelSource.resolve(ModelSource.EMBEDDED);
    List<Hook> hooks = List.of(new Hook("layers.2.mlp", true));
    try (LanguageModel model = LanguageModel.load(source)) {
      Corpus text =
          Corpus.openFor(
              source,
              model.config().vocabularySize(),
              List.of(ModelSource.EMBEDDED),
              0,
              folder.path().resolve("tokens"),
              CorpusOptions.defaults());
      ExcludedTokens excluded = ExcludedTokens.of(text.separator());
      CacheRequest request =
          new CacheRequest(
              hooks,
              new ModelDigest(Map.of()),
              text,
              LENGTH,
              (long) WINDOWS * LENGTH,
              StoredType.labelled(dtype),
              excluded,
              2048,
              256);
      ActivationCache cache =
          new ActivationCacheWriter(request, model, folder.path().resolve("cache"), Progress.SILENT)
              .write(false);
      TokenWindows windows = text.windows(Split.TRAIN, LENGTH);
      rows = new CachedRows(cache, hooks, windows, 0, BATCH, excluded, Device.cpu());
      batch = rows.newBatch();
    }
  }

  @TearDown(Level.Trial)
  public void free() {
    rows.close();
    folder.close();
  }

  @Benchmark
  public int load() {
    rows.load(step++, batch);
    return rows.rows();
  }
}
