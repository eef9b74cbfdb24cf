package dev.palimpsest.language;

import dev.palimpsest.model.CachedRun;
import dev.palimpsest.model.Extension;
import dev.palimpsest.model.LanguageModel;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

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
        int[] wanted = IntStream.range(first, end).map(i -> i - run.length()).toArray();
        int[] part = Arrays.copyOfRange(tokens, start, end);
        float[][] logits = passes.logits(List.of(new Extension(List.of(), run, part)), wanted);
        for (int i = 0; i < wanted.length; i++) {
          int predicted = first + i + 1;
          scores[predicted - from] = logits[i][tokens[predicted]] - Passes.logSumExp(logits[i]);
        }
      }
    }
    return scores;
  }
}
