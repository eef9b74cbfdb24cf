package dev.palimpsest.text;

/** Windows cut from a split's documents joined to one stream, whatever documents they span. */
final class PackedWindows implements TokenWindows {
  private final SplitDocuments documents;
  private final int contextLength;
  private final boolean mark;

  /** Places of the stream from a window to the next. */
  private final int stride;

  private final long size;

  /**
   * @param contextLength at least 1, with {@code mark} at least 2
   * @param mark whether every window begins with the separator. A window that begins with a
   *     document has it anyway, and reads one token further, which the next one reads too: so
   *     windows stay where they are found by their number alone
   */
  PackedWindows(SplitDocuments documents, int contextLength, boolean mark) {
    this.documents = documents;
    this.contextLength = contextLength;
    this.mark = mark;
    this.stride = mark ? contextLength - 1 : contextLength;
    this.size = Math.max(0, (documents.tokens() - (mark ? 1 : 0)) / stride);
  }

  @Override
  public int contextLength() {
    return contextLength;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public long document(long index) {
    long place = placeOf(index);
    long end = place + (isMarked(place) ? contextLength - 1 : contextLength);
    int document = documents.at(place);
    int most = document;
    long mostTokens = 0;
    while (place < end) {
      long next = Math.min(end, documents.place(document + 1));
      if (next - place > mostTokens) {
        mostTokens = next - place;
        most = document;
      }
      place = next;
      document++;
    }
    return documents.content(most);
  }

  @Override
  public void read(long index, int[] into, int offset) {
    long place = placeOf(index);
    if (isMarked(place)) {
      into[offset] = documents.separator();
      documents.read(place, into, offset + 1, contextLength - 1);
    } else {
      documents.read(place, into, offset, contextLength);
    }
  }

  /** Whether a window that begins at a place gets a separator that is not of the stream. */
  private boolean isMarked(long place) {
    return mark && documents.place(documents.at(place)) != place;
  }

  private long placeOf(long index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException("window " + index + " of " + size);
    }
    return index * stride;
  }
}
