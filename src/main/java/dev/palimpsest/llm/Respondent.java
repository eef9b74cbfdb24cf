package dev.palimpsest.llm;

import java.util.Iterator;

/** Something that answers questions, many at a time. */
public interface Respondent extends AutoCloseable {
  /**
   * Answers all questions. Returns when every one has been answered.
   *
   * @param questions taken as there is room for them, so that they need not be in memory together
   * @param replies hears of each once, in any order and from any thread
   * @throws dev.palimpsest.base.PalimpsestException where it cannot go on; what has been heard
   *     until then counts
   */
  void ask(Iterator<Question> questions, Replies replies);

  /**
   * What the answers depend on besides the question: the model's name or digest, how labels are
   * asked for. Two with the same identity may use each other's answers.
   */
  String identity();

  @Override
  void close();

  /** Hears answers. */
  @FunctionalInterface
  interface Replies {
    /**
     * @param index the question's place, from 0
     */
    void accept(long index, Question question, Reply reply);
  }
}
