package dev.palimpsest.text;

import java.util.Optional;

/**
 * Plain text: documents end at every {@code <|endoftext|>} (as in TinyStories' files) and at the
 * end of the file.
 *
 * <p>Splits are made by document, and many plain texts are one long file without any mark. So a
 * document that has grown past {@value #LONG} characters ends at the next blank line, past twice
 * that at the next line end, and a single line past four times that is cut where it stands.
 */
final class PlainTextDocuments implements Documents {
  private static final String MARK = "<|endoftext|>";
  private static final int LONG = 4096;

  private final ByteLines lines;
  private final StringBuilder document = new StringBuilder();
  private String rest = "";

  PlainTextDocuments(ByteLines lines) {
    this.lines = lines;
  }

  @Override
  public Optional<String> next() {
    while (true) {
      if (rest.isEmpty()) {
        Optional<String> line = lines.next();
        if (line.isEmpty()) {
          return document.toString().isBlank() ? Optional.empty() : Optional.of(take());
        }
        rest = line.get();
      }
      boolean ended = consume();
      if (ended && document.toString().isBlank()) {
        document.setLength(0);
      } else if (ended) {
        return Optional.of(take());
      }
    }
  }

  /** Moves text from {@code rest} to {@code document}; true when the document ends there. */
  private boolean consume() {
    int mark = rest.indexOf(MARK);
    int stop = mark >= 0 ? mark : rest.length();
    int room = 4 * LONG - document.length();
    if (stop > room) {
      int cut = Character.isHighSurrogate(rest.charAt(room - 1)) ? room + 1 : room;
      cut = Math.min(cut, stop);
      document.append(rest, 0, cut);
      rest = rest.substring(cut);
      return true;
    }
    boolean blank = rest.isBlank();
    document.append(rest, 0, stop);
    rest = mark >= 0 ? rest.substring(mark + MARK.length()) : "";
    return mark >= 0 || document.length() > 2 * LONG || (blank && document.length() > LONG);
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
