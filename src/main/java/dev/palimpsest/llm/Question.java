package dev.palimpsest.llm;

import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import java.util.List;

/** One thing that a language model is asked. */
public sealed interface Question {
  /** What the model is given. */
  Prompt prompt();

  /** What does the model write? */
  record Writing(Prompt prompt, Sampling sampling) implements Question {}

  /**
   * How likely is each label as the very next token?
   *
   * @param labels texts that are one token each, exactly
   */
  record Labelling(Prompt prompt, List<String> labels) implements Question {
    /** Copies the list. */
    public Labelling {
      labels = List.copyOf(labels);
    }
  }

  /**
   * How likely is each label in place of each slot that stands in the prompt?
   *
   * @param slot a text that stands for a label, after a tab each time; it may not stand in the
   *     prompt otherwise after one
   * @param slots how many there are
   * @param labels texts that are one token each, exactly
   */
  record Filling(Prompt prompt, String slot, int slots, List<String> labels) implements Question {
    /** Copies the list. */
    public Filling {
      labels = List.copyOf(labels);
    }
  }
}
