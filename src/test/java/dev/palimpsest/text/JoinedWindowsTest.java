package dev.palimpsest.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class JoinedWindowsTest {
  private static final int LENGTH = 4;

  /** Window i holds i + offset, and is of document 10 i + offset. */
  private record Numbered(long size, int offset, int contextLength) implements TokenWindows {
    @Override
    public void read(long index, int[] into, int at) {
      Arrays.fill(into, at, at + contextLength, (int) index + offset);
    }

    @Override
    public long document(long index) {
      return 10 * index + offset;
    }
  }

  private static final TokenWindows OWN = new Numbered(3, 0, LENGTH);
  private static final TokenWindows MORE = new Numbered(50, 1000, LENGTH);

  private static List<Integer> firstTokens(TokenWindows windows) {
    List<Integer> tokens = new ArrayList<>();
    int[] into = new int[LENGTH + 1];
    for (long i = 0; i < windows.size(); i++) {
      windows.read(i, into, 1);
      assertThat(into[0]).isZero();
      assertThat(into[1]).isEqualTo(into[LENGTH]);
      tokens.add(into[1]);
    }
    return tokens;
  }

  @Test
  void allOfTheFirstAndAsManyOfTheSecondAsAreMissing() {
    TokenWindows joined = JoinedWindows.upTo(10 * LENGTH, OWN, MORE, 7);
    List<Integer> tokens = firstTokens(joined);
    assertThat(tokens).hasSize(10).startsWith(0, 1, 2).isSorted().doesNotHaveDuplicates();
    assertThat(tokens.subList(3, 10)).allMatch(token -> token >= 1000 && token < 1050);
    for (int i = 0; i < 10; i++) {
      int token = tokens.get(i);
      long document = token < 1000 ? 10L * token : 10L * (token - 1000) + 1000;
      assertThat(joined.document(i)).isEqualTo(document);
    }
    assertThat(firstTokens(JoinedWindows.upTo(10 * LENGTH, OWN, MORE, 7))).isEqualTo(tokens);
    assertThat(firstTokens(JoinedWindows.upTo(10 * LENGTH, OWN, MORE, 8))).isNotEqualTo(tokens);
  }

  @Test
  void whereTheFirstIsEnoughItStaysAlone() {
    assertThat(JoinedWindows.upTo(3 * LENGTH, OWN, MORE, 7)).isSameAs(OWN);
  }

  @Test
  void whereBothAreTooLittleAllOfThemAreTaken() {
    List<Integer> tokens = firstTokens(JoinedWindows.upTo(1000 * LENGTH, OWN, MORE, 7));
    assertThat(tokens).hasSize(53).doesNotHaveDuplicates();
  }

  @Test
  void windowsMustBeAsLong() {
    assertThatThrownBy(() -> JoinedWindows.upTo(1000, OWN, new Numbered(5, 0, 8), 7))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("windows of 4 and of 8 tokens");
  }
}
