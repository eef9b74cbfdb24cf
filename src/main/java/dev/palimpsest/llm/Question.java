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
}
