package dev.palimpsest.train;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;

/** How often, and when last, every latent of a coder fired; on the host, and in files. */
final class FiringRecord {
  private static final String COUNTS = "firing.counts";
  private static final String LAST = "firing.last";

  private final long[] counts;
  private final long[] last;
  private final long deadAfterTokens;
  private long tokens;
  private int dead;

  FiringRecord(int latents, long deadAfterTokens) {
    this.counts = new long[latents];
    this.last = new long[latents];
    this.deadAfterTokens = deadAfterTokens;
  }

  /**
   * Takes in a batch.
   *
   * @param now firings of every latent since the start, this batch's included
   * @param rows of the batch
   * @return firings of all latents in the batch
   */
  long take(long[] now, long rows) {
    tokens += rows;
    long firings = 0;
    for (int latent = 0; latent < counts.length; latent++) {
      long fired = now[latent] - counts[latent];
      if (fired > 0) {
        last[latent] = tokens;
        counts[latent] = now[latent];
        firings += fired;
      }
    }
    dead = countDead();
    return firings;
  }

  /**
   * Takes over a record that was kept elsewhere.
   *
   * @param countsNow firings of every latent since the start
   * @param lastNow rows taken in when it fired last, 0: never
   * @param tokensNow rows taken in
   */
  void replace(long[] countsNow, long[] lastNow, long tokensNow) {
    System.arraycopy(countsNow, 0, counts, 0, counts.length);
    System.arraycopy(lastNow, 0, last, 0, last.length);
    tokens = tokensNow;
    dead = countDead();
  }

  /** M. */
  int latents() {
    return counts.length;
  }

  /** Rows taken in. */
  long tokens() {
    return tokens;
  }

  /** A copy of the firings of every latent since the start. */
  long[] counts() {
    return counts.clone();
  }

  /** A copy of the rows taken in when each latent fired last; 0: never. */
  long[] last() {
    return last.clone();
  }

  /** Latents without a firing in the last {@code min(deadAfterTokens, tokens)} tokens. */
  int dead() {
    return dead;
  }

  /** {@link #dead} of all latents; 0 at the start. */
  double deadFraction() {
    return dead / (double) last.length;
  }

  private int countDead() {
    if (tokens == 0) {
      return 0;
    }
    long horizon = Math.max(0, tokens - deadAfterTokens);
    int count = 0;
    for (long fired : last) {
      if (fired <= horizon) {
        count++;
      }
    }
    return count;
  }

  void addTo(SafeTensorsWriter writer) {
    writer.add(COUNTS, new long[] {counts.length}, counts);
    writer.add(LAST, new long[] {last.length}, last);
  }

  /**
   * Continues where a file's record ended.
   *
   * @param tokensSeen the rows it had taken in
   * @throws PalimpsestException where a count is negative, or a latent fired after the last row
   */
  void readFrom(SafeTensors file, long tokensSeen) {
    file.expectShape(COUNTS, counts.length);
    file.expectShape(LAST, last.length);
    readWithin(file, COUNTS, counts, Long.MAX_VALUE);
    readWithin(file, LAST, last, tokensSeen);
    tokens = tokensSeen;
    dead = countDead();
  }

  private static void readWithin(SafeTensors file, String name, long[] into, long most) {
    long[] values = file.longs(name);
    for (long value : values) {
      if (value < 0 || value > most) {
        throw new PalimpsestException(
            file.describe(name) + ": holds " + value + ", expected 0 to " + most);
      }
    }
    System.arraycopy(values, 0, into, 0, into.length);
  }
}
