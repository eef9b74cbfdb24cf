package dev.palimpsest.llm;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.util.List;

/** What came back for a {@link Question}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
@JsonSubTypes({
  @JsonSubTypes.Type(value = Reply.Written.class, name = "written"),
  @JsonSubTypes.Type(value = Reply.Labelled.class, name = "labelled"),
  @JsonSubTypes.Type(value = Reply.Filled.class, name = "filled"),
  @JsonSubTypes.Type(value = Reply.Refused.class, name = "refused")
})
public sealed interface Reply {
  /** What it took. */
  Usage usage();

  /**
   * A text.
   *
   * @param stopped whether the model ended it; else it was cut
   */
  record Written(String text, boolean stopped, Usage usage) implements Reply {}

  /**
   * Probabilities of labels.
   *
   * @param probabilities by label, of the whole vocabulary; 0 for one that the server did not tell
   * @param told how many of the labels the server told the probability of; an estimate from samples
   *     tells all
   * @param missing an upper bound of the probability that labels not told may have together: 0
   *     where all were told
   */
  record Labelled(List<Double> probabilities, int told, double missing, Usage usage)
      implements Reply {
    /** Copies the list. */
    public Labelled {
      probabilities = List.copyOf(probabilities);
    }

    /** The natural logarithms; negative infinity for 0. */
    public double[] logProbabilities() {
      return probabilities.stream().mapToDouble(Math::log).toArray();
    }
  }

  /**
   * Probabilities of labels in place of slots.
   *
   * @param slots by slot and label, of the whole vocabulary; 0 for one that the server did not tell
   * @param told how many of all of these were told
   */
  record Filled(List<List<Double>> slots, int told, Usage usage) implements Reply {
    /** Copies the lists. */
    public Filled {
      slots = slots.stream().map(List::copyOf).toList();
    }
  }

  /**
   * The server will not answer this question, whenever it is asked: too long, or filtered.
   *
   * @param reason in a few words
   */
  record Refused(String reason, Usage usage) implements Reply {}
}
