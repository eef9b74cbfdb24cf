package dev.palimpsest.train;

import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;

/**
 * The token batch of any step, from its number alone: ceil(B / context) windows in the seeded
 * order.
 */
final class BatchReader {
  private final TokenWindows windows;
  private final WindowOrder order;
  private final int rows;

  BatchReader(TokenWindows windows, WindowOrder order, int batchTokens) {
    this.windows = windows;
    this.order = order;
    this.rows = (batchTokens + windows.contextLength() - 1) / windows.contextLength();
  }

  /** A batch to read into. */
  TokenBatch newBatch() {
    return new TokenBatch(rows, windows.contextLength(), new int[rows * windows.contextLength()]);
  }

  /**
   * Reads the windows of a step.
   *
   * @param step 0-based
   */
  void read(long step, TokenBatch into) {
    for (int row = 0; row < rows; row++) {
      long window = order.at(step * rows + row);
      windows.read(window, into.ids(), row * windows.contextLength());
    }
  }
}
