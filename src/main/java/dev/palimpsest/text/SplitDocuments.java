package dev.palimpsest.text;

import java.util.Arrays;
import java.util.List;

/**
 * The documents of one split in the order of the files, each preceded by the separator: a stream
 * that is read from the mapped files. Nothing is copied but where documents lie.
 */
final class SplitDocuments {
  private final List<TokenFile> files;
  private final int separator;

  /** Place of each document's separator in the stream; one more entry for the end of the stream. */
  private long[] places = new long[1024];

  /** Of each document: its file, and its number in that file. */
  private int[] fileOf = new int[1024];

  private int[] documentOf = new int[1024];
  private int count;

  SplitDocuments(List<TokenFile> files, int separator) {
    this.files = files;
    this.separator = separator;
  }

  /** Appends a document. */
  void add(int file, int document) {
    if (count + 1 == places.length) {
      places = Arrays.copyOf(places, 2 * count + 2);
      fileOf = Arrays.copyOf(fileOf, 2 * count + 2);
      documentOf = Arrays.copyOf(documentOf, 2 * count + 2);
    }
    fileOf[count] = file;
    documentOf[count] = document;
    DocumentIndex index = files.get(file).index();
    places[count + 1] = places[count] + 1 + index.end(document) - index.start(document);
    count++;
  }

  int count() {
    return count;
  }

  int separator() {
    return separator;
  }

  /** Tokens of the stream, separators included. */
  long tokens() {
    return places[count];
  }

  /** The place of a document's separator in the stream; of number {@link #count}: its end. */
  long place(int document) {
    return places[document];
  }

  /** The document whose tokens, or the separator before them, are at a place. */
  int at(long place) {
    int found = Arrays.binarySearch(places, 0, count + 1, place);
    return found >= 0 ? found : -found - 2;
  }

  /** A document's {@link ContentHash}. */
  long content(int document) {
    return files.get(fileOf[document]).index().content(documentOf[document]);
  }

  /** Copies a stretch of the stream. */
  void read(long place, int[] into, int offset, int length) {
    int document = at(place);
    int written = 0;
    while (written < length) {
      long inDocument = place + written - places[document];
      if (inDocument == 0) {
        into[offset + written++] = separator;
        inDocument = 1;
      }
      long left = places[document + 1] - places[document] - inDocument;
      int next = (int) Math.min(left, length - written);
      TokenFile file = files.get(fileOf[document]);
      long start = file.index().start(documentOf[document]);
      file.read(start + inDocument - 1, into, offset + written, next);
      written += next;
      document++;
    }
  }
}
