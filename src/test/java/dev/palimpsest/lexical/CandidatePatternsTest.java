package dev.palimpsest.lexical;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.text.TokenNames;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CandidatePatternsTest {
  private static final String[] TEXTS = {"<s>", " w", "olf", " play", " jump", "ing", " up", "."};
  private static final Lexicon LEXICON =
      new Lexicon(TokenNames.of(TEXTS.length, id -> TEXTS[id], OptionalInt.of(0)), Glossary.none());

  /** "-olf" follows nothing but "w"; "-ing" follows two words, and "up" is no piece. */
  @Test
  void aPieceOfOneWordIsNamedWithItsBeginning() {
    int[] row = {1, 2, 7, 3, 5, 6, 7, 4, 5, 6, 7, 1, 2, 6, 7, 3};
    int[] tokens = new int[20 * row.length];
    for (int at = 0; at < tokens.length; at++) {
      tokens[at] = row[at % row.length];
    }
    List<Pattern> found =
        CandidatePatterns.in(new TokenRows(row.length, tokens, new int[] {0}), LEXICON, 3);
    for (int back = 0; back <= 1; back++) {
      assertThat(found)
          .contains(new Pattern.Sequence(back, List.of(1, 2)), Pattern.Sequence.of(back, 5))
          .doesNotContain(Pattern.Sequence.of(back, 2));
    }
    assertThat(found).as("where pairs are not tried").contains(Pattern.Sequence.of(2, 2));
    assertThat(found)
        .contains(Pattern.Sequence.of(0, 6), Pattern.Sequence.of(0, 7))
        .doesNotHaveDuplicates();
  }
}
