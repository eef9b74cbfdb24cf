package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** Writes scorecards in the small English that the package describes, and reads them back. */
public final class ScorecardText {
  /** How a sequence spells "any token". */
  static final String ANY = "*";

  private ScorecardText() {}

  /**
   * The scorecard in words; {@link #parse} gives an equal one back, up to the order of the terms.
   */
  public static String format(Scorecard card, TokenNames names) {
    Map<Place, Map<Integer, List<String>>> clauses = new TreeMap<>();
    for (Scorecard.Term term : card.terms()) {
      clauses
          .computeIfAbsent(
              Place.of(term.pattern()), place -> new TreeMap<>(Comparator.reverseOrder()))
          .computeIfAbsent(term.points(), points -> new ArrayList<>())
          .add(word(term.pattern(), names));
    }
    StringBuilder text = new StringBuilder();
    clauses.forEach(
        (place, groups) -> {
          String list =
              groups.entrySet().stream()
                  .map(group -> String.join(" ", group.getValue()) + " " + group.getKey())
                  .collect(Collectors.joining(", "));
          text.append(place.words()).append(' ').append(list).append("; ");
        });
    text.append("starts at ").append(card.start()).append('.');
    text.setCharAt(0, Character.toUpperCase(text.charAt(0)));
    return text.toString();
  }

  /** How the pattern is written within its clause. */
  static String word(Pattern pattern, TokenNames names) {
    if (pattern instanceof Pattern.HasTrait has) {
      return "<" + has.trait().word() + ">";
    }
    List<Integer> tokens =
        pattern instanceof Pattern.Sequence sequence
            ? sequence.tokens()
            : List.of(((Pattern.Nearby) pattern).token());
    return tokens.stream()
        .map(token -> token == Pattern.ANY ? ANY : names.name(token))
        .collect(Collectors.joining("|"));
  }

  /**
   * Reads an explanation. Later mentions of a pattern add to its points.
   *
   * @throws PalimpsestException saying at which character something else was expected
   */
  public static Scorecard parse(String text, TokenNames names) {
    return parse(text, names, unknown -> {});
  }

  /**
   * {@link #parse(String, TokenNames)}.
   *
   * @param unknown is told the names that no token has, in the order of the text
   */
  static Scorecard parse(String text, TokenNames names, Consumer<UnknownToken> unknown) {
    ScorecardLexer lexer = new ScorecardLexer(text, names, unknown);
    Map<Pattern, Integer> points = new LinkedHashMap<>();
    int start = 0;
    do {
      if (lexer.accept("starts")) {
        lexer.expect("at");
        start += lexer.number();
      } else {
        clause(place(lexer), lexer, points);
      }
    } while (lexer.accept(";"));
    lexer.accept(".");
    lexer.end();
    List<Scorecard.Term> terms = new ArrayList<>(points.size());
    points.forEach((pattern, sum) -> terms.add(new Scorecard.Term(pattern, sum)));
    return new Scorecard(start, terms);
  }

  private static Place place(ScorecardLexer lexer) {
    if (lexer.accept("fires")) {
      lexer.expect("on");
      return new Place(Kind.BACK, 0);
    }
    if (lexer.accept("after")) {
      return new Place(Kind.BACK, 1);
    }
    if (lexer.accept("within")) {
      return new Place(Kind.WITHIN, lexer.positive());
    }
    if (lexer.accept("in")) {
      lexer.expect("story");
      return new Place(Kind.WITHIN, Pattern.Nearby.STORY);
    }
    if (lexer.atNumber()) {
      int back = lexer.positive();
      lexer.expect("back");
      return new Place(Kind.BACK, back);
    }
    throw lexer.expected("'fires on', 'after', 'N back', 'within N', 'in story' or 'starts at'");
  }

  private static void clause(Place place, ScorecardLexer lexer, Map<Pattern, Integer> points) {
    do {
      List<Pattern> group = new ArrayList<>();
      while (!lexer.atNumber()) {
        group.add(pattern(place, lexer));
      }
      if (group.isEmpty()) {
        throw lexer.expected("a word, a quoted token or a <trait>");
      }
      int each = lexer.number();
      group.forEach(pattern -> points.merge(pattern, each, Integer::sum));
    } while (lexer.accept(","));
  }

  private static Pattern pattern(Place place, ScorecardLexer lexer) {
    if (place.kind == Kind.BACK && lexer.atTrait()) {
      return new Pattern.HasTrait(place.number, lexer.trait());
    }
    List<Integer> tokens = lexer.tokens();
    if (place.kind == Kind.BACK) {
      return new Pattern.Sequence(place.number, tokens);
    }
    if (tokens.size() > 1) {
      throw lexer.expected("single tokens after '" + place.words() + "'");
    }
    return new Pattern.Nearby(place.number, tokens.get(0));
  }

  /** Whether a clause names an exact place or a stretch of text. */
  private enum Kind {
    BACK,
    WITHIN
  }

  /** The beginning of a clause. */
  record Place(Kind kind, int number) implements Comparable<Place> {
    static Place of(Pattern pattern) {
      if (pattern instanceof Pattern.Sequence sequence) {
        return new Place(Kind.BACK, sequence.back());
      }
      if (pattern instanceof Pattern.HasTrait has) {
        return new Place(Kind.BACK, has.back());
      }
      return new Place(Kind.WITHIN, ((Pattern.Nearby) pattern).reach());
    }

    String words() {
      if (kind == Kind.BACK) {
        return number == 0 ? "fires on" : number == 1 ? "after" : number + " back";
      }
      return number == Pattern.Nearby.STORY ? "in story" : "within " + number;
    }

    @Override
    public int compareTo(Place other) {
      return Comparator.comparing(Place::kind).thenComparingInt(Place::number).compare(this, other);
    }
  }
}
