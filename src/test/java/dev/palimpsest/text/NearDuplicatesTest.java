package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.model.ModelSource;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Equal documents come to one split; documents that resemble each other need not. How much of the
 * embedded stories' evaluation text stands word for word in another split?
 */
class NearDuplicatesTest {
  private static final int WINDOW = 512;

  @TempDir private Path cache;

  private static long hash(int[] tokens, int from, int run) {
    long hash = 1;
    for (int i = from; i < from + run; i++) {
      hash = hash * 0x9E3779B97F4A7C15L + tokens[i] + 1;
      hash ^= hash >>> 29;
    }
    return hash;
  }

  private static int[][] windows(Corpus corpus, Split split) {
    TokenWindows windows = corpus.windows(split, WINDOW);
    int[][] all = new int[(int) windows.size()][];
    for (int w = 0; w < all.length; w++) {
      all[w] = windows.read(w);
    }
    return all;
  }

  /** The share of the evaluation tokens in runs of a length that stand in another split. */
  private record Shared(double tokens, int windowsMoreThanHalf) {}

  @Test
  void noEvaluationStoryStandsInAnotherSplitButStockPhrasesDo() {
    Path model = ModelSource.resolve("embedded");
    try (Tokenizer tokenizer = Tokenizer.load(model)) {
      Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, cache);
      // "Once upon a time, there was a little girl named Lily. She loved to": 9 % of the text.
      assertThat(shared(corpus, 13).tokens()).isBetween(.02, .12);
      // Whole passages are not shared.
      Shared passages = shared(corpus, 32);
      assertThat(passages.tokens()).isLessThan(.01);
      assertThat(passages.windowsMoreThanHalf()).isZero();
    }
  }

  private static Shared shared(Corpus corpus, int run) {
    Set<Long> seen = new HashSet<>();
    for (Split split : Split.values()) {
      if (split != Split.EVALUATE) {
        for (int[] window : windows(corpus, split)) {
          for (int i = 0; i + run <= window.length; i++) {
            seen.add(hash(window, i, run));
          }
        }
      }
    }
    long tokens = 0;
    long covered = 0;
    int copied = 0;
    for (int[] window : windows(corpus, Split.EVALUATE)) {
      boolean[] known = new boolean[window.length];
      for (int i = 0; i + run <= window.length; i++) {
        if (seen.contains(hash(window, i, run))) {
          Arrays.fill(known, i, i + run, true);
        }
      }
      int own = 0;
      for (boolean each : known) {
        own += each ? 1 : 0;
      }
      tokens += window.length;
      covered += own;
      copied += own * 2 > window.length ? 1 : 0;
    }
    return new Shared((double) covered / tokens, copied);
  }
}
