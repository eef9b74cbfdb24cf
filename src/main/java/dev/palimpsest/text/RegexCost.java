package dev.palimpsest.text;

import dev.palimpsest.text.RegexNode.Alternatives;
import dev.palimpsest.text.RegexNode.Assertion;
import dev.palimpsest.text.RegexNode.Atomic;
import dev.palimpsest.text.RegexNode.Repeat;
import dev.palimpsest.text.RegexNode.Sequence;
import java.util.List;

/**
 * A bound on how often a backtracking search may come back to a place of the text.
 *
 * <p>The tokenizers' library gives up a match after ten million steps back, and then aborts the
 * process, so a pattern must be judged before. Only what may still fail later is ever gone back to:
 * {@code (a+)+} is harmless at the end of a pattern and ruinous before a {@code $}. A repetition
 * that something follows which may fail multiplies the steps by the lengths it can have: by two
 * where it is one character more or less, by the length of the text where it is unbounded. One
 * unbounded repetition is the rule in tokenizers ({@code \s+(?!\S)}); two are quadratic, and one of
 * an ambiguous group is exponential.
 *
 * @param choices how many bounded repetitions are gone back to
 * @param unbounded how many unbounded ones
 */
record RegexCost(int choices, int unbounded) {
  private static final int LONGEST = 10_000;

  /** Steps back from these are at most 2^3 a character. */
  private static final int MOST_CHOICES = 3;

  private static final int MOST_UNBOUNDED = 1;

  /** From as many repetitions on an ambiguous group counts as unbounded. */
  private static final int MANY = 8;

  private static final RegexCost NONE = new RegexCost(0, 0);

  /**
   * Judges a pattern.
   *
   * @return its cost, linear in the length of the text
   * @throws RegexParser.Refusal saying what would make a search blow up, or cannot be judged
   */
  static RegexCost of(String pattern) throws RegexParser.Refusal {
    if (pattern.length() > LONGEST) {
      throw new RegexParser.Refusal("longer than " + LONGEST + " characters");
    }
    RegexCost cost = of(RegexParser.parse(pattern), false);
    if (cost.unbounded > MOST_UNBOUNDED || cost.choices > MOST_CHOICES) {
      throw new RegexParser.Refusal(
          "repetitions one after the other ("
              + cost.unbounded
              + " unbounded, "
              + cost.choices
              + " bounded) before something that may fail");
    }
    return cost;
  }

  /**
   * @param followed whether something that may fail comes after
   */
  private static RegexCost of(RegexNode node, boolean followed) throws RegexParser.Refusal {
    if (node instanceof Sequence sequence) {
      return ofSequence(sequence.parts(), followed);
    }
    if (node instanceof Alternatives alternatives) {
      RegexCost worst = NONE;
      for (RegexNode choice : alternatives.choices()) {
        RegexCost cost = of(choice, followed);
        worst =
            new RegexCost(
                Math.max(worst.choices, cost.choices), Math.max(worst.unbounded, cost.unbounded));
      }
      // Each alternative that fits is one more place to come back to.
      return followed && node.isAmbiguous() ? worst.plus(new RegexCost(1, 0)) : worst;
    }
    if (node instanceof Assertion assertion) {
      return of(assertion.body(), false);
    }
    if (node instanceof Atomic atomic) {
      return of(atomic.body(), false);
    }
    return node instanceof Repeat repeat ? ofRepeat(repeat, followed) : NONE;
  }

  private static RegexCost ofSequence(List<RegexNode> parts, boolean followed)
      throws RegexParser.Refusal {
    RegexCost sum = NONE;
    boolean mayFailLater = followed;
    for (int i = parts.size() - 1; i >= 0; i--) {
      sum = sum.plus(of(parts.get(i), mayFailLater));
      mayFailLater |= parts.get(i).mayFail();
    }
    return sum;
  }

  private static RegexCost ofRepeat(Repeat repeat, boolean followed) throws RegexParser.Refusal {
    boolean again = followed || repeat.least() > 1;
    RegexCost inside = of(repeat.body(), again);
    if (again && repeat.most() >= MANY && repeat.body().isAmbiguous()) {
      throw new RegexParser.Refusal(
          "a repetition of what can fit in several ways (nested quantifiers, or alternatives that"
              + " begin alike) before something that may fail");
    }
    if (repeat.body().isAmbiguous() && repeat.most() < MANY) {
      inside = new RegexCost(inside.choices * repeat.most(), inside.unbounded * repeat.most());
    }
    if (!followed || repeat.least() == repeat.most()) {
      return inside;
    }
    return inside.plus(
        repeat.most() == RegexNode.UNBOUNDED ? new RegexCost(0, 1) : new RegexCost(1, 0));
  }

  private RegexCost plus(RegexCost other) {
    return new RegexCost(choices + other.choices, unbounded + other.unbounded);
  }
}
