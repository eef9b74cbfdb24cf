package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.List;

/**
 * How many characters a text grows by a term, given the clauses that it has already; and which
 * degrees still have room, since no clause enumerates more than {@link EnglishWriter#MOST_ITEMS}.
 */
final class ClauseLengths {
  private static final int SEPARATOR = 2;
  private static final int[] STRENGTHS = English.strengths();
  private static final int[] CHANGES = English.changes();

  private final int[] items;
  private final int[] places;
  private final List<String> placeWords = new ArrayList<>();
  private final boolean[] sets;
  private final int[][] inStrength = new int[1][STRENGTHS.length];
  private final int[][] inChange;

  ClauseLengths(List<Pattern> patterns, Lexicon lexicon) {
    items = new int[patterns.size()];
    places = new int[patterns.size()];
    sets = new boolean[patterns.size()];
    for (int i = 0; i < items.length; i++) {
      Pattern pattern = patterns.get(i);
      items[i] = EnglishWriter.item(pattern, lexicon).length();
      sets[i] = pattern instanceof Pattern.Sequence sequence && sequence.back() == 0;
      String place = EnglishWriter.place(pattern);
      int known = placeWords.indexOf(place);
      places[i] = known >= 0 ? known : placeWords.size();
      if (known < 0) {
        placeWords.add(place);
      }
    }
    inChange = new int[placeWords.size()][CHANGES.length];
  }

  /** Whether the pattern's terms set points rather than add. */
  boolean sets(int pattern) {
    return sets[pattern];
  }

  /** The points that a term of the pattern can have. */
  int[] degrees(int pattern) {
    return sets[pattern] ? STRENGTHS : CHANGES;
  }

  /** Characters of the pattern's item and what separates it, in a clause that is there. */
  int item(int pattern) {
    return items[pattern] + SEPARATOR;
  }

  /** Forgets all clauses. */
  void clear() {
    for (int[] group : inStrength) {
      java.util.Arrays.fill(group, 0);
    }
    for (int[] group : inChange) {
      java.util.Arrays.fill(group, 0);
    }
  }

  /** Counts a term, or with -1 takes it away. */
  void count(int pattern, int degree, int change) {
    groups(pattern)[degree] += change;
  }

  private int[] groups(int pattern) {
    return sets[pattern] ? inStrength[0] : inChange[places[pattern]];
  }

  /**
   * Characters of a new term.
   *
   * @param degree index in {@link #degrees}
   * @return a huge number where the clause is full
   */
  int of(int pattern, int degree) {
    int there = groups(pattern)[degree];
    if (there >= EnglishWriter.MOST_ITEMS) {
      return Integer.MAX_VALUE / 2;
    }
    if (there > 0) {
      return item(pattern) + (there == 1 ? EnglishWriter.OR.length() - SEPARATOR : 0);
    }
    String word = English.degree(degrees(pattern)[degree], sets[pattern]);
    int place = placeWords.get(places[pattern]).length() + 1;
    if (sets[pattern]) {
      return item(pattern) + word.length() + 1 + place;
    }
    boolean begun = false;
    for (int[] group : inChange) {
      begun |= group[degree] > 0;
    }
    return item(pattern) + place + (begun ? 0 : word.length() + 1);
  }
}
