package dev.palimpsest.explain;

import java.util.ArrayList;
import java.util.List;

/**
 * Fits one latent's scorecard to where it fired and where it did not.
 *
 * <p>The rating expected at a position with points s is mu(s) = ln(1 + e^s); observed ratings y
 * scatter around it with a variance that grows with it, so the fit maximises the Poisson
 * quasi-likelihood sum of y ln mu - mu (McCullagh &amp; Nelder, chapter 9), divided by the
 * dispersion sum y² / sum y. Patterns are added greedily: the one whose gain, less a fixed toll
 * against chance finds, is largest per character of text. A pattern's gain is estimated from two
 * sums over its positions, of y and of mu, and then computed exactly for every whole number of
 * points; {@code prior} imagined firings that say "no difference" shrink patterns seen rarely.
 * Points may be revised later in the search, and all are once more at the end.
 *
 * <p>Holds working memory of the size of the text: one per thread.
 */
final class ScorecardFitter {
  private static final int LOWEST_START = -9;
  private static final int MOST_POINTS = 12;
  private static final int OFFSET = 64;
  private static final int SMALLEST_TERM = 5;
  private static final float[] MEAN = new float[2 * OFFSET];
  private static final double[] LOG_MEAN = new double[2 * OFFSET];

  static {
    for (int i = 0; i < MEAN.length; i++) {
      double mean = Math.log1p(Math.exp(i - OFFSET));
      MEAN[i] = (float) mean;
      LOG_MEAN[i] = Math.log(mean);
    }
  }

  private final PatternTable table;
  private final TokenNames names;
  private final ExplainConfig config;
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
  private final boolean[] placeUsed;
  private final long[] scoreCount = new long[2 * OFFSET];
  private final double[] scoreSum = new double[2 * OFFSET];
  private int dirtyCount;
  private int start;
  private double dispersion;
  private List<Integer> chosen = new ArrayList<>();

  ScorecardFitter(PatternTable table, TokenNames names, ExplainConfig config) {
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
  }

  /**
   * @param at the positions where the latent fired
   * @param ratings [at.length] its activations there, in tenths of its maximum
   */
  Scorecard fit(int[] at, float[] ratings) {
    begin(at, ratings);
    int room = config.characters() - length();
    for (int round = 0; round < 3 * config.characters(); round++) {
      if (room <= 0) {
        room = config.characters() - length();
        if (room < SMALLEST_TERM) {
          break;
        }
      }
      settle();
      int best = best();
      if (best < 0) {
        break;
      }
      int change = bestChange(best);
      if (change == 0) {
        worth[best] = 0;
        continue;
      }
      boolean isNew = points[best] == 0;
      if (isNew) {
        room -= cost(best);
        chosen.add(best);
        placeUsed[placeOf[best]] = true;
      }
      points[best] += change;
      shift(best, change);
      if (chosen.size() == 4 || (isNew && chosen.size() % 12 == 0)) {
        restart();
      }
    }
    for (int sweep = 0; sweep < config.polish(); sweep++) {
      restart();
      for (int pattern : chosen) {
        polish(pattern);
      }
    }
    restart();
    while (length() > config.characters() && !chosen.isEmpty()) {
      chosen.remove(chosen.size() - 1);
    }
    Scorecard card = card();
    end(at);
    return card;
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
    start = (int) Math.max(LOWEST_START, Math.round(Math.log(Math.expm1(Math.max(mean, 1e-6)))));
    float expected = MEAN[OFFSET + start];
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
    double prior = config.prior() * dispersion;
    double toll = config.toll() * dispersion;
    for (int i = 0; i < dirtyCount; i++) {
      int pattern = dirty[i];
      isDirty[pattern] = false;
      double fired = firedSum[pattern] + prior;
      double expected = expectedSum[pattern] + prior;
      double gain = fired * Math.log(fired / expected) - (fired - expected) - toll;
      worth[pattern] = gain <= 0 ? 0 : (float) (gain / cost(pattern));
    }
    dirtyCount = 0;
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
    for (int pattern = 0; pattern < worth.length; pattern++) {
      if (worth[pattern] > most) {
        most = worth[pattern];
        best = pattern;
      }
    }
    return best;
  }

  /** The whole number of points whose addition to the pattern's own gains most; 0 if none gains. */
  private int bestChange(int pattern) {
    int from = table.positionsStart[pattern];
    int to = table.positionsStart[pattern + 1];
    int lowest = Integer.MAX_VALUE;
    int highest = Integer.MIN_VALUE;
    for (int e = from; e < to; e++) {
      int position = table.positionsOf[e];
      int score = index(added[position]);
      scoreCount[score]++;
      scoreSum[score] += observed[position];
      lowest = Math.min(lowest, score);
      highest = Math.max(highest, score);
    }
    double meanScore = Math.log(Math.expm1(Math.max(1e-9, expectedSum[pattern] / (to - from))));
    int typical = (int) Math.max(-30, Math.min(30, Math.round(meanScore))) + OFFSET;
    int best = 0;
    double most = 0;
    for (int change = -MOST_POINTS - points[pattern];
        change <= MOST_POINTS - points[pattern];
        change++) {
      double gain = 0;
      for (int score = lowest; score <= highest; score++) {
        if (scoreCount[score] > 0) {
          int other = clamp(score + change);
          gain +=
              scoreSum[score] * (LOG_MEAN[other] - LOG_MEAN[score])
                  - scoreCount[score] * (MEAN[other] - MEAN[score]);
        }
      }
      double ratio = LOG_MEAN[clamp(typical + change)] - LOG_MEAN[typical];
      gain -= config.prior() * dispersion * (Math.expm1(ratio) - ratio);
      if (gain > most) {
        most = gain;
        best = change;
      }
    }
    for (int score = lowest; score <= highest; score++) {
      scoreCount[score] = 0;
      scoreSum[score] = 0;
    }
    return best;
  }

  private void shift(int pattern, int change) {
    for (int e = table.positionsStart[pattern]; e < table.positionsStart[pattern + 1]; e++) {
      int position = table.positionsOf[e];
      float before = MEAN[index(added[position])];
      added[position] = (byte) Math.max(-60, Math.min(60, added[position] + change));
      float difference = MEAN[index(added[position])] - before;
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

  /**
   * Chooses the start anew, all points being as they are, and recomputes what was expected if it
   * has changed.
   */
  private void restart() {
    java.util.Arrays.fill(scoreCount, 0);
    java.util.Arrays.fill(scoreSum, 0);
    for (int position = 0; position < table.positions; position++) {
      if (table.patternsStart[position + 1] > table.patternsStart[position]) {
        scoreCount[OFFSET + added[position]]++;
        scoreSum[OFFSET + added[position]] += observed[position];
      }
    }
    int best = start;
    double most = Double.NEGATIVE_INFINITY;
    for (int candidate = Math.max(LOWEST_START, start - 3); candidate <= start + 3; candidate++) {
      double likelihood = 0;
      for (int score = 0; score < scoreCount.length; score++) {
        if (scoreCount[score] > 0) {
          int index = clamp(score + candidate);
          likelihood +=
              scoreSum[score] * LOG_MEAN[index] - scoreCount[score] * (double) MEAN[index];
        }
      }
      if (likelihood > most) {
        most = likelihood;
        best = candidate;
      }
    }
    java.util.Arrays.fill(scoreCount, 0);
    java.util.Arrays.fill(scoreSum, 0);
    if (best != start) {
      start = best;
      expectAnew();
    }
  }

  private void expectAnew() {
    float base = MEAN[OFFSET + start];
    for (int pattern = 0; pattern < expectedSum.length; pattern++) {
      expectedSum[pattern] = base * table.count(pattern);
      mark(pattern);
    }
    for (int position = 0; position < table.positions; position++) {
      if (added[position] != 0) {
        float difference = MEAN[index(added[position])] - base;
        for (int i = table.patternsStart[position]; i < table.patternsStart[position + 1]; i++) {
          expectedSum[table.patternsAt[i]] += difference;
        }
      }
    }
  }

  private int index(int more) {
    return clamp(OFFSET + start + more);
  }

  private static int clamp(int index) {
    return Math.max(0, Math.min(2 * OFFSET - 1, index));
  }
}
