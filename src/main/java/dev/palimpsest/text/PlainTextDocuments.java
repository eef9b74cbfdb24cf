package dev.palimpsest.text;

import dev.palimpsest.base.Utf8Lines;
import java.util.Optional;

/**
 * Plain text: documents end at every {@code <|endoftext|>} (as in TinyStories' files) and at the
 * end of the file. Lines may end as on Unix or as on Windows: both give the same documents, with
 * line feeds.
 *
 * <p>Splits are made by document, and many plain texts are one long file without any mark. So a
 * document that has grown past {@value #LONG} characters ends at the next blank line, past twice
 * that at the next line end, and a single line past four times that is cut where it stands. Lines
 * may be of any length.
 */
final class PlainTextDocuments implements Documents {
  private static final String MARK = "<|endoftext|>";
  private static final int LONG = 4096;

  private final Utf8Lines lines;
  private final StringBuilder document = new StringBuilder();
  private String rest = "";

  /** What a piece ended with and may go on in the next: part of a mark, or of a line's end. */
  private String held = "";

  /** Whether {@link #rest} begins a line. */
  private boolean fresh = true;

  PlainTextDocuments(Utf8Lines lines) {
    this.lines = lines;
  }

  @Override
  public Optional<String> next() {
    while (true) {
      if (rest.isEmpty() && !read()) {
        return document.toString().isBlank() ? Optional.empty() : Optional.of(take());
      }
      boolean ended = consume();
      if (ended && document.toString().isBlank()) {
        document.setLength(0);
      } else if (ended) {
        return Optional.of(take());
      }
    }
  }

  /** Gets the next piece of the file into {@code rest}; false at the end. */
  private boolean read() {
    Optional<String> piece = lines.nextPiece();
    String text = held + piece.orElse("");
    int whole = piece.isPresent() ? text.length() - unfinished(text) : text.length();
    rest = text.substring(0, whole).replace("\r\n", "\n");
    held = text.substring(whole);
    return piece.isPresent() || !rest.isEmpty();
  }

  /** Characters at the end of a piece that may be the beginning of a mark or of a line's end. */
  private static int unfinished(String text) {
    if (text.endsWith("\r")) {
      return 1;
    }
    for (int length = MARK.length() - 1; length > 0; length--) {
      if (text.endsWith(MARK.substring(0, length))) {
        return length;
      }
    }
    return 0;
  }

  /** Moves text from {@code rest} to {@code document}; true when the document ends there. */
  private boolean consume() {
    if (rest.isEmpty()) {
      return false;
    }
    int mark = rest.indexOf(MARK);
    int stop = mark >= 0 ? mark : rest.length();
    int room = 4 * LONG - document.length();
    if (stop > room) {
      boolean pair = room > 0 && Character.isHighSurrogate(rest.charAt(room - 1));
      int cut = pair ? room + 1 : room;
      cut = Math.min(cut, stop);
      document.append(rest, 0, cut);
      rest = rest.substring(cut);
      fresh = false;
      return true;
    }
    document.append(rest, 0, stop);
    if (mark >= 0) {
      rest = rest.substring(mark + MARK.length());
      return true;
    }
    boolean lineEnd = rest.endsWith("\n");
    boolean blank = fresh && rest.isBlank();
    fresh = lineEnd;
    rest = "";
    return lineEnd && (document.length() > 2 * LONG || (blank && document.length() > LONG));
  }

  private String take() {
    String text = document.toString();
    document.setLength(0);
    return text.strip();
  }

  @Override
  public void close() {
    lines.close();
  }
}
