package dev.palimpsest.activations;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.text.WindowOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What an activation cache is of; its file {@code activations.json}, written before the first
 * shard. From it alone follow the number and the size of the shards.
 *
 * @param format of the files
 * @param model the content of the language model's files
 * @param text the corpus's fingerprint
 * @param seed of the splits of the text, and of the order in which the windows lie in the cache:
 *     that of the first steps of a training with this seed
 * @param split of the text, in lower case
 * @param contextLength T, tokens of a window
 * @param windows in the cache
 * @param splitWindows that the split has
 * @param width d
 * @param parts what is stored of every window, in order: {@code <hookpoint>.input} or {@code
 *     <hookpoint>.output}
 * @param dtype {@code fp16}, {@code bf16} or {@code fp32}
 * @param precision in which the language model computed
 * @param excludedTokens ids; rows at their positions are 0
 * @param shardWindows windows of a shard; the last may have fewer
 */
record CachePlan(
    String format,
    ModelDigest model,
    String text,
    long seed,
    String split,
    int contextLength,
    long windows,
    long splitWindows,
    int width,
    List<String> parts,
    String dtype,
    String precision,
    List<Integer> excludedTokens,
    int shardWindows) {
  /** The one form there is. */
  static final String FORMAT = "palimpsest-activations-1";

  private static final String INPUT = ".input";
  private static final String OUTPUT = ".output";

  /** Bytes of a window at most: a shard is mapped in one piece. */
  private static final long MOST_WINDOW_BYTES = 1L << 30;

  CachePlan {
    parts = List.copyOf(parts);
    excludedTokens = List.copyOf(excludedTokens);
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException("the format is " + format + ", expected " + FORMAT);
    }
    if (contextLength < 1 || width < 1 || parts.isEmpty() || shardWindows < 1) {
      throw new IllegalArgumentException("lengths and numbers of parts are at least 1");
    }
    if (windows < 1 || windows > splitWindows || splitWindows > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(windows + " windows of " + splitWindows);
    }
    double shardBytes =
        (double) parts.size()
            * contextLength
            * width
            * StoredType.labelled(dtype).bytes()
            * shardWindows;
    if (shardBytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "a shard has " + shardBytes + " bytes, expected at most " + Integer.MAX_VALUE);
    }
  }

  /** The parts that some hooks need. */
  static List<String> parts(List<Hook> hooks) {
    List<String> parts = new ArrayList<>();
    for (Hook hook : hooks) {
      if (hook.transcode()) {
        parts.add(hook.hookpoint() + INPUT);
      }
      parts.add(hook.hookpoint() + OUTPUT);
    }
    return parts;
  }

  /**
   * How many windows of so many bytes a shard has; 0 where one is too large.
   *
   * @param shardBytes at most, unless one window has more
   */
  static int shardWindows(long windowBytes, long shardBytes) {
    return windowBytes > MOST_WINDOW_BYTES ? 0 : (int) Math.max(1, shardBytes / windowBytes);
  }

  StoredType type() {
    return StoredType.labelled(dtype);
  }

  /** Where x of a hook lies; that of an autoencoder is its y. */
  Optional<Integer> input(Hook hook) {
    return part(hook.hookpoint() + (hook.transcode() ? INPUT : OUTPUT));
  }

  /** Where y of a hook lies. */
  Optional<Integer> output(Hook hook) {
    return part(hook.hookpoint() + OUTPUT);
  }

  private Optional<Integer> part(String name) {
    int at = parts.indexOf(name);
    return at < 0 ? Optional.empty() : Optional.of(at);
  }

  /** Numbers of one part of a window. */
  int partElements() {
    return contextLength * width;
  }

  /** Numbers of a window. */
  int windowElements() {
    return parts.size() * partElements();
  }

  /** Bytes of a window. */
  int windowBytes() {
    return windowElements() * type().bytes();
  }

  int shards() {
    return Math.toIntExact((windows + shardWindows - 1) / shardWindows);
  }

  /** The first window of a shard. */
  long firstWindow(int shard) {
    return (long) shard * shardWindows;
  }

  /** Windows of a shard. */
  int windowsIn(int shard) {
    return (int) Math.min(shardWindows, windows - firstWindow(shard));
  }

  /** The shape of a shard's tensor. */
  long[] shardShape(int shard) {
    return new long[] {windowsIn(shard), parts.size(), contextLength, width};
  }

  /** The window of the split that lies in a slot. */
  WindowOrder order() {
    return order(splitWindows, seed);
  }

  /** The order in which a training with a seed goes through so many windows. */
  static WindowOrder order(long windows, long seed) {
    return new WindowOrder(windows, Seeds.mix(seed));
  }

  int[] excluded() {
    return excludedTokens.stream().mapToInt(Integer::intValue).toArray();
  }

  /** Bytes of all activations. */
  long bytes() {
    return windows * windowBytes();
  }

  /** The name of a shard's file. */
  static String fileName(int shard) {
    return String.format(Locale.ROOT, "shard-%05d.safetensors", shard);
  }

  /** What the cache is, in one word: it is in every shard. */
  String digest() {
    return FileDigests.ofText(Json.line(this));
  }

  /** What differs from another cache, in words; empty where they are the same. */
  List<String> differences(CachePlan other) {
    List<String> found = new ArrayList<>(model.differences(other.model));
    if (!text.equals(other.text)) {
      found.add("the text");
    }
    compare("seed", seed, other.seed, found);
    compare("context_length", contextLength, other.contextLength, found);
    compare("windows", windows, other.windows, found);
    compare("parts", parts, other.parts, found);
    compare("dtype", dtype, other.dtype, found);
    compare("precision", precision, other.precision, found);
    compare("excluded_tokens", excludedTokens, other.excludedTokens, found);
    if (found.isEmpty() && !equals(other)) {
      found.add("the form");
    }
    return found;
  }

  private static void compare(String what, Object mine, Object others, List<String> found) {
    if (!mine.equals(others)) {
      found.add(what + " is " + mine + ", there " + others);
    }
  }
}
