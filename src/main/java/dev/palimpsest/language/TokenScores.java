package dev.palimpsest.language;

import dev.palimpsest.model.CachedRun;
import dev.palimpsest.model.Extension;
import dev.palimpsest.model.LanguageModel;
import java.util.Arrays;
import java.util.List;

/** Log-probabilities inside a sequence. */
final class TokenScores {
  private TokenScores() {}

  /**
   * The log-probability of each token from {@code from} on, given all before it.
   *
   * @param from 1 to the number of tokens
   * @return one a token, in nats
   */
  static double[] of(LanguageModel model, int[] tokens, int from) {
    if (from < 1 || from > tokens.length) {
      throw new IllegalArgumentException("from token " + from + " of " + tokens.length);
    }
    model.requireLength(tokens.length);
    double[] scores = new double[tokens.length - from];
    Passes passes = new Passes(model);
    try (CachedRun run = model.run(tokens.length)) {
      // The last token predicts nothing that is asked for.
      for (int start = 0; start < tokens.length - 1; start += Passes.TOKENS) {
        int end = Math.min(tokens.length - 1, start + Passes.TOKENS);
        int first = Math.max(start, from - 1);
        int[] part = Arrays.copyOfRange(tokens, start, end);
        int skipped = Math.min(first, end) - start;
        float[][] logits = passes.logitsFrom(new Extension(List.of(), run, part), skipped);
        for (int i = 0; i < logits.length; i++) {
          int predicted = start + skipped + i + 1;
          scores[predicted - from] = logits[i][tokens[predicted]] - Passes.logSumExp(logits[i]);
        }
      }
    }
    return scores;
  }
}
