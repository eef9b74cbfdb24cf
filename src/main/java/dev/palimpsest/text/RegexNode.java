package dev.palimpsest.text;

import java.util.List;
import java.util.OptionalInt;

/** A regular expression, as far as it matters how long a search may take. */
sealed interface RegexNode {
  /** Without a limit on repetitions. */
  int UNBOUNDED = Integer.MAX_VALUE;

  /**
   * One character: a literal, an escape or a class.
   *
   * @param literal the character where there is only one
   */
  record Letter(OptionalInt literal) implements RegexNode {}

  /** Takes no character but may fail: an anchor, or a look around at {@code body}. */
  record Assertion(RegexNode body) implements RegexNode {}

  /** One after the other; none: nothing at all. */
  record Sequence(List<RegexNode> parts) implements RegexNode {}

  /** The first that fits. */
  record Alternatives(List<RegexNode> choices) implements RegexNode {}

  /** A group that is never entered again once left: {@code (?>…)}. */
  record Atomic(RegexNode body) implements RegexNode {}

  /**
   * @param least repetitions that must be
   * @param most repetitions that may be, or {@link #UNBOUNDED}
   */
  record Repeat(RegexNode body, int least, int most) implements RegexNode {}

  /** Whether there are texts it does not fit at. */
  default boolean mayFail() {
    if (this instanceof Sequence sequence) {
      return sequence.parts.stream().anyMatch(RegexNode::mayFail);
    }
    if (this instanceof Alternatives alternatives) {
      return alternatives.choices.stream().allMatch(RegexNode::mayFail);
    }
    if (this instanceof Atomic atomic) {
      return atomic.body.mayFail();
    }
    return !(this instanceof Repeat repeat) || (repeat.least > 0 && repeat.body.mayFail());
  }

  /**
   * Whether it may fit the same text at the same place in several ways. Alternatives do not where
   * they begin with different letters; this errs on the side of yes.
   */
  default boolean isAmbiguous() {
    if (this instanceof Sequence sequence) {
      return sequence.parts.stream().anyMatch(RegexNode::isAmbiguous);
    }
    if (this instanceof Alternatives alternatives) {
      long beginnings =
          alternatives.choices.stream()
              .map(RegexNode::beginning)
              .filter(OptionalInt::isPresent)
              .mapToInt(OptionalInt::getAsInt)
              .distinct()
              .count();
      return beginnings < alternatives.choices.size()
          || alternatives.choices.stream().anyMatch(RegexNode::isAmbiguous);
    }
    return this instanceof Repeat repeat
        && (repeat.least != repeat.most || repeat.body.isAmbiguous());
  }

  /** The letter it must begin with, in lower case, where there is but one. */
  private OptionalInt beginning() {
    if (this instanceof Letter letter) {
      return letter.literal;
    }
    return this instanceof Sequence sequence && !sequence.parts.isEmpty()
        ? sequence.parts.get(0).beginning()
        : OptionalInt.empty();
  }
}
