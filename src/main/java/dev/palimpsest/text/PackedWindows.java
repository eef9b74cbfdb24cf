package dev.palimpsest.text;

import java.util.Arrays;
import java.util.List;

/**
 * Windows over the documents of one split, read from the mapped files; nothing is copied but where
 * documents lie.
 */
final class PackedWindows implements TokenWindows {
  private final List<TokenFile> files;
  private final int endOfText;
  private final int contextLength;
  private final long size;

  /**
   * Place of each document's end-of-text token in the packed stream; one more entry for the end of
   * the stream.
   */
  private final long[] places;

  /** Of each document: its file, and its number in that file. */
  private final int[] fileOf;

  private final int[] documentOf;

  /** Collects the documents of a split in the order of the files. */
  static final class Builder {
    private long[] places = new long[1024];
    private int[] fileOf = new int[1024];
    private int[] documentOf = new int[1024];
    private int documents;
    private long place;

    void add(int file, int document, long tokens) {
      if (documents + 1 == places.length) {
        places = Arrays.copyOf(places, 2 * documents + 2);
        fileOf = Arrays.copyOf(fileOf, 2 * documents + 2);
        documentOf = Arrays.copyOf(documentOf, 2 * documents + 2);
      }
      places[documents] = place;
      fileOf[documents] = file;
      documentOf[documents] = document;
      documents++;
      place += 1 + tokens;
      places[documents] = place;
    }

    /** Tokens so far, end-of-text tokens included. */
    long tokens() {
      return place;
    }

    int documents() {
      return documents;
    }

    PackedWindows build(List<TokenFile> files, int endOfText, int contextLength) {
      return new PackedWindows(this, files, endOfText, contextLength);
    }
  }

  private PackedWindows(Builder builder, List<TokenFile> files, int endOfText, int contextLength) {
    this.files = files;
    this.endOfText = endOfText;
    this.contextLength = contextLength;
    this.size = builder.place / contextLength;
    this.places = Arrays.copyOf(builder.places, builder.documents + 1);
    this.fileOf = Arrays.copyOf(builder.fileOf, builder.documents);
    this.documentOf = Arrays.copyOf(builder.documentOf, builder.documents);
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
    long end = place + contextLength;
    int document = documentAt(place);
    int most = document;
    long mostTokens = 0;
    while (place < end) {
      long next = Math.min(end, places[document + 1]);
      if (next - place > mostTokens) {
        mostTokens = next - place;
        most = document;
      }
      place = next;
      document++;
    }
    return files.get(fileOf[most]).index().content(documentOf[most]);
  }

  private long placeOf(long index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException("window " + index + " of " + size);
    }
    return index * contextLength;
  }

  /** The document whose tokens, or the end-of-text token before them, are at a place. */
  private int documentAt(long place) {
    int found = Arrays.binarySearch(places, place);
    return found >= 0 ? found : -found - 2;
  }

  @Override
  public void read(long index, int[] into, int offset) {
    long place = placeOf(index);
    int document = documentAt(place);
    int written = 0;
    while (written < contextLength) {
      long inDocument = place + written - places[document];
      if (inDocument == 0) {
        into[offset + written++] = endOfText;
        inDocument = 1;
      }
      long left = places[document + 1] - places[document] - inDocument;
      int count = (int) Math.min(left, contextLength - written);
      TokenFile file = files.get(fileOf[document]);
      long start = file.index().start(documentOf[document]);
      file.read(start + inDocument - 1, into, offset + written, count);
      written += count;
      document++;
    }
  }
}
