package dev.palimpsest.simulate;

import dev.palimpsest.text.TokenWindows;

/**
 * Short windows cut out of longer ones, each beginning a few tokens after the one before: where
 * only the last position of a window counts, the text would otherwise give one figure a window.
 */
final class OverlappingWindows implements TokenWindows {
  private final TokenWindows whole;
  private final int length;
  private final int stride;
  private final int perWhole;

  /**
   * @param whole windows of at least {@code length} tokens
   * @param stride tokens from one beginning to the next, at least 1
   */
  OverlappingWindows(TokenWindows whole, int length, int stride) {
    this.whole = whole;
    this.length = length;
    this.stride = stride;
    perWhole = (whole.contextLength() - length) / stride + 1;
  }

  @Override
  public int contextLength() {
    return length;
  }

  @Override
  public long size() {
    return Math.multiplyExact(whole.size(), perWhole);
  }

  @Override
  public void read(long index, int[] into, int offset) {
    int[] all = whole.read(index / perWhole);
    System.arraycopy(all, (int) (index % perWhole) * stride, into, offset, length);
  }

  @Override
  public long document(long index) {
    return whole.document(index / perWhole);
  }
}
