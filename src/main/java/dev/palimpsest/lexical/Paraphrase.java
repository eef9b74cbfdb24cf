package dev.palimpsest.lexical;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.explain.Explanation;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The same said otherwise: clauses in another order, degrees by other words of the same meaning. A
 * control: what reads meaning rather than wording makes the same of it. Works on the text alone,
 * not by way of the reader whose understanding is in question.
 */
public final class Paraphrase {
  private Paraphrase() {}

  /** Every text paraphrased, differently from latent to latent. */
  public static List<Explanation> of(List<Explanation> explanations, long seed) {
    return explanations.stream()
        .map(
            own ->
                new Explanation(
                    own.latent(),
                    of(own.text(), Seeds.stream(seed, "paraphrase", own.latent())),
                    own.explainer()))
        .toList();
  }

  /** A text in the controlled English, paraphrased. */
  static String of(String text, SplittableRandom random) {
    List<String> clauses = clauses(text);
    clauses.replaceAll(clause -> reworded(clause, random));
    for (int i = clauses.size() - 1; i > 0; i--) {
      Collections.swap(clauses, i, random.nextInt(i));
    }
    return String.join("; ", clauses) + (clauses.isEmpty() ? "" : ".");
  }

  /** What stands between semicolons and full stops, which may also stand in quotes. */
  private static List<String> clauses(String text) {
    List<String> clauses = new ArrayList<>();
    StringBuilder clause = new StringBuilder();
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char letter = text.charAt(i);
      boolean last = i + 1 == text.length() || Character.isWhitespace(text.charAt(i + 1));
      if (quoted && letter == '\\') {
        clause.append(letter).append(text.charAt(++i));
        continue;
      }
      if (letter == '\'') {
        quoted = !quoted;
      }
      if (!quoted && last && (letter == ';' || letter == '.')) {
        clauses.add(clause.toString().strip());
        clause.setLength(0);
      } else {
        clause.append(letter);
      }
    }
    clauses.add(clause.toString().strip());
    clauses.removeIf(String::isEmpty);
    return clauses;
  }

  private static String reworded(String clause, SplittableRandom random) {
    String rest = clause;
    String before = "";
    if (beginsWith(rest, English.FIRES)) {
      rest = rest.substring(English.FIRES.length()).strip();
    }
    for (String otherwise : List.of("else", "otherwise")) {
      if (beginsWith(rest, otherwise)) {
        before = random.nextBoolean() ? "else " : "otherwise ";
        rest = rest.substring(otherwise.length()).strip();
      }
    }
    return before + degreeReworded(rest, !before.isEmpty(), random);
  }

  /** The clause with the degree that it begins with by another word. */
  private static String degreeReworded(String clause, boolean alone, SplittableRandom random) {
    for (boolean strengths : new boolean[] {false, true}) {
      Map<String, Integer> words = English.words(strengths);
      String found =
          words.keySet().stream()
              .filter(word -> beginsWith(clause, word))
              .filter(
                  word ->
                      !strengths
                          || alone
                          || clause.substring(word.length()).stripLeading().startsWith("on "))
              .reduce("", (a, b) -> b.length() > a.length() ? b : a);
      if (!found.isEmpty()) {
        Integer points = words.get(found);
        List<String> same =
            words.entrySet().stream()
                .filter(entry -> entry.getValue().equals(points))
                .map(Map.Entry::getKey)
                .toList();
        return same.get(random.nextInt(same.size())) + clause.substring(found.length());
      }
    }
    return clause;
  }

  private static boolean beginsWith(String clause, String words) {
    return clause.toLowerCase(Locale.ROOT).startsWith(words)
        && (clause.length() == words.length()
            || !Character.isLetter(clause.charAt(words.length())));
  }
}
