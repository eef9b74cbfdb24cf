package dev.palimpsest.lexical;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The words of the controlled English that stand for degrees and places, and what they mean. */
final class English {
  /** Behind a class's name. */
  static final String LIKE = "-like";

  /** Before a word of which all forms are meant. */
  static final String FORMS = "forms of";

  /** Begins what is said of the token itself. */
  static final String FIRES = "fires";

  /** Stands for any one token in a sequence. */
  static final String ANY = "…";

  /** What else is written in place of {@link #ANY}. */
  static final List<String> OTHER_ANY = List.of("...", "*");

  /** Points where a text does not say what holds otherwise. */
  static final int DEFAULT_START = -7;

  /** Points of "on dog" without a degree. */
  static final int DEFAULT_STRENGTH = 6;

  /** The reach of "soon after". */
  static final int SOON = 3;

  /** The reach of "near". */
  static final int NEAR = 8;

  /** Strengths: the points themselves; the first word of each number is the one that is written. */
  private static final List<Degree> STRENGTHS =
      List.of(
          new Degree(10, "fully", "full", "maximal", "strongest", "always"),
          new Degree(8, "greatly", "great", "very strong", "very strongly"),
          new Degree(6, "strongly", "strong", "high", "highly"),
          new Degree(4, "clearly", "clear", "considerable", "considerably"),
          new Degree(3, "fairly", "fair", "moderate", "moderately", "medium"),
          new Degree(2, "mildly", "mild", "some", "somewhat"),
          new Degree(1, "weakly", "weak", "low", "sometimes"),
          new Degree(0, "faintly", "faint", "very weak", "very weakly"),
          new Degree(-1, "slightly", "slight", "occasional", "occasionally"),
          new Degree(-2, "seldom", "scant"),
          new Degree(-3, "rarely", "rare"),
          new Degree(-5, "hardly", "hardly ever", "quiet", "very rare", "very rarely"),
          new Degree(-7, "never", "silent", "none", "nothing"),
          new Degree(-9, "not at all", "mute"));

  /** Changes: the points that are added. */
  private static final List<Degree> CHANGES =
      List.of(
          new Degree(1, "slightly more", "a bit more", "a little more"),
          new Degree(2, "more"),
          new Degree(3, "rather more"),
          new Degree(5, "much more", "a lot more"),
          new Degree(8, "far more", "very much more"),
          new Degree(-1, "slightly less", "a bit less", "a little less"),
          new Degree(-2, "less"),
          new Degree(-3, "rather less"),
          new Degree(-5, "much less", "a lot less"),
          new Degree(-8, "far less", "very much less"));

  /** Words that stand in quotes where they are meant as tokens. */
  private static final Set<String> RESERVED =
      Set.of(
          "on",
          "after",
          "near",
          "alongside",
          "or",
          "and",
          "unless",
          "except",
          "form",
          "forms",
          "else",
          "otherwise",
          "capitals",
          "pieces",
          "punctuation",
          "numbers",
          "quotes",
          "sentences",
          "starts",
          "stories",
          "mentions",
          "before",
          "repeats",
          // Words by which free English goes on where an item might follow.
          "but",
          "not",
          "when",
          "while",
          "especially",
          "mostly",
          "usually");

  /**
   * A degree.
   *
   * @param words the one that is written, then others that are read
   */
  record Degree(int points, List<String> words) {
    Degree(int points, String... words) {
      this(points, List.of(words));
    }
  }

  private English() {}

  /** Whether a word must be quoted to be a token. */
  static boolean isReserved(String word) {
    return RESERVED.contains(word.toLowerCase(Locale.ROOT));
  }

  /** Points of strengths that have a word, descending. */
  static int[] strengths() {
    return STRENGTHS.stream().mapToInt(Degree::points).toArray();
  }

  /** The points of a strength that has a word, nearest to some points. */
  static int nearestStrength(double points) {
    int nearest = STRENGTHS.get(0).points();
    for (int other : strengths()) {
      if (Math.abs(other - points) < Math.abs(nearest - points)) {
        nearest = other;
      }
    }
    return nearest;
  }

  /** Points of changes that have a word. */
  static int[] changes() {
    return CHANGES.stream().mapToInt(Degree::points).toArray();
  }

  /** All words of strengths, or of changes, with their points. */
  static Map<String, Integer> words(boolean strengths) {
    Map<String, Integer> words = new TreeMap<>();
    for (Degree degree : strengths ? STRENGTHS : CHANGES) {
      for (String word : degree.words()) {
        words.put(word, degree.points());
      }
    }
    return words;
  }

  /** The degree in words; where none has the points, the nearest and the number in brackets. */
  static String degree(int points, boolean strength) {
    Degree nearest = null;
    for (Degree degree : strength ? STRENGTHS : CHANGES) {
      if (nearest == null
          || Math.abs(degree.points() - points) < Math.abs(nearest.points() - points)) {
        nearest = degree;
      }
    }
    String word = java.util.Objects.requireNonNull(nearest).words().get(0);
    return nearest.points() == points ? word : word + " (" + points + ")";
  }
}
