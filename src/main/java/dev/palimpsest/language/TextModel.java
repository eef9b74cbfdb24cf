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

  /**
   * Writes an answer to every prompt, each by its own sampling; an answer depends on nothing but
   * prompt and sampling.
   *
   * @param sink hears of each as soon as it is there, in any order
   */
  void answer(List<Prompt> prompts, List<Sampling> samplings, AnswerSink sink);

  /**
   * {@link #labelLogProbabilities}, told as soon as they are there, in any order.
   *
   * @param sink hears of each prompt once
   */
  void scoreLabels(List<Prompt> prompts, List<String> labels, ScoreSink sink);

  /**
   * The log-probability of each label in place of each slot of each prompt.
   *
   * @param slot a text that stands after a tab wherever a label is asked for
   * @param sink hears of each prompt once, as soon as it is there
   */
  void fillSlots(List<Prompt> prompts, String slot, List<String> labels, SlotSink sink);

  /** Hears log-probabilities of labels in place of slots. */
  @FunctionalInterface
  interface SlotSink {
    /**
     * @param prompt its place among the prompts
     * @param scores by slot and label, in nats
     */
    void accept(int prompt, double[][] scores);
  }

  /** Number of tokens of a prompt, as the model reads it. */
  int length(Prompt prompt);

  /** Hears answers. */
  @FunctionalInterface
  interface AnswerSink {
    /**
     * @param prompt its place among the prompts
     */
    void accept(int prompt, Answer answer);
  }

  /** Hears log-probabilities of labels. */
  @FunctionalInterface
  interface ScoreSink {
    /**
     * @param prompt its place among the prompts
     * @param scores by label, in nats
     */
    void accept(int prompt, double[] scores);
  }

  /** The precision of the model's products: {@code fp32} or {@code bf16}. */
  String precision();

  @Override
  void close();
}
