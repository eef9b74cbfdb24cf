package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Fits one latent's scorecard to where it fired and where it did not.
 *
 * <p>Patterns are added greedily: of those whose gain in Poisson quasi-likelihood (McCullagh &amp;
 * Nelder, chapter 9; its unit is the dispersion sum y² / sum y) exceeds a toll against chance
 * finds, the one that is estimated to take away most squared error per character of text, from two
 * sums over its positions: of what was observed and of what is expected. Its degree is the one that
 * takes away most squared error, computed exactly, less the price of the characters it costs there;
 * {@code prior} imagined positions that say "no difference" shrink patterns seen rarely. Degrees
 * may be revised later in the search, and all are once more at the end.
 *
 * <p>Holds working memory of the size of the text: one per thread.
 */
final class ScorecardFitter {
  private static final int NONE = -1;
  private static final double LEAST_WEIGHT = 1e-9;

  /** Characters of what stands in every text: that it fires, and what holds otherwise. */
  private static final int RESERVE = 20;

  private final PatternTable table;
  private final Lexicon lexicon;
  private final LexicalConfig config;
  private final ClauseLengths lengths;
  private final int[] specificity;

  /** The chosen pattern that sets the points of a position, or {@link #NONE}. */
  private final int[] owner;

  private final byte[] added;
  private final float[] observed;
  private final int[] touched;
  private final boolean[] isTouched;
  private int touchedCount;

  private final float[] firedSum;
  private final float[] expectedSum;
  private final float[] worth;
  private final int[] degree;
  private final int[] dirty;
  private final boolean[] isDirty;
  private final int[] promising;
  private final boolean[] isPromising;
  private final PointsHistogram histogram = new PointsHistogram();
  private int dirtyCount;
  private int promisingCount;
  private int start;
  private double dispersion;

  /** Sum of what was observed where any pattern matches. */
  private double total;

  private double price;
  private List<Integer> chosen = new ArrayList<>();

  ScorecardFitter(PatternTable table, Lexicon lexicon, LexicalConfig config) {
    this.table = table;
    this.lexicon = lexicon;
    this.config = config;
    int patterns = table.patterns.size();
    lengths = new ClauseLengths(table.patterns, lexicon);
    specificity = new int[patterns];
    for (int i = 0; i < patterns; i++) {
      if (lengths.sets(i) && table.patterns.get(i) instanceof Pattern.Sequence own) {
        specificity[i] = Scorecard.specificity(own, lexicon);
      }
    }
    owner = new int[table.positions];
    Arrays.fill(owner, NONE);
    added = new byte[table.positions];
    observed = new float[table.positions];
    touched = new int[table.positions];
    isTouched = new boolean[table.positions];
    firedSum = new float[patterns];
    expectedSum = new float[patterns];
    worth = new float[patterns];
    degree = new int[patterns];
    Arrays.fill(degree, NONE);
    dirty = new int[patterns];
    isDirty = new boolean[patterns];
    promising = new int[patterns];
    isPromising = new boolean[patterns];
  }

  /**
   * @param at the positions where the latent fired
   * @param ratings [at.length] its activations there, in tenths of its maximum
   * @param price squared rating error that a character must take away
   */
  Scorecard fit(int[] at, float[] ratings, double price) {
    this.price = price;
    begin(at, ratings);
    search();
    for (int sweep = 0; sweep < config.polish(); sweep++) {
      restart();
      for (int pattern : chosen) {
        revise(pattern);
      }
    }
    restart();
    Scorecard card = shortened();
    end(at);
    return card;
  }

  /** What was found, without the terms chosen last as far as the text would be too long. */
  private Scorecard shortened() {
    List<Scorecard.Term> terms = new ArrayList<>();
    for (int pattern : chosen) {
      terms.add(
          new Scorecard.Term(table.patterns.get(pattern), points(pattern), lengths.sets(pattern)));
    }
    Scorecard card = new Scorecard(start, terms);
    while (!terms.isEmpty() && EnglishWriter.write(card, lexicon).length() > config.longest()) {
      terms.remove(terms.size() - 1);
      card = new Scorecard(start, terms);
    }
    return card;
  }

  private void search() {
    int length = RESERVE;
    for (int round = 0; round < 3 * config.longest(); round++) {
      settle();
      int best = best();
      if (best < 0) {
        return;
      }
      boolean isNew = degree[best] == NONE;
      int cost = isNew ? lengths.item(best) : 0;
      if (length + cost > config.longest()) {
        worth[best] = 0;
        continue;
      }
      int wanted = bestDegree(best);
      if (wanted == degree[best]) {
        worth[best] = 0;
        continue;
      }
      if (isNew) {
        length += lengths.of(best, wanted);
        chosen.add(best);
      }
      change(best, wanted, true);
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
    total = 0;
    for (int i = 0; i < at.length; i++) {
      observed[at[i]] = ratings[i];
      float weight = table.weights[at[i]];
      sum += weight * ratings[i];
      total += table.describes(at[i]) ? weight * ratings[i] : 0;
      squares += (double) weight * ratings[i] * ratings[i];
      for (int e = table.patternsStart[at[i]]; e < table.patternsStart[at[i] + 1]; e++) {
        firedSum[table.patternsAt[e]] += weight * ratings[i];
      }
    }
    dispersion = sum > 0 ? squares / sum : 1;
    double mean = sum / Math.max(1, table.countedWeight);
    start = English.nearestStrength(PointsHistogram.pointsOf(mean));
    float expected = PointsHistogram.mean(start);
    for (int pattern = 0; pattern < expectedSum.length; pattern++) {
      expectedSum[pattern] = expected * table.weight(pattern);
      mark(pattern);
    }
  }

  private void end(int[] at) {
    for (int position : at) {
      observed[position] = 0;
    }
    Arrays.fill(firedSum, 0);
    for (int pattern : chosen) {
      degree[pattern] = NONE;
    }
    for (int i = 0; i < touchedCount; i++) {
      int position = touched[i];
      isTouched[position] = false;
      added[position] = 0;
      owner[position] = NONE;
    }
    touchedCount = 0;
    lengths.clear();
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

  private int points(int pattern) {
    return lengths.degrees(pattern)[degree[pattern]];
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

  /** Squared error taken away per character, as far as two sums tell; 0 where it does not pay. */
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
    double squaredError = surprise * surprise / (table.weight(pattern) + 2 * prior);
    double each = squaredError / (degree[pattern] == NONE ? lengths.item(pattern) : 2);
    return each > price ? (float) each : 0;
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

  /** Whether the pattern's points count at a position, were it chosen. */
  private boolean rules(int pattern, int position) {
    int other = owner[position];
    return other == NONE
        || other == pattern
        || specificity[other] < specificity[pattern]
        || (specificity[other] == specificity[pattern] && other > pattern);
  }

  private int own(int position) {
    return owner[position] == NONE ? start : points(owner[position]);
  }

  /** The degree that takes away most squared error, less the price of its characters. */
  private int bestDegree(int pattern) {
    boolean sets = lengths.sets(pattern);
    double now = 0;
    double expected = 0;
    histogram.clear();
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      if (sets && !rules(pattern, position)) {
        continue;
      }
      double mean = PointsHistogram.mean(own(position) + added[position]);
      float weight = table.weights[position];
      now += weight * mean * (mean - 2 * observed[position]);
      expected += weight * mean;
      int without =
          sets
              ? added[position]
              : own(position) + added[position] - (degree[pattern] == NONE ? 0 : points(pattern));
      histogram.add(without, weight, weight * observed[position]);
    }
    int best = degree[pattern];
    double most = 0;
    double typical = expected / Math.max(LEAST_WEIGHT, histogram.weight());
    int[] degrees = lengths.degrees(pattern);
    for (int d = 0; d < degrees.length; d++) {
      if (d == degree[pattern]) {
        continue;
      }
      double shift =
          sets
              ? PointsHistogram.mean(degrees[d]) - typical
              : PointsHistogram.mean(
                      (int) Math.round(PointsHistogram.pointsOf(typical)) + degrees[d])
                  - typical;
      double gain =
          now
              - histogram.error(degrees[d])
              - config.shrink() * shift * shift
              - price
                  * (lengths.of(pattern, d)
                      - (degree[pattern] == NONE ? 0 : lengths.item(pattern)));
      if (gain > most) {
        most = gain;
        best = d;
      }
    }
    return best;
  }

  /** From now on the pattern bears on its positions. */
  private void touch(int pattern) {
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      if (!isTouched[position]) {
        isTouched[position] = true;
        touched[touchedCount++] = position;
      }
    }
  }

  /** Gives a pattern another degree. */
  private void change(int pattern, int wanted, boolean searching) {
    int[] degrees = lengths.degrees(pattern);
    int before = degree[pattern];
    if (before == NONE) {
      touch(pattern);
    } else {
      lengths.count(pattern, before, -1);
    }
    lengths.count(pattern, wanted, 1);
    boolean sets = lengths.sets(pattern);
    int shift = degrees[wanted] - (before == NONE ? 0 : degrees[before]);
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      if (sets && !rules(pattern, position)) {
        continue;
      }
      int total = own(position) + added[position];
      int then;
      if (sets) {
        then = degrees[wanted] + added[position];
        owner[position] = pattern;
      } else {
        then = total + shift;
        added[position] = (byte) Math.max(-60, Math.min(60, added[position] + shift));
      }
      float difference = PointsHistogram.mean(then) - PointsHistogram.mean(total);
      if (searching && difference != 0) {
        float weighted = table.weights[position] * difference;
        for (int i = table.patternsStart[position]; i < table.patternsStart[position + 1]; i++) {
          int other = table.patternsAt[i];
          expectedSum[other] += weighted;
          mark(other);
        }
      }
    }
    degree[pattern] = wanted;
    mark(pattern);
  }

  private void revise(int pattern) {
    int wanted = bestDegree(pattern);
    if (wanted != degree[pattern]) {
      change(pattern, wanted, false);
    }
  }

  /** Chooses the start anew, all points being as they are; true if it has changed. */
  private boolean restart() {
    histogram.clear();
    double untouched = table.describedWeight;
    double fired = total;
    for (int i = 0; i < touchedCount; i++) {
      int position = touched[i];
      float weight = table.weights[position];
      if (owner[position] == NONE) {
        histogram.add(start + added[position], weight, weight * observed[position]);
      }
      untouched -= weight;
      fired -= weight * observed[position];
    }
    histogram.add(start, untouched, fired);
    int best = start;
    double least = histogram.error(0);
    for (int other : English.strengths()) {
      double error = histogram.error(other - start);
      if (error < least) {
        least = error;
        best = other;
      }
    }
    boolean changed = best != start;
    start = best;
    return changed;
  }

  /** Recomputes what is expected of every pattern. */
  private void expectAnew() {
    float base = PointsHistogram.mean(start);
    for (int pattern = 0; pattern < expectedSum.length; pattern++) {
      expectedSum[pattern] = base * table.weight(pattern);
      mark(pattern);
    }
    for (int t = 0; t < touchedCount; t++) {
      int position = touched[t];
      float difference =
          table.weights[position] * (PointsHistogram.mean(own(position) + added[position]) - base);
      if (difference != 0) {
        for (int i = table.patternsStart[position]; i < table.patternsStart[position + 1]; i++) {
          expectedSum[table.patternsAt[i]] += difference;
        }
      }
    }
  }
}
