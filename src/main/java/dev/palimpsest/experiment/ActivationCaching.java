package dev.palimpsest.experiment;

import dev.palimpsest.activations.ActivationCache;
import dev.palimpsest.activations.ActivationCacheWriter;
import dev.palimpsest.activations.CacheRequest;
import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.StoredType;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.OutputFolder;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.train.Training;
import java.nio.file.Path;
import java.util.List;

/**
 * Activations on disk for the coders of an experiment, as {@code cache-activations} writes them.
 */
public final class ActivationCaching {
  private ActivationCaching() {}

  /**
   * What was written, or found finished.
   *
   * @param tokens in the cache, excluded ones too
   * @param windows of {@code train.context_length} tokens
   * @param parts of each, e.g. {@code layers.6.mlp.input}
   * @param width numbers of a part a token
   * @param dtype they are stored as
   * @param precision the language model's
   * @param bytes of all activations
   * @param shards files that hold them
   * @param digest of all that they are made from
   * @param folder where they lie
   */
  public record Result(
      long tokens,
      long windows,
      List<String> parts,
      int width,
      String dtype,
      String precision,
      long bytes,
      int shards,
      String digest,
      String folder) {}

  /**
   * Writes the activations that an experiment's training would compute, as far as they are missing.
   *
   * @param config resolved settings; its coders say where, and whether the input is wanted
   * @param dtype what they are stored as
   * @param shardMebibytes of a file, about
   * @param out the cache's folder, made if missing
   * @param tokenCache where tokenised text is kept
   * @param overwrite whether another cache that is there is thrown away
   * @param log hears how it gets on
   */
  public static Result run(
      ExperimentConfig config,
      String dtype,
      int shardMebibytes,
      Path out,
      Path tokenCache,
      boolean overwrite,
      RunLog log) {
    OutputFolder.requireFree(out, ActivationCache.PLAN);
    StoredType type = StoredType.labelled(dtype);
    Devices.Choice device = RunContext.choose(config);
    Training.useThreads(config.threads());
    try (RunContext context = new RunContext(config, tokenCache, device, log)) {
      ModelDigest digest =
          ModelDigest.of(
              ModelSource.resolve(config.model()),
              FileDigests.at(tokenCache.resolve("model-digests.json")));
      context.model().requireLength(config.train().contextLength());
      CacheRequest request =
          new CacheRequest(
              config.coders().stream()
                  .map(coder -> new Hook(coder.hookpoint(), coder.transcode()))
                  .toList(),
              digest,
              context.corpus(),
              config.train().contextLength(),
              config.train().tokens(),
              type,
              context.excluded(),
              config.train().batchTokens(),
              shardMebibytes);
      return result(new ActivationCacheWriter(request, context.model(), out, log).write(overwrite));
    }
  }

  private static Result result(ActivationCache cache) {
    return new Result(
        cache.tokens(),
        cache.windows(),
        cache.parts(),
        cache.width(),
        cache.type().label(),
        cache.precision(),
        cache.bytes(),
        cache.shards(),
        cache.digest(),
        cache.folder().toString());
  }
}
