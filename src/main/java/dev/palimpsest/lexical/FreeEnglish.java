package dev.palimpsest.lexical;

import dev.palimpsest.base.Quoted;
import dev.palimpsest.text.TokenNames;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Understands of any English sentence what it can: words that are tokens (in all their forms, where
 * they are not in quotes), names of classes and kinds, degrees, and a few words for places
 * ("after", "when", "near") and for "not". All else is ignored, and said to be.
 *
 * <p>Words count for the token itself until a word for a place comes, and then for that place until
 * the clause ends. Where some words are in quotes, those alone count for the token itself: the rest
 * describes them.
 */
final class FreeEnglish {
  private static final java.util.regex.Pattern PIECES =
      java.util.regex.Pattern.compile(
          "'((?:[^'\\s]|(?<=\\w)'(?=\\w))+)'|\"([^\"]+)\"|\u201C([^\u201D]+)\u201D|`([^`]+)`"
              + "|(-?\\p{L}+(?:[-'\u2019]\\p{L}+)*)|(\\d+)|([.;:!?,()])");
  private static final int QUOTES = 4;
  private static final int WORD = 5;
  private static final int SIGN = 7;

  private static final Set<String> AFTER =
      Set.of("after", "following", "follow", "follows", "preceded");
  private static final Set<String> NEAR =
      Set.of(
          "near",
          "around",
          "when",
          "while",
          "where",
          "with",
          "if",
          "during",
          "about",
          "in",
          "within",
          "containing",
          "context",
          "contexts",
          "involving");
  private static final Set<String> NOT =
      Set.of("not", "never", "except", "unless", "excluding", "without", "no");
  private static final Set<String> AHEAD = Set.of("before", "preceding", "precedes", "followed");
  private static final Set<String> OTHERWISE = Set.of("else", "otherwise");

  /** Words of sentences about latents, and words that say too little alone. */
  private static final Set<String> PASSED_OVER =
      Set.of(
          ("a an the this that these those it its is are was were be been as of on to for from by"
                  + " at or and but also only mostly mainly often usually especially particularly word"
                  + " words token tokens latent neuron feature fires fire firing activates activate"
                  + " activation activations active text texts phrase phrases sentence sentences story"
                  + " stories such like any all every some other form forms which who what there their"
                  + " they can may related referring indicating describing associated mentions mention"
                  + " occurs appears used part end beginning start")
              .split(" ", -1));

  private static final Map<String, Trait> TRAITS =
      Map.of(
          "quotes", Trait.QUOTED,
          "quotation", Trait.QUOTED,
          "dialogue", Trait.QUOTED,
          "speech", Trait.QUOTED,
          "repeated", Trait.SEEN,
          "repetition", Trait.REPEATING);
  private static final Map<String, WordKind> KINDS =
      Map.of(
          "capitals", WordKind.CAPITALS,
          "capitalized", WordKind.CAPITALS,
          "uppercase", WordKind.CAPITALS,
          "punctuation", WordKind.PUNCTUATION,
          "numbers", WordKind.NUMBERS,
          "digits", WordKind.NUMBERS,
          "suffixes", WordKind.PIECES);
  private static final Map<String, Integer> STRENGTHS = English.words(true);
  private static final int MUCH = 5;
  private static final int SILENT = -7;
  private static final int MOST_IGNORED = 12;

  private final Lexicon lexicon;
  private final Map<Pattern, Integer> set = new LinkedHashMap<>();
  private final Map<Pattern, Integer> added = new LinkedHashMap<>();
  private final Set<String> ignored = new LinkedHashSet<>();
  private int start = English.DEFAULT_START;
  private final boolean quotesCount;
  private boolean quotedItself;
  private Optional<Place> place = Optional.of(Place.ON);
  private boolean not;
  private boolean rest;
  private int strength = English.DEFAULT_STRENGTH;

  private FreeEnglish(Lexicon lexicon, boolean quotesCount) {
    this.lexicon = lexicon;
    this.quotesCount = quotesCount;
  }

  static FreeEnglish read(String text, Lexicon lexicon) {
    FreeEnglish all = new FreeEnglish(lexicon, false);
    all.read(text);
    if (!all.quotedItself) {
      return all;
    }
    FreeEnglish quoted = new FreeEnglish(lexicon, true);
    quoted.read(text);
    return quoted;
  }

  private void read(String text) {
    Matcher pieces = PIECES.matcher(text);
    while (pieces.find()) {
      Optional<String> quoted = quoted(pieces);
      if (quoted.isPresent()) {
        quoted(quoted.get());
      } else if (pieces.group(WORD) != null) {
        word(pieces.group(WORD));
      } else if (pieces.group(SIGN) != null) {
        sign(pieces.group(SIGN));
      } else {
        ignored.add(pieces.group());
      }
    }
  }

  private static Optional<String> quoted(Matcher piece) {
    for (int group = 1; group <= QUOTES; group++) {
      if (piece.group(group) != null) {
        return Optional.of(piece.group(group).strip());
      }
    }
    return Optional.empty();
  }

  /** What was understood. */
  Scorecard card() {
    List<Scorecard.Term> terms = new ArrayList<>();
    set.forEach((pattern, points) -> terms.add(new Scorecard.Term(pattern, points, true)));
    added.forEach((pattern, points) -> terms.add(new Scorecard.Term(pattern, points, false)));
    return new Scorecard(start, terms);
  }

  /** What was understood and what not, in words. */
  String note() {
    boolean nothing = set.isEmpty() && added.isEmpty();
    String left =
        Stream.concat(
                ignored.stream().limit(MOST_IGNORED).map(Quoted::of),
                Stream.of("…").limit(ignored.size() > MOST_IGNORED ? 1 : 0))
            .collect(Collectors.joining(" "));
    return "understood: "
        + (nothing ? "nothing" : Quoted.of(EnglishWriter.write(card(), lexicon)))
        + "; ignored: "
        + (left.isEmpty() ? "nothing" : left);
  }

  private void sign(String sign) {
    if (!sign.equals(",") && !sign.equals("(") && !sign.equals(")")) {
      place = Optional.of(Place.ON);
      not = false;
      rest = false;
      strength = English.DEFAULT_STRENGTH;
    }
  }

  private void word(String written) {
    String word = written.toLowerCase(Locale.ROOT);
    Integer degree = STRENGTHS.get(word);
    if (rest && degree != null) {
      start = degree;
    } else if (AFTER.contains(word)) {
      place = Optional.of(new Place(Place.Kind.BACK, 1));
    } else if (NEAR.contains(word)) {
      place = Optional.of(new Place(Place.Kind.WITHIN, English.NEAR));
    } else if (AHEAD.contains(word)) {
      // What comes behind a token cannot be known when it is rated.
      place = Optional.empty();
      ignored.add(written);
    } else if (OTHERWISE.contains(word)) {
      rest = true;
    } else if (NOT.contains(word)) {
      not = true;
    } else if (TRAITS.containsKey(word)) {
      Optional.ofNullable(TRAITS.get(word))
          .ifPresent(trait -> added.put(new Pattern.HasTrait(trait), not ? -MUCH : MUCH));
    } else if (KINDS.containsKey(word)) {
      Optional.ofNullable(KINDS.get(word)).ifPresent(kind -> means(lexicon.kind(kind.word())));
    } else if (degree != null) {
      strength = degree;
    } else {
      content(written, word);
    }
  }

  private void content(String written, String word) {
    boolean describes = quotesCount && isItself();
    if (PASSED_OVER.contains(word) || describes || place.isEmpty()) {
      if (!PASSED_OVER.contains(word)) {
        ignored.add(written);
      }
      return;
    }
    int symbol = symbol(written);
    if (symbol < 0) {
      ignored.add(written);
    } else {
      means(symbol);
    }
  }

  private boolean isItself() {
    return place.filter(Place.ON::equals).isPresent();
  }

  /** A class, a piece, the forms of a word, or a word. */
  private int symbol(String written) {
    TokenNames names = lexicon.names();
    if (written.endsWith(English.LIKE)) {
      return lexicon.wordClass(written.substring(0, written.length() - English.LIKE.length()));
    }
    if (written.startsWith("-")) {
      return names.idOf(written.substring(1));
    }
    String word = written.toLowerCase(Locale.ROOT);
    if (lexicon.lexeme(word) >= 0) {
      return lexicon.lexeme(word);
    }
    int token = TokenWords.ofWord(written, names);
    if (token < 0) {
      token = TokenWords.ofWord(lexicon.base(word), names);
    }
    return token >= 0 && lexicon.lexemeOf(token) >= 0 ? lexicon.lexemeOf(token) : token;
  }

  /** Words in quotes: each of them a token, all of them in a row. */
  private void quoted(String text) {
    quotedItself |= isItself();
    List<Integer> symbols = new ArrayList<>();
    TokenNames names = lexicon.names();
    for (String word : text.split("\\s+", -1)) {
      int token = word.startsWith("-") ? names.idOf(word.substring(1)) : names.idOf(" " + word);
      symbols.add(token >= 0 ? token : names.idOf(word));
    }
    if (symbols.contains(TokenNames.UNKNOWN) || place.isEmpty()) {
      ignored.add(text);
    } else if (place.get().kind() == Place.Kind.WITHIN) {
      symbols.forEach(this::means);
    } else {
      put(new Pattern.Sequence(place.get().number(), symbols));
    }
  }

  private void means(int symbol) {
    place.ifPresent(
        where ->
            put(
                where.kind() == Place.Kind.WITHIN
                    ? new Pattern.Nearby(where.number(), symbol)
                    : Pattern.Sequence.of(where.number(), symbol)));
  }

  private void put(Pattern pattern) {
    if (pattern instanceof Pattern.Sequence own && own.back() == 0) {
      set.put(pattern, not ? SILENT : strength);
    } else {
      added.put(pattern, not ? -MUCH : set.isEmpty() ? MUCH : 2);
    }
  }
}
