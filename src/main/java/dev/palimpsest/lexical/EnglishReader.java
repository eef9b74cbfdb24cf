package dev.palimpsest.lexical;

import dev.palimpsest.base.PalimpsestException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** Reads the controlled English that the package describes. */
final class EnglishReader {
  /** Words in order of length, so that "very strong" is not taken for "very". */
  private static final List<Map.Entry<String, Integer>> STRENGTHS = byLength(true);

  private static final List<Map.Entry<String, Integer>> CHANGES = byLength(false);
  private static final int FARTHEST = 1000;
  private static final String PLACES =
      "'on', 'after', 'two after', 'soon after', 'near', 'alongside', 'within N of', 'in stories"
          + " with', or a place such as 'in quotes'";

  private final EnglishLexer lexer;
  private final Map<Pattern, Integer> set = new LinkedHashMap<>();
  private final Map<Pattern, Integer> added = new LinkedHashMap<>();
  private final List<Pattern> exceptions = new ArrayList<>();
  private int start = English.DEFAULT_START;

  private EnglishReader(EnglishLexer lexer) {
    this.lexer = lexer;
  }

  private static List<Map.Entry<String, Integer>> byLength(boolean strengths) {
    return English.words(strengths).entrySet().stream()
        .sorted(
            Comparator.comparingInt((Map.Entry<String, Integer> entry) -> entry.getKey().length())
                .reversed())
        .toList();
  }

  /**
   * What a text means.
   *
   * @param unknown is told the names that no token has, in the order of the text
   * @throws PalimpsestException saying at which character something else was expected
   */
  static Scorecard read(String text, Lexicon lexicon, Consumer<UnknownToken> unknown) {
    EnglishReader reader = new EnglishReader(new EnglishLexer(text, lexicon, unknown));
    reader.read();
    return reader.card();
  }

  private Scorecard card() {
    List<Scorecard.Term> terms = new ArrayList<>();
    exceptions.forEach(pattern -> set.putIfAbsent(pattern, start));
    set.forEach((pattern, points) -> terms.add(new Scorecard.Term(pattern, points, true)));
    added.forEach((pattern, points) -> terms.add(new Scorecard.Term(pattern, points, false)));
    return new Scorecard(start, terms);
  }

  private void read() {
    do {
      clause();
      boolean more = lexer.take(';') || lexer.take('.');
      if (!more && !lexer.atEnd()) {
        throw lexer.expected("',' and another item, ';' and another clause, or '.'");
      }
    } while (!lexer.atEnd());
  }

  private void clause() {
    if (lexer.accept("else") || lexer.accept("otherwise")) {
      start = degree(STRENGTHS).orElseThrow(this::noDegree);
      return;
    }
    lexer.accept("it");
    lexer.accept(English.FIRES);
    Optional<Integer> change = degree(CHANGES);
    if (change.isPresent()) {
      changes(change.get());
      return;
    }
    int points = degree(STRENGTHS).orElse(English.DEFAULT_STRENGTH);
    if (!lexer.accept("on")) {
      throw noDegree();
    }
    strengths(points);
  }

  private PalimpsestException noDegree() {
    String nearest = Suggestions.nearest(lexer.word());
    return lexer.expected(
        "a degree such as 'strong', 'fair' or 'much more', 'on', or 'else'"
            + (nearest.isEmpty() ? "" : "; did you mean '" + nearest + "'?"));
  }

  /** "strong", "strong (7)". */
  private Optional<Integer> degree(List<Map.Entry<String, Integer>> words) {
    for (Map.Entry<String, Integer> word : words) {
      if (lexer.accept(word.getKey())) {
        if (!lexer.take('(')) {
          return Optional.of(word.getValue());
        }
        int points = lexer.number(Scorecard.MOST_POINTS);
        if (!lexer.take(')')) {
          throw lexer.expected("')' after the number");
        }
        return Optional.of(points);
      }
    }
    return Optional.empty();
  }

  private void strengths(int points) {
    List<List<Integer>> items = items();
    List<List<Integer>> before = lexer.accept("after") ? items() : List.of(List.of());
    for (List<Integer> item : items) {
      before.forEach(head -> set.put(own(head, item), points));
    }
    if (lexer.accept("unless") || lexer.accept("except")) {
      if (!lexer.accept("after")) {
        throw lexer.expected("'after'");
      }
      for (List<Integer> head : items()) {
        items.forEach(item -> exceptions.add(own(head, item)));
      }
    }
  }

  private static Pattern own(List<Integer> head, List<Integer> item) {
    List<Integer> symbols = new ArrayList<>(head);
    symbols.addAll(item);
    return new Pattern.Sequence(0, symbols);
  }

  private void changes(int points) {
    do {
      Optional<Trait> trait = trait();
      if (trait.isPresent()) {
        added.put(new Pattern.HasTrait(trait.get()), points);
        continue;
      }
      Place place = place();
      for (List<Integer> item : items()) {
        added.put(pattern(place, item), points);
      }
    } while (lexer.take(',') || lexer.accept("or") || lexer.accept("and"));
  }

  private Pattern pattern(Place place, List<Integer> item) {
    if (place.kind() == Place.Kind.BACK) {
      return new Pattern.Sequence(place.number(), item);
    }
    if (item.size() > 1) {
      throw lexer.expected("single words after '" + place.words() + "'");
    }
    return new Pattern.Nearby(place.number(), item.get(0));
  }

  private Optional<Trait> trait() {
    for (Trait trait : Trait.values()) {
      if (lexer.accept(trait.words())) {
        return Optional.of(trait);
      }
    }
    return Optional.empty();
  }

  private Place place() {
    for (Place place :
        List.of(
            Place.ON,
            new Place(Place.Kind.BACK, 1),
            new Place(Place.Kind.BACK, 2),
            new Place(Place.Kind.BACK, 3),
            new Place(Place.Kind.WITHIN, English.SOON),
            new Place(Place.Kind.WITHIN, English.NEAR),
            new Place(Place.Kind.WITHIN, Pattern.Nearby.SENTENCE),
            new Place(Place.Kind.WITHIN, Pattern.Nearby.STORY))) {
      if (lexer.accept(place.words())) {
        return place;
      }
    }
    if (lexer.accept("within")) {
      int reach = positive();
      lexer.accept("of");
      return new Place(Place.Kind.WITHIN, reach);
    }
    if (lexer.atDigit()) {
      int back = positive();
      if (lexer.accept("after")) {
        return new Place(Place.Kind.BACK, back);
      }
    }
    throw lexer.expected(PLACES);
  }

  private int positive() {
    int place = lexer.place();
    int value = lexer.number(FARTHEST);
    if (value < 1) {
      lexer.back(place);
      throw lexer.expected("a positive number");
    }
    return value;
  }

  /** One item or more, up to a separator that no item follows. */
  private List<List<Integer>> items() {
    List<List<Integer>> items = new ArrayList<>();
    items.add(lexer.item());
    while (true) {
      int before = lexer.place();
      boolean separated = lexer.take(',');
      separated |= lexer.accept("or") || lexer.accept("and");
      if (!separated || atPlace() || !lexer.atSymbol()) {
        lexer.back(before);
        return items;
      }
      items.add(lexer.item());
    }
  }

  /** Whether a place comes next rather than an item; a trait's words may look like items. */
  private boolean atPlace() {
    int before = lexer.place();
    boolean found =
        trait().isPresent()
            || lexer.accept("within")
            || lexer.accept("two after")
            || lexer.accept("three after")
            || lexer.accept("soon after")
            || lexer.accept("in stories with");
    lexer.back(before);
    return found;
  }
}
