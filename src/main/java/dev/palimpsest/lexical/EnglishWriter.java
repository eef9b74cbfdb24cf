package dev.palimpsest.lexical;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes what an explanation means in the controlled English that the package describes. Terms of
 * one degree stand together, where the first of them stands in the list; those that set points come
 * before those that add to them. What holds otherwise is said where it is not the usual silence.
 */
final class EnglishWriter {
  /** More items than that are not enumerated in one clause. */
  static final int MOST_ITEMS = 6;

  /** Before the last item of several. */
  static final String OR = " or ";

  private EnglishWriter() {}

  static String write(Scorecard card, Lexicon lexicon) {
    StringBuilder text = new StringBuilder();
    List<String> own = clauses(card, true, lexicon);
    if (!own.isEmpty()) {
      own.set(0, English.FIRES + " " + own.get(0));
    }
    sentence(text, own);
    sentence(text, clauses(card, false, lexicon));
    if (card.start() != English.DEFAULT_START || text.isEmpty()) {
      sentence(text, List.of("else " + English.degree(card.start(), true)));
    }
    return text.toString();
  }

  private static void sentence(StringBuilder text, List<String> clauses) {
    if (!clauses.isEmpty()) {
      int begin = text.isEmpty() ? 0 : text.append(' ').length();
      text.append(String.join("; ", clauses)).append('.');
      text.setCharAt(begin, Character.toUpperCase(text.charAt(begin)));
    }
  }

  private static List<String> clauses(Scorecard card, boolean sets, Lexicon lexicon) {
    Map<Integer, Map<String, List<String>>> groups = new LinkedHashMap<>();
    for (Scorecard.Term term : card.terms()) {
      if (term.sets() == sets) {
        groups
            .computeIfAbsent(term.points(), points -> new LinkedHashMap<>())
            .computeIfAbsent(place(term.pattern()), place -> new ArrayList<>())
            .add(item(term.pattern(), lexicon));
      }
    }
    List<String> clauses = new ArrayList<>();
    groups.forEach((points, places) -> clauses.addAll(clauses(points, places, sets)));
    return clauses;
  }

  private static List<String> clauses(int points, Map<String, List<String>> places, boolean sets) {
    String degree = English.degree(points, sets);
    List<String> clauses = new ArrayList<>();
    StringBuilder clause = new StringBuilder(degree);
    int listed = 0;
    for (Map.Entry<String, List<String>> place : places.entrySet()) {
      List<String> all = place.getValue();
      for (int from = 0; from < all.size(); from += MOST_ITEMS) {
        List<String> items = all.subList(from, Math.min(from + MOST_ITEMS, all.size()));
        if (listed + items.size() > MOST_ITEMS) {
          clauses.add(clause.toString());
          clause = new StringBuilder(degree);
          listed = 0;
        }
        clause.append(listed == 0 ? " " : ", ").append(place.getKey());
        clause.append(place.getKey().isEmpty() ? "" : " ").append(enumerated(items));
        listed += items.size();
      }
    }
    clauses.add(clause.toString());
    return clauses;
  }

  /** "a", "a or b", "a, b or c". */
  private static String enumerated(List<String> items) {
    int last = items.size() - 1;
    return last == 0
        ? items.get(0)
        : String.join(", ", items.subList(0, last)) + OR + items.get(last);
  }

  /** The words of a pattern's place; traits bring their own. */
  static String place(Pattern pattern) {
    if (pattern instanceof Pattern.Sequence sequence) {
      return Place.of(sequence).words();
    }
    return pattern instanceof Pattern.Nearby nearby ? Place.of(nearby).words() : "";
  }

  /** How the pattern is written within its clause. */
  static String item(Pattern pattern, Lexicon lexicon) {
    if (pattern instanceof Pattern.HasTrait has) {
      return has.trait().words();
    }
    List<Integer> symbols =
        pattern instanceof Pattern.Sequence sequence
            ? sequence.symbols()
            : List.of(((Pattern.Nearby) pattern).symbol());
    StringBuilder words = new StringBuilder();
    boolean goesOn = false;
    for (int symbol : symbols) {
      String word = symbol == Pattern.ANY ? English.ANY : lexicon.write(symbol);
      boolean joined = goesOn && isPiece(word);
      words.append(words.isEmpty() || joined ? "" : " ").append(word);
      goesOn = joined || isWord(word) || (words.length() == word.length() && isPiece(word));
    }
    return words.toString();
  }

  private static boolean isWord(String word) {
    return word.codePoints().allMatch(Character::isLetter);
  }

  /** Whether it can follow a word without a space: not what a class would be taken for. */
  private static boolean isPiece(String word) {
    return word.startsWith("-") && isWord(word.substring(1)) && !word.startsWith(English.LIKE);
  }
}
