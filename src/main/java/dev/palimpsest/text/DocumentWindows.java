package dev.palimpsest.text;

/**
 * Windows that hold tokens of one document only, cut from its beginning on. What is left at its end
 * and does not fill a window is dropped, and so is a whole document shorter than a window.
 */
final class DocumentWindows implements TokenWindows {
  private final SplitDocuments documents;
  private final int contextLength;
  private final boolean mark;

  /** Number of the first window of each document; one more entry for the number of all. */
  private final long[] first;

  /**
   * @param contextLength at least 1, with {@code mark} at least 2
   * @param mark whether every window begins with the separator, instead of every document
   */
  DocumentWindows(SplitDocuments documents, int contextLength, boolean mark) {
    this.documents = documents;
    this.contextLength = contextLength;
    this.mark = mark;
    this.first = new long[documents.count() + 1];
    for (int d = 0; d < documents.count(); d++) {
      long slots = documents.place(d + 1) - documents.place(d);
      long windows = mark ? (slots - 1) / (contextLength - 1) : slots / contextLength;
      first[d + 1] = first[d] + windows;
    }
  }

  @Override
  public int contextLength() {
    return contextLength;
  }

  @Override
  public long size() {
    return first[documents.count()];
  }

  @Override
  public long document(long index) {
    return documents.content(holder(index));
  }

  @Override
  public void read(long index, int[] into, int offset) {
    int document = holder(index);
    long inDocument = index - first[document];
    long place = documents.place(document);
    if (mark) {
      into[offset] = documents.separator();
      documents.read(
          place + 1 + inDocument * (contextLength - 1), into, offset + 1, contextLength - 1);
    } else {
      documents.read(place + inDocument * contextLength, into, offset, contextLength);
    }
  }

  /** The last document whose windows begin at or before a number: it has at least one. */
  private int holder(long index) {
    if (index < 0 || index >= size()) {
      throw new IndexOutOfBoundsException("window " + index + " of " + size());
    }
    int low = 0;
    int high = documents.count();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (first[middle] <= index) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
