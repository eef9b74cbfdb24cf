package dev.palimpsest.latents;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A cache's {@code config.json}, written last: a cache without it is not complete.
 *
 * @param hookpoint where the coder sits
 * @param width number of latents M
 * @param ctxLen tokens of a row
 * @param rows number of rows
 * @param tokens number of tokens that count (excluded ones do not)
 * @param nSplits number of files, each a range of latents
 * @param excludedTokens ids without activations
 * @param source what the cache was made from, to recognise a stale one
 */
public record CacheHeader(
    String hookpoint,
    int width,
    int ctxLen,
    long rows,
    long tokens,
    int nSplits,
    List<Integer> excludedTokens,
    Map<String, String> source) {
  /** The file's name. */
  public static final String FILE = "config.json";

  /**
   * Copies the collections; the source in the order of its keys, so that equal caches have equal
   * files.
   */
  public CacheHeader {
    if (width < 1 || ctxLen < 1 || nSplits < 1 || nSplits > width) {
      throw new IllegalArgumentException(
          "width "
              + width
              + ", ctx_len "
              + ctxLen
              + " and n_splits "
              + nSplits
              + " do not describe a cache");
    }
    if (rows < 0 || rows > Integer.MAX_VALUE / ctxLen || tokens < 0 || tokens > rows * ctxLen) {
      throw new IllegalArgumentException(
          rows + " rows of " + ctxLen + " and " + tokens + " tokens do not describe a cache");
    }
    excludedTokens = List.copyOf(excludedTokens);
    source = Collections.unmodifiableMap(new TreeMap<>(source));
  }
}
