package dev.palimpsest.latents;

import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.LongConsumer;

/** Caches the true activations of all latents over a text, once. */
public final class CacheStage {
  private CacheStage() {}

  /**
   * What a run of the stage did.
   *
   * @param header of the cache
   * @param built false where a cache of the same source was there already
   */
  public record Result(CacheHeader header, boolean built) {}

  /**
   * Builds the cache unless the folder holds a complete one with the same {@code source}.
   *
   * @param stream model and coder
   * @param windows the text of the split to be cached
   * @param source what identifies model, coder and text (fingerprints, paths), free-form
   * @param folder usually {@code latents/<hookpoint>}
   * @param progress is told the number of tokens read so far
   */
  public static Result run(
      LatentStream stream,
      TokenWindows windows,
      CacheConfig config,
      Map<String, String> source,
      Path folder,
      LongConsumer progress) {
    long[] chosen = LatentStream.choose(windows, config.tokens(), config.seed());
    if (LatentCache.isComplete(folder)) {
      CacheHeader there = LatentCache.header(folder);
      CacheHeader wanted = header(stream, windows, chosen.length, there.tokens(), source);
      if (there.equals(wanted)) {
        return new Result(there, false);
      }
    }
    int k = stream.coder().config().k();
    try (LatentCacheBuilder builder =
        new LatentCacheBuilder(
            folder, stream.latents(), windows.contextLength(), chosen.length, k)) {
      stream.run(
          windows,
          chosen,
          config.batchRows(),
          batch -> {
            builder.add(batch);
            progress.accept((batch.firstRow() + batch.rows()) * batch.length());
          });
      CacheHeader header = header(stream, windows, chosen.length, builder.countedTokens(), source);
      builder.finish(header);
      return new Result(header, true);
    }
  }

  private static CacheHeader header(
      LatentStream stream,
      TokenWindows windows,
      long rows,
      long tokens,
      Map<String, String> source) {
    return new CacheHeader(
        stream.hookpoint(),
        stream.latents(),
        windows.contextLength(),
        rows,
        tokens,
        LatentRanges.of(stream.latents()).count(),
        stream.excluded().ids(),
        source);
  }
}
