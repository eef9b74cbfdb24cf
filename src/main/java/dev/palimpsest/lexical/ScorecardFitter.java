package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Fits one latent's scorecard to where it fired and where it did not.
 *
 * <p>The rating expected at a position with points s is mu(s) = ln(1 + e^s); observed ratings y
 * scatter around it with a variance that grows with it, so points maximise the Poisson
 * quasi-likelihood sum of y ln mu - mu (McCullagh &amp; Nelder, chapter 9), whose unit is the
 * dispersion sum y² / sum y. {@code prior} imagined firings that say "no difference" shrink
 * patterns seen rarely.
 *
 * <p>Patterns are added greedily: of those whose likelihood gain exceeds a toll against chance
 * finds, the one that takes away most squared error per character of text. Both gains are estimated
 * from two sums over the pattern's positions, of y and of mu; its points are then the whole number
 * whose likelihood, computed exactly, is highest. Points may be revised later in the search, and
 * all are once more at the end.
 *
 * <p>Holds working memory of the size of the text: one per thread.
 */
final class ScorecardFitter {
  private static final int LOWEST_START = -9;
  private static final int MOST_POINTS = 12;
  private static final int SMALLEST_TERM = 5;
  private final PatternTable table;
  private final TokenNames names;
  private final LexicalConfig config;
  private final int[] wordLength;
  private final int[] placeLength;
  private final int[] placeOf;

  private final byte[] added;
  private final float[] observed;
  private final float[] firedSum;
  private final float[] expectedSum;
  private final float[] worth;
  private final int[] points;
  private final int[] dirty;
  private final boolean[] isDirty;
  private final int[] promising;
  private final boolean[] isPromising;
  private final boolean[] placeUsed;
  private final PointsHistogram histogram = new PointsHistogram();
  private int dirtyCount;
  private int promisingCount;
  private int start;
  private double dispersion;
  private List<Integer> chosen = new ArrayList<>();

  ScorecardFitter(PatternTable table, TokenNames names, LexicalConfig config) {
    this.table = table;
    this.names = names;
    this.config = config;
    int patterns = table.patterns.size();
    wordLength = new int[patterns];
    placeLength = new int[patterns];
    placeOf = new int[patterns];
    List<ScorecardText.Place> places = new ArrayList<>();
    for (int i = 0; i < patterns; i++) {
      Pattern pattern = table.patterns.get(i);
      ScorecardText.Place place = ScorecardText.Place.of(pattern);
      wordLength[i] = ScorecardText.word(pattern, names).length();
      placeLength[i] = place.words().length();
      int known = places.indexOf(place);
      placeOf[i] = known >= 0 ? known : places.size();
      if (known < 0) {
        places.add(place);
      }
    }
    placeUsed = new boolean[places.size()];
    added = new byte[table.positions];
    observed = new float[table.positions];
    firedSum = new float[patterns];
    expectedSum = new float[patterns];
    worth = new float[patterns];
    points = new int[patterns];
    dirty = new int[patterns];
    isDirty = new boolean[patterns];
    promising = new int[patterns];
    isPromising = new boolean[patterns];
  }

  /** How a search went, step by step, to find out where it should have stopped. */
  interface Trace {
    /**
     * A pattern is about to be added.
     *
     * @param worth squared rating error it takes away per character
     * @param characters length of the text so far
     */
    void adding(float worth, int characters);
  }

  /**
   * @param at the positions where the latent fired
   * @param ratings [at.length] its activations there, in tenths of its maximum
   * @param leastWorth the search ends where no pattern takes away so much squared rating error per
   *     character
   */
  Scorecard fit(int[] at, float[] ratings, float leastWorth) {
    begin(at, ratings);
    search(leastWorth, Optional.empty());
    for (int sweep = 0; sweep < config.polish(); sweep++) {
      restart();
      for (int pattern : chosen) {
        polish(pattern);
      }
    }
    restart();
    while (length() > config.longest() && !chosen.isEmpty()) {
      chosen.remove(chosen.size() - 1);
    }
    Scorecard card = card();
    end(at);
    return card;
  }

  /** The same search without a least worth, for the sake of its course. */
  void trace(int[] at, float[] ratings, Trace trace) {
    begin(at, ratings);
    search(0, Optional.of(trace));
    end(at);
  }

  private void search(float leastWorth, Optional<Trace> trace) {
    int room = config.longest() - length();
    for (int round = 0; round < 3 * config.longest(); round++) {
      if (room <= 0) {
        room = config.longest() - length();
        if (room < SMALLEST_TERM) {
          return;
        }
      }
      settle();
      int best = best();
      if (best < 0 || worth[best] < leastWorth) {
        return;
      }
      int change = bestChange(best);
      if (change == 0) {
        worth[best] = 0;
        continue;
      }
      boolean isNew = points[best] == 0;
      if (isNew) {
        trace.ifPresent(listener -> listener.adding(worth[best], length()));
        room -= cost(best);
        chosen.add(best);
        placeUsed[placeOf[best]] = true;
      }
      points[best] += change;
      shift(best, change);
      if (isNew && isTimeToRestart(chosen.size()) && restart()) {
        expectAnew();
      }
    }
  }

  /** After 4, 12, 36 … patterns. */
  private static boolean isTimeToRestart(int patterns) {
    int milestone = 4;
    while (milestone < patterns) {
      milestone *= 3;
    }
    return milestone == patterns;
  }

  private void begin(int[] at, float[] ratings) {
    double sum = 0;
    double squares = 0;
    for (int i = 0; i < at.length; i++) {
      observed[at[i]] = ratings[i];
      sum += ratings[i];
      squares += (double) ratings[i] * ratings[i];
      for (int e = table.patternsStart[at[i]]; e < table.patternsStart[at[i] + 1]; e++) {
        firedSum[table.patternsAt[e]] += ratings[i];
      }
    }
    dispersion = sum > 0 ? squares / sum : 1;
    double mean = sum / Math.max(1, table.counted);
    start = (int) Math.max(LOWEST_START, Math.round(PointsHistogram.pointsOf(mean)));
    float expected = PointsHistogram.mean(start);
    for (int pattern = 0; pattern < expectedSum.length; pattern++) {
      expectedSum[pattern] = expected * table.count(pattern);
      mark(pattern);
    }
  }

  private void end(int[] at) {
    for (int position : at) {
      observed[position] = 0;
    }
    java.util.Arrays.fill(firedSum, 0);
    java.util.Arrays.fill(points, 0);
    java.util.Arrays.fill(added, (byte) 0);
    java.util.Arrays.fill(placeUsed, false);
    chosen = new ArrayList<>();
    for (int i = 0; i < dirtyCount; i++) {
      isDirty[dirty[i]] = false;
    }
    dirtyCount = 0;
    for (int i = 0; i < promisingCount; i++) {
      isPromising[promising[i]] = false;
    }
    promisingCount = 0;
  }

  private Scorecard card() {
    List<Scorecard.Term> terms = new ArrayList<>();
    for (int pattern : chosen) {
      if (points[pattern] != 0) {
        terms.add(new Scorecard.Term(table.patterns.get(pattern), points[pattern]));
      }
    }
    return new Scorecard(start, terms);
  }

  private int length() {
    return ScorecardText.format(card(), names).length();
  }

  private void mark(int pattern) {
    if (!isDirty[pattern]) {
      isDirty[pattern] = true;
      dirty[dirtyCount++] = pattern;
    }
  }

  /** Brings the worth of every pattern up to date whose sums have changed. */
  private void settle() {
    for (int i = 0; i < dirtyCount; i++) {
      int pattern = dirty[i];
      isDirty[pattern] = false;
      worth[pattern] = worth(pattern);
      if (worth[pattern] > 0 && !isPromising[pattern]) {
        isPromising[pattern] = true;
        promising[promisingCount++] = pattern;
      }
    }
    dirtyCount = 0;
  }

  private float worth(int pattern) {
    double prior = config.prior() * dispersion;
    double toll = config.toll() * dispersion;
    double fired = firedSum[pattern] + prior;
    double expected = expectedSum[pattern] + prior;
    double surprise = fired - expected;
    // The likelihood gain is at most surprise² / expected, which spares nearly all logarithms.
    if (surprise * surprise <= toll * expected
        || fired * Math.log(fired / expected) - surprise <= toll) {
      return 0;
    }
    double squaredError = surprise * surprise / (table.count(pattern) + 2 * prior);
    return (float) (squaredError / cost(pattern));
  }

  private int cost(int pattern) {
    if (points[pattern] != 0) {
      return 2;
    }
    return wordLength[pattern] + 2 + (placeUsed[placeOf[pattern]] ? 0 : placeLength[pattern] + 1);
  }

  private int best() {
    int best = -1;
    float most = 0;
    int kept = 0;
    for (int i = 0; i < promisingCount; i++) {
      int pattern = promising[i];
      if (worth[pattern] <= 0) {
        isPromising[pattern] = false;
        continue;
      }
      promising[kept++] = pattern;
      if (worth[pattern] > most || (worth[pattern] == most && pattern < best)) {
        most = worth[pattern];
        best = pattern;
      }
    }
    promisingCount = kept;
    return best;
  }

  /** The whole number of points whose addition to the pattern's own gains most; 0 if none gains. */
  private int bestChange(int pattern) {
    histogram.clear();
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      histogram.add(start + added[position], observed[position]);
    }
    return histogram.bestChange(
        -MOST_POINTS - points[pattern], MOST_POINTS - points[pattern], config.prior() * dispersion);
  }

  private void shift(int pattern, int change) {
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      float before = PointsHistogram.mean(start + added[position]);
      added[position] = (byte) Math.max(-60, Math.min(60, added[position] + change));
      float difference = PointsHistogram.mean(start + added[position]) - before;
      if (difference != 0) {
        for (int i = table.patternsStart[position]; i < table.patternsStart[position + 1]; i++) {
          int other = table.patternsAt[i];
          expectedSum[other] += difference;
          mark(other);
        }
      }
    }
    mark(pattern);
  }

  private void polish(int pattern) {
    int change = bestChange(pattern);
    if (change != 0) {
      points[pattern] += change;
      for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
        int position = table.positionsOf[e];
        added[position] = (byte) Math.max(-60, Math.min(60, added[position] + change));
      }
    }
  }

  /** Chooses the start anew, all points being as they are; true if it has changed. */
  private boolean restart() {
    histogram.clear();
    for (int position = 0; position < table.positions; position++) {
      if (table.patternsStart[position + 1] > table.patternsStart[position]) {
        histogram.add(start + added[position], observed[position]);
      }
    }
    int change = histogram.bestChange(Math.max(LOWEST_START - start, -3), 3, 0);
    start += change;
    return change != 0;
  }

  /** Recomputes what is expected of every pattern. */
  private void expectAnew() {
    float base = PointsHistogram.mean(start);
    for (int pattern = 0; pattern < expectedSum.length; pattern++) {
      expectedSum[pattern] = base * table.count(pattern);
      mark(pattern);
    }
    for (int position = 0; position < table.positions; position++) {
      if (added[position] != 0) {
        float difference = PointsHistogram.mean(start + added[position]) - base;
        for (int i = table.patternsStart[position]; i < table.patternsStart[position + 1]; i++) {
          expectedSum[table.patternsAt[i]] += difference;
        }
      }
    }
  }
}
