package dev.palimpsest.language;

import dev.palimpsest.base.Progress;
import java.util.List;

/** A language model that can be asked. */
public interface TextModel extends AutoCloseable {
  /**
   * Writes an answer to every prompt.
   *
   * @return in the prompts' order
   */
  List<Answer> answers(List<Prompt> prompts, Sampling sampling, Progress progress);

  /**
   * The log-probability of each label as the very next token after each prompt.
   *
   * @param labels texts that are one token each, exactly: no blank before them unless given
   * @return by prompt and label, in nats, normalised over the whole vocabulary
   */
  double[][] labelLogProbabilities(List<Prompt> prompts, List<String> labels, Progress progress);

  /** The precision of the model's products: {@code fp32} or {@code bf16}. */
  String precision();

  @Override
  void close();
}
