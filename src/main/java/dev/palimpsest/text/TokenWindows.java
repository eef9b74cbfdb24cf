package dev.palimpsest.text;

/**
 * The windows of one split: its documents in the order of the files, each preceded by the
 * separator, joined and cut into windows of {@link #contextLength()} tokens. The last, incomplete
 * window is left out. {@link CorpusOptions} can have windows end with their document, or all begin
 * with the separator. Safe for any number of threads.
 */
public interface TokenWindows {
  /** Tokens of a window. */
  int contextLength();

  /** Number of windows, at least 1. */
  long size();

  /**
   * Reads one window.
   *
   * @param index 0 … size() - 1
   * @param into receives contextLength() token ids from {@code offset} on
   */
  void read(long index, int[] into, int offset);

  /**
   * The document that a window belongs to: the one most of its tokens come from, the earlier of
   * equals. Windows of one document are not independent of each other.
   *
   * @param index 0 … size() - 1
   * @return a number that equal documents share and no other document has: the {@link ContentHash}
   */
  long document(long index);

  /** Reads one window into a new array. */
  default int[] read(long index) {
    int[] window = new int[contextLength()];
    read(index, window, 0);
    return window;
  }
}
