package dev.palimpsest.llm;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.language.Answer;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.TextModel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * A model run in this process. Questions of the same kind that follow each other are asked
 * together, so that what their prompts begin with in common is computed once.
 */
public final class InProcess implements Respondent {
  /** Questions asked together. */
  private static final int AT_ONCE = 1024;

  private final TextModel model;
  private final String identity;

  /**
   * @param model closed by {@link #close}
   * @param digest of the model's files
   */
  public InProcess(TextModel model, String digest) {
    this.model = model;
    identity = "model " + digest + ", " + model.precision();
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public void ask(Iterator<Question> questions, Replies replies) {
    List<Question> together = new ArrayList<>();
    long first = 0;
    while (questions.hasNext()) {
      Question question = questions.next();
      if (!together.isEmpty()
          && (together.size() == AT_ONCE || !isAlike(together.get(0), question))) {
        answer(first, together, replies);
        first += together.size();
        together.clear();
      }
      together.add(question);
    }
    answer(first, together, replies);
  }

  private static boolean isAlike(Question one, Question other) {
    if (one instanceof Question.Labelling a && other instanceof Question.Labelling b) {
      return a.labels().equals(b.labels());
    }
    return one instanceof Question.Writing a
        && other instanceof Question.Writing b
        && a.sampling().equals(b.sampling());
  }

  private void answer(long first, List<Question> questions, Replies replies) {
    if (questions.isEmpty()) {
      return;
    }
    List<Prompt> prompts = questions.stream().map(Question::prompt).toList();
    if (questions.get(0) instanceof Question.Labelling labelling) {
      double[][] scores = model.labelLogProbabilities(prompts, labelling.labels(), Progress.SILENT);
      for (int i = 0; i < scores.length; i++) {
        List<Double> chances = new ArrayList<>();
        for (double score : scores[i]) {
          if (Double.isNaN(score)) {
            throw new PalimpsestException("the model's log-probabilities are no numbers");
          }
          chances.add(Math.exp(score));
        }
        Reply reply = new Reply.Labelled(chances, chances.size(), 0, new Usage(1, 0, 0));
        replies.accept(first + i, questions.get(i), reply);
      }
    } else {
      Question.Writing writing = (Question.Writing) questions.get(0);
      List<Answer> answers = model.answers(prompts, writing.sampling(), Progress.SILENT);
      for (int i = 0; i < answers.size(); i++) {
        Answer answer = answers.get(i);
        Usage usage = new Usage(1, 0, answer.tokens());
        replies.accept(
            first + i, questions.get(i), new Reply.Written(answer.text(), answer.stopped(), usage));
      }
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
