package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.Arrays;

/**
 * Finds the traits of every token of a context; what depends on the token alone is computed once
 * per vocabulary.
 */
final class TraitReader {
  private static final int EARLY_UNTIL = 4;
  private static final int LATE_FROM = 13;
  private static final int OPENING_TOKENS = 16;
  private static final int NONE = -1;

  private final boolean[] endsSentence;
  private final boolean[] oddQuotes;
  private final int boundary;

  TraitReader(TokenNames names) {
    endsSentence = new boolean[names.size()];
    oddQuotes = new boolean[names.size()];
    boundary = names.boundary().orElse(TokenNames.UNKNOWN);
    for (int id = 0; id < names.size(); id++) {
      String text = names.text(id);
      endsSentence[id] =
          id == boundary
              || text.chars().anyMatch(c -> c == '.' || c == '!' || c == '?' || c == '\n');
      oddQuotes[id] =
          (text.chars().filter(c -> c == '"' || c == '\u201C' || c == '\u201D').count() & 1) == 1;
    }
  }

  /** Whether a token ends a sentence: what follows it begins another. */
  boolean endsSentence(int token) {
    return endsSentence[token];
  }

  /**
   * @param context token ids
   * @return [context.length] sets of {@link Trait#bit()}
   */
  int[] read(int[] context) {
    int[] traits = new int[context.length];
    int[] mentions = new int[endsSentence.length];
    int[] followed = new int[endsSentence.length];
    Arrays.fill(followed, NONE);
    boolean quoted = false;
    int inSentence = 0;
    int inDocument = OPENING_TOKENS;
    int before = NONE;
    for (int p = 0; p < context.length; p++) {
      int token = context[p];
      if (token == boundary) {
        quoted = false;
        inSentence = 0;
        inDocument = 0;
        before = NONE;
        Arrays.fill(mentions, 0);
        Arrays.fill(followed, NONE);
        continue;
      }
      inSentence++;
      int bits = inSentence == 1 ? Trait.FIRST.bit() : 0;
      bits |= inSentence > 1 && inSentence <= EARLY_UNTIL ? Trait.EARLY.bit() : 0;
      bits |= inSentence >= LATE_FROM ? Trait.LATE.bit() : 0;
      bits |= quoted ? Trait.QUOTED.bit() : 0;
      bits |= inDocument < OPENING_TOKENS ? Trait.OPENING.bit() : 0;
      bits |= mentions[token] > 0 ? Trait.SEEN.bit() : 0;
      bits |= mentions[token] == 1 ? Trait.SECOND.bit() : 0;
      if (before != NONE) {
        bits |= followed[before] == token ? Trait.REPEATING.bit() : 0;
        followed[before] = token;
      }
      traits[p] = bits;
      mentions[token]++;
      before = token;
      inDocument++;
      quoted ^= oddQuotes[token];
      if (endsSentence[token]) {
        inSentence = 0;
      }
    }
    return traits;
  }
}
