package dev.palimpsest.prompted;

import dev.palimpsest.base.Choice;
import dev.palimpsest.base.UsageException;
import java.util.Locale;

/** What a language model is shown of a latent that it is to explain. */
public enum ExplainMethod {
  /** Windows in which it fires, marked, with strengths (Paulo et al. 2024). */
  PAPER,
  /** The same; the model is to think aloud first. */
  CHAIN_OF_THOUGHT,
  /** Windows in which it fires, beside ones in which its neighbours do and it does not. */
  CONTRASTIVE,
  /** The tokens that its decoder row makes likelier and unlikelier (output-centric). */
  PROMOTED,
  /** No question: the token that has most of its activation. */
  SINGLE_TOKEN,
  /** No question: an empty explanation, which tells what a simulator does without words. */
  NONE;

  /** As in settings and names of prompts. */
  public String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Whether a language model is asked. */
  public boolean asks() {
    return this != SINGLE_TOKEN && this != NONE;
  }

  /**
   * By {@link #label}.
   *
   * @throws UsageException naming those that there are
   */
  public static ExplainMethod labelled(String label) {
    return Choice.of(values(), ExplainMethod::label, label, "explain.method: unknown method");
  }
}
