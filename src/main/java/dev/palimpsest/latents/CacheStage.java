package dev.palimpsest.latents;

import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
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
   * Builds the cache unless the folder holds a whole one with the same {@code source}; one that is
   * damaged is built anew. What is done is kept from time to time, and gone on from after the
   * process was killed; the files are the same.
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
    return run(stream, windows, config, source, folder, progress, Keeping.usual());
  }

  static Result run(
      LatentStream stream,
      TokenWindows windows,
      CacheConfig config,
      Map<String, String> source,
      Path folder,
      LongConsumer progress,
      Keeping keeping) {
    long[] chosen = LatentStream.choose(windows, config.tokens(), config.seed());
    Optional<CacheHeader> there = whole(folder);
    if (there.isPresent()) {
      long tokens = there.get().tokens();
      if (there.get().equals(header(stream, windows, chosen.length, tokens, source))) {
        // A builder that was killed as it removed it may have left it.
        ScratchFolder.remove(LatentCacheBuilder.scratch(folder));
        return new Result(there.get(), false);
      }
    }
    int k = stream.coder().config().k();
    Map<String, String> identity = new TreeMap<>(source);
    identity.put("hookpoint", stream.hookpoint());
    identity.put("excluded", stream.excluded().ids().toString());
    identity.put("settings", Json.line(config));
    try (LatentCacheBuilder builder =
        new LatentCacheBuilder(
            folder, stream.latents(), windows.contextLength(), chosen.length, k, identity)) {
      stream.run(
          windows,
          chosen,
          Math.toIntExact(builder.rowsAdded()),
          new LatentStream.Pass(config.batchRows(), 0, LatentStream.Outputs.NONE),
          batch -> {
            builder.add(batch);
            keeping.ifDue(builder::keep);
            progress.accept((batch.firstRow() + batch.rows()) * batch.length());
          });
      CacheHeader header = header(stream, windows, chosen.length, builder.countedTokens(), source);
      builder.finish(header);
      return new Result(header, true);
    }
  }

  /** The header of the cache in a folder; empty where there is none, or it is damaged. */
  private static Optional<CacheHeader> whole(Path folder) {
    if (!LatentCache.isComplete(folder)) {
      return Optional.empty();
    }
    try (LatentCache cache = LatentCache.open(folder)) {
      return Optional.of(cache.header());
    } catch (PalimpsestException damaged) {
      return Optional.empty();
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
