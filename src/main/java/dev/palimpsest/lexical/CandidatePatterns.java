package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.List;

/**
 * Lists the patterns worth considering: all of a few shapes that occur often enough in the text.
 */
final class CandidatePatterns {
  /** Single tokens are tried at these distances. */
  private static final int FARTHEST_TOKEN = 3;

  /** Two tokens in a row are tried at these distances. */
  private static final int FARTHEST_PAIR = 1;

  private static final int[] REACHES = {English.NEAR, Pattern.Nearby.SENTENCE};
  private static final int FARTHEST_GROUP = 2;

  /** Pairs with a class must occur so much more often than others: there are many of them. */
  private static final int FEWEST_FACTOR = 3;

  /**
   * A piece of a word that follows the same token at so large a share of its places is named with
   * it: "w-olf", which a person can read, rather than "-olf".
   */
  private static final double ALWAYS = 0.9;

  private final TokenRows text;
  private final Lexicon lexicon;
  private final boolean[] usable;
  private final int fewest;
  private final List<Pattern> patterns = new ArrayList<>();

  private CandidatePatterns(TokenRows text, Lexicon lexicon, int fewest) {
    this.text = text;
    this.lexicon = lexicon;
    this.fewest = fewest;
    usable = new boolean[lexicon.names().size()];
    for (int token = 0; token < usable.length; token++) {
      usable[token] = text.counts(token) && !lexicon.names().isNumbered(token);
    }
  }

  /**
   * @param fewest occurrences below which a pattern is not considered
   */
  static List<Pattern> in(TokenRows text, Lexicon lexicon, int fewest) {
    CandidatePatterns candidates = new CandidatePatterns(text, lexicon, fewest);
    candidates.add();
    return candidates.patterns;
  }

  private void add() {
    long[] pairs = frequent(2, 0);
    boolean[] joined = joined(pairs);
    for (long token : frequent(1, 0)) {
      for (int back = 0; back <= FARTHEST_TOKEN; back++) {
        if (back > FARTHEST_PAIR || !joined[(int) token]) {
          patterns.add(Pattern.Sequence.of(back, (int) token));
        }
      }
      for (int reach : REACHES) {
        patterns.add(new Pattern.Nearby(reach, (int) token));
      }
    }
    for (long pair : pairs) {
      for (int back = 0; back <= FARTHEST_PAIR; back++) {
        patterns.add(new Pattern.Sequence(back, List.of(first(pair), second(pair))));
      }
    }
    for (long pair : withClasses()) {
      patterns.add(new Pattern.Sequence(0, List.of(first(pair), second(pair))));
    }
    for (long pair : frequent(2, 1)) {
      patterns.add(new Pattern.Sequence(0, List.of(first(pair), Pattern.ANY, second(pair))));
    }
    for (long triple : frequent(3, 0)) {
      patterns.add(
          new Pattern.Sequence(0, List.of((int) (triple >>> 42), first(triple), second(triple))));
    }
    for (int group = lexicon.names().size(); group < lexicon.size(); group++) {
      for (int back = 0; back <= FARTHEST_GROUP; back++) {
        patterns.add(Pattern.Sequence.of(back, group));
      }
      for (int reach : REACHES) {
        patterns.add(new Pattern.Nearby(reach, group));
      }
    }
    for (Trait trait : Trait.values()) {
      patterns.add(new Pattern.HasTrait(trait));
    }
  }

  /**
   * Pieces of words that follow {@link #ALWAYS} the same token, with which they are among the
   * frequent pairs: whatever is said of the pair needs not be said of the piece.
   */
  private boolean[] joined(long[] pairs) {
    int[] counts = new int[lexicon.names().size()];
    LongIntMap together = new LongIntMap(text.tokens().length);
    int[] tokens = text.tokens();
    for (int at = 0; at < tokens.length; at++) {
      if (at % text.contextLength() != 0) {
        counts[tokens[at]]++;
        together.increment((long) tokens[at - 1] << 21 | tokens[at]);
      }
    }
    boolean[] joined = new boolean[counts.length];
    for (long pair : pairs) {
      int piece = second(pair);
      joined[piece] |=
          WordKind.PIECES.has(piece, lexicon.names())
              && together.get(pair, 0) >= ALWAYS * counts[piece];
    }
    return joined;
  }

  /**
   * Token tuples of a length, neighbours or {@code gap} tokens apart, that occur at least {@link
   * #fewest} times.
   */
  private long[] frequent(int length, int gap) {
    LongIntMap counts = new LongIntMap(text.tokens().length);
    int step = gap + 1;
    int width = text.contextLength();
    for (int row = 0; row < text.rows(); row++) {
      int base = row * width;
      for (int p = (length - 1) * step; p < width; p++) {
        long key = 0;
        boolean all = true;
        for (int i = length - 1; i >= 0; i--) {
          int token = text.tokens()[base + p - i * step];
          all &= usable[token];
          key = key << 21 | token;
        }
        if (all) {
          counts.increment(key);
        }
      }
    }
    return java.util.Arrays.stream(counts.sortedKeys())
        .filter(key -> counts.get(key, 0) >= fewest)
        .toArray();
  }

  /** Pairs of a token and a class of the token beside it, either way round, that occur often. */
  private long[] withClasses() {
    LongIntMap counts = new LongIntMap(text.tokens().length);
    int[] tokens = text.tokens();
    for (int at = 1; at < tokens.length; at++) {
      if (at % text.contextLength() == 0 || !usable[tokens[at - 1]] || !usable[tokens[at]]) {
        continue;
      }
      for (int group : lexicon.groupsOf(tokens[at - 1])) {
        if (lexicon.isClass(group)) {
          counts.increment((long) group << 21 | tokens[at]);
        }
      }
      for (int group : lexicon.groupsOf(tokens[at])) {
        if (lexicon.isClass(group)) {
          counts.increment((long) tokens[at - 1] << 21 | group);
        }
      }
    }
    return java.util.Arrays.stream(counts.sortedKeys())
        .filter(key -> counts.get(key, 0) >= FEWEST_FACTOR * fewest)
        .toArray();
  }

  private static int first(long pair) {
    return (int) (pair >>> 21) & 0x1FFFFF;
  }

  private static int second(long pair) {
    return (int) pair & 0x1FFFFF;
  }
}
