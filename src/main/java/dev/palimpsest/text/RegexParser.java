package dev.palimpsest.text;

import dev.palimpsest.text.RegexNode.Alternatives;
import dev.palimpsest.text.RegexNode.Assertion;
import dev.palimpsest.text.RegexNode.Atomic;
import dev.palimpsest.text.RegexNode.Repeat;
import dev.palimpsest.text.RegexNode.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Reads the regular expressions of tokenizers (Oniguruma, in Ruby's syntax). What no tokenizer
 * needs and what makes a search hard to judge is refused: references back, calls of groups,
 * conditions, callouts, absent operators.
 */
final class RegexParser {
  /** What is wrong with a pattern, for a person. */
  static final class Refusal extends Exception {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
      super(message);
    }
  }

  private static final RegexNode NOTHING = new Sequence(List.of());
  private static final int DEEPEST = 50;
  private static final int MOST_REPETITIONS = 1000;
  private static final int MOST_STACKED = 3;

  private final String pattern;
  private int at;
  private int depth;

  private RegexParser(String pattern) {
    this.pattern = pattern;
  }

  static RegexNode parse(String pattern) throws Refusal {
    RegexParser parser = new RegexParser(pattern);
    RegexNode whole = parser.alternatives();
    if (parser.at < pattern.length()) {
      throw new Refusal("a ')' without '('");
    }
    return whole;
  }

  private RegexNode alternatives() throws Refusal {
    if (++depth > DEEPEST) {
      throw new Refusal("groups nested deeper than " + DEEPEST);
    }
    List<RegexNode> choices = new ArrayList<>();
    choices.add(sequence());
    while (next('|')) {
      choices.add(sequence());
    }
    depth--;
    return choices.size() == 1 ? choices.get(0) : new Alternatives(List.copyOf(choices));
  }

  private RegexNode sequence() throws Refusal {
    List<RegexNode> parts = new ArrayList<>();
    while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
      parts.add(repeated(atom()));
    }
    return parts.size() == 1 ? parts.get(0) : new Sequence(List.copyOf(parts));
  }

  private RegexNode repeated(RegexNode atom) throws Refusal {
    RegexNode node = atom;
    for (int stacked = 0; stacked <= MOST_STACKED; stacked++) {
      Optional<Repeat> counted = counted(node);
      if (counted.isPresent()) {
        node = counted.get();
        next('?'); // a lazy one tries the same lengths in another order; {n,m}+ repeats once more
        continue;
      }
      RegexNode simple =
          next('*')
              ? new Repeat(node, 0, RegexNode.UNBOUNDED)
              : next('+')
                  ? new Repeat(node, 1, RegexNode.UNBOUNDED)
                  : next('?') ? new Repeat(node, 0, 1) : node;
      if (simple == node) {
        return node;
      }
      node = next('+') ? new Atomic(simple) : simple; // possessive
      next('?');
    }
    throw new Refusal("more than " + MOST_STACKED + " quantifiers of one another");
  }

  /**
   * {@code {n}}, {@code {n,}}, {@code {,m}} or {@code {n,m}}; anything else in braces is literal.
   */
  private Optional<Repeat> counted(RegexNode node) throws Refusal {
    int close = pattern.indexOf('}', at);
    if (at >= pattern.length() || pattern.charAt(at) != '{' || close < 0) {
      return Optional.empty();
    }
    String inside = pattern.substring(at + 1, close);
    if (!inside.matches("\\d{1,9}(,\\d{0,9})?|,\\d{1,9}")) {
      return Optional.empty();
    }
    at = close + 1;
    int comma = inside.indexOf(',');
    String first = comma < 0 ? inside : inside.substring(0, comma);
    String last = comma < 0 ? inside : inside.substring(comma + 1);
    int least = first.isEmpty() ? 0 : Integer.parseInt(first);
    int most = last.isEmpty() ? RegexNode.UNBOUNDED : Integer.parseInt(last);
    if (least > MOST_REPETITIONS || (most != RegexNode.UNBOUNDED && most > MOST_REPETITIONS)) {
      throw new Refusal("more than " + MOST_REPETITIONS + " repetitions");
    }
    return Optional.of(new Repeat(node, Math.min(least, most), Math.max(least, most)));
  }

  private RegexNode atom() throws Refusal {
    char first = pattern.charAt(at++);
    return switch (first) {
      case '(' -> group();
      case '[' -> characterClass();
      case '\\' -> escape();
      case '^', '$' -> new Assertion(NOTHING);
      case '.' -> anyOf();
      default -> literal(first);
    };
  }

  private static RegexNode anyOf() {
    return new RegexNode.Letter(OptionalInt.empty());
  }

  private RegexNode literal(char first) {
    if (Character.isHighSurrogate(first) && at < pattern.length()) {
      at++;
      return anyOf();
    }
    return new RegexNode.Letter(OptionalInt.of(Character.toLowerCase(first)));
  }

  private RegexNode group() throws Refusal {
    if (next('*')) {
      throw new Refusal("a callout '(*'");
    }
    if (!next('?')) {
      return closed(alternatives());
    }
    if (next('=') || next('!')) {
      return new Assertion(closed(alternatives()));
    }
    if (next('>')) {
      return new Atomic(closed(alternatives()));
    }
    if (next('<')) {
      if (next('=') || next('!')) {
        return new Assertion(closed(alternatives()));
      }
      skipPast('>'); // a name
      return closed(alternatives());
    }
    if (next('#')) {
      skipPast(')');
      return NOTHING;
    }
    while (at < pattern.length() && "imxa-".indexOf(pattern.charAt(at)) >= 0) {
      at++;
    }
    if (next(')')) {
      return NOTHING; // options for what follows
    }
    if (next(':')) {
      return closed(alternatives());
    }
    throw new Refusal("the group '(?" + rest() + "'");
  }

  private RegexNode closed(RegexNode inside) throws Refusal {
    if (!next(')')) {
      throw new Refusal("a '(' without ')'");
    }
    return inside;
  }

  /** After '[': classes may hold others, and a ']' that comes first is literal. */
  private RegexNode characterClass() throws Refusal {
    next('^');
    next(']');
    int open = 1;
    while (at < pattern.length()) {
      char character = pattern.charAt(at++);
      if (character == '\\') {
        at++;
      } else if (character == '[') {
        if (++open > DEEPEST) {
          throw new Refusal("classes nested deeper than " + DEEPEST);
        }
      } else if (character == ']' && --open == 0) {
        return anyOf();
      }
    }
    throw new Refusal("a '[' without ']'");
  }

  private RegexNode escape() throws Refusal {
    if (at >= pattern.length()) {
      throw new Refusal("a '\\' at the end");
    }
    char character = pattern.charAt(at++);
    if ((character >= '1' && character <= '9')
        || character == 'k'
        || character == 'g'
        || character == 'K') {
      throw new Refusal("the reference '\\" + character + "'");
    }
    return switch (character) {
      case 'p', 'P' -> {
        if (next('{')) {
          skipPast('}');
        }
        yield anyOf();
      }
      case 'x', 'u' -> {
        if (next('{')) {
          skipPast('}');
        } else {
          while (at < pattern.length() && Character.digit(pattern.charAt(at), 16) >= 0) {
            at++;
          }
        }
        yield anyOf();
      }
      case 'b', 'B', 'A', 'z', 'Z', 'G' -> new Assertion(NOTHING);
      // A line break or a whole grapheme: of several lengths.
      case 'R', 'X' -> new Repeat(anyOf(), 1, 2);
      default -> Character.isLetterOrDigit(character) ? anyOf() : literal(character);
    };
  }

  private void skipPast(char end) throws Refusal {
    int found = pattern.indexOf(end, at);
    if (found < 0) {
      throw new Refusal("no '" + end + "' after '" + rest() + "'");
    }
    at = found + 1;
  }

  private String rest() {
    return pattern.substring(at, Math.min(pattern.length(), at + 5));
  }

  private boolean next(char wanted) {
    if (at < pattern.length() && pattern.charAt(at) == wanted) {
      at++;
      return true;
    }
    return false;
  }
}
