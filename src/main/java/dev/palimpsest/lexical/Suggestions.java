package dev.palimpsest.lexical;

import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;

/** Says which word of the grammar a misspelt one may have been meant for. */
final class Suggestions {
  private static final TokenNames WORDS = words();

  private Suggestions() {}

  private static TokenNames words() {
    List<String> words = new ArrayList<>();
    for (boolean strengths : new boolean[] {true, false}) {
      for (Map.Entry<String, Integer> degree : English.words(strengths).entrySet()) {
        words.add(" " + degree.getKey());
      }
    }
    words.add(" else");
    words.add(" otherwise");
    return TokenNames.of(words.size(), words::get, OptionalInt.empty());
  }

  /** The nearest word; empty where none is near. */
  static String nearest(String word) {
    List<Integer> near =
        word.isEmpty() ? List.of() : WORDS.nearest(word.toLowerCase(Locale.ROOT), 1);
    return near.isEmpty() ? "" : WORDS.text(near.get(0)).strip();
  }
}
