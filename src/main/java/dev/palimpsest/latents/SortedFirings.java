package dev.palimpsest.latents;

import java.nio.ByteBuffer;

/**
 * The firings of one group of latents in the order (latent, row, position): a stable counting sort
 * of a log.
 */
@SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
record SortedFirings(ByteBuffer entries, int[] order) {
  /**
   * @param log in order of (row, position)
   * @param first first latent of the range the group is in
   * @param latents number of latents of the range
   */
  static SortedFirings of(FiringLog log, int first, int latents) {
    ByteBuffer entries = log.read();
    int count = entries.limit() / FiringLog.ENTRY_BYTES;
    int[] next = new int[latents + 1];
    for (int i = 0; i < count; i++) {
      next[latent(entries, i) - first + 1]++;
    }
    for (int latent = 0; latent < latents; latent++) {
      next[latent + 1] += next[latent];
    }
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[next[latent(entries, i) - first]++] = i;
    }
    return new SortedFirings(entries, order);
  }

  int size() {
    return order.length;
  }

  int row(int i) {
    return entries.getInt(order[i] * FiringLog.ENTRY_BYTES);
  }

  int position(int i) {
    return entries.getInt(order[i] * FiringLog.ENTRY_BYTES + 4);
  }

  int latent(int i) {
    return latent(entries, order[i]);
  }

  float activation(int i) {
    return entries.getFloat(order[i] * FiringLog.ENTRY_BYTES + 12);
  }

  private static int latent(ByteBuffer entries, int entry) {
    return entries.getInt(entry * FiringLog.ENTRY_BYTES + 8);
  }
}
