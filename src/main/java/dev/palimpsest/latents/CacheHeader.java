package dev.palimpsest.latents;

import java.util.List;
import java.util.Map;

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

  /** Copies the collections. */
  public CacheHeader {
    excludedTokens = List.copyOf(excludedTokens);
    source = Map.copyOf(source);
  }
}
