package dev.palimpsest.rivals;

import dev.palimpsest.base.UsageException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The rivals that can be asked for. */
public enum RivalKind {
  /** The mean output after the token. */
  UNIGRAM(1),
  /** The mean output after the last two tokens, drawn towards that after the last. */
  BIGRAM(2),
  /** The mean output after the last three tokens, drawn towards that after the last two. */
  TRIGRAM(3),
  /** Linear in the embedding of the token. */
  EMBEDDING(1),
  /** Linear in the embeddings of the last four tokens. */
  WINDOW(4);

  private final int order;

  RivalKind(int order) {
    this.order = order;
  }

  /** Tokens that it looks at. */
  int order() {
    return order;
  }

  /** Whether it is a table rather than a linear map of embeddings. */
  boolean isTable() {
    return compareTo(TRIGRAM) <= 0;
  }

  /** As spelt in settings and results. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * @throws UsageException when no rival is spelt so
   */
  public static RivalKind labelled(String label) {
    return Arrays.stream(values())
        .filter(kind -> kind.label().equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    "rewrite.rivals: unknown rival '"
                        + label
                        + "', expected one of "
                        + Arrays.stream(values())
                            .map(RivalKind::label)
                            .collect(Collectors.joining(", "))));
  }
}
