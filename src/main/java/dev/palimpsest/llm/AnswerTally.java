package dev.palimpsest.llm;

/**
 * What answers came to.
 *
 * @param written texts
 * @param labelled questions of labels
 * @param incomplete of these, those of which the server did not tell all labels
 * @param meanMissing the mean, over {@code labelled}, of the most that untold labels may have had
 * @param refused questions that the model refused
 * @param usage calls and tokens
 */
public record AnswerTally(
    long written, long labelled, long incomplete, double meanMissing, long refused, Usage usage) {
  /** Nothing. */
  public static final AnswerTally NONE = new AnswerTally(0, 0, 0, 0, 0, Usage.NONE);

  /** With another answer. */
  AnswerTally with(Reply reply) {
    Usage all = usage.plus(reply.usage());
    if (reply instanceof Reply.Labelled each) {
      return new AnswerTally(
          written,
          labelled + 1,
          incomplete + (each.told() < each.probabilities().size() ? 1 : 0),
          meanMissing + (each.missing() - meanMissing) / (labelled + 1),
          refused,
          all);
    }
    if (reply instanceof Reply.Filled each) {
      int wanted = each.slots().stream().mapToInt(java.util.List::size).sum();
      return new AnswerTally(
          written,
          labelled + 1,
          incomplete + (each.told() < wanted ? 1 : 0),
          meanMissing * labelled / (labelled + 1),
          refused,
          all);
    }
    boolean no = reply instanceof Reply.Refused;
    return new AnswerTally(
        written + (no ? 0 : 1), labelled, incomplete, meanMissing, refused + (no ? 1 : 0), all);
  }
}
