package dev.palimpsest.llm;

import dev.palimpsest.language.Prompt;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.language.TextModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * A model that runs in this process. Questions are taken some hundreds at a time: what their
 * prompts begin with in common is run once for all of them.
 */
public final class LocalRespondent implements Respondent {
  /** Questions that share beginnings; their prompts and answers are in memory together. */
  private static final int AT_ONCE = 512;

  private final Supplier<TextModel> loader;
  private final String identity;
  private TextModel[] loaded = new TextModel[0];

  /**
   * @param loader loads the model, when the first question is asked; closed by {@link #close}
   * @param identity of the model's files and its precision
   */
  public LocalRespondent(Supplier<TextModel> loader, String identity) {
    this.loader = loader;
    this.identity = identity;
  }

  private TextModel model() {
    if (loaded.length == 0) {
      loaded = new TextModel[] {loader.get()};
    }
    return loaded[0];
  }

  @Override
  public String identity() {
    return identity;
  }

  /** A question and its place. */
  private record Placed(long place, Question question) {
    Prompt prompt() {
      return question.prompt();
    }
  }

  @Override
  public void ask(Iterator<Question> questions, Replies replies) {
    long taken = 0;
    List<Placed> some = new ArrayList<>();
    while (questions.hasNext()) {
      some.add(new Placed(taken++, questions.next()));
      if (some.size() == AT_ONCE || !questions.hasNext()) {
        answer(some, replies);
        some.clear();
      }
    }
  }

  private void answer(List<Placed> some, Replies replies) {
    Map<List<String>, List<Placed>> byLabels = new LinkedHashMap<>();
    List<Placed> writings = new ArrayList<>();
    List<Placed> fillings = new ArrayList<>();
    for (Placed each : some) {
      if (each.question instanceof Question.Labelling labelling) {
        byLabels.computeIfAbsent(labelling.labels(), any -> new ArrayList<>()).add(each);
      } else if (each.question instanceof Question.Filling) {
        fillings.add(each);
      } else {
        writings.add(each);
      }
    }
    bySlots(fillings).forEach(asked -> fill(asked, replies));
    byLabels.forEach((labels, asked) -> label(labels, asked, replies));
    if (!writings.isEmpty()) {
      write(writings, replies);
    }
  }

  private void label(List<String> labels, List<Placed> asked, Replies replies) {
    TextModel model = model();
    model.scoreLabels(
        asked.stream().map(Placed::prompt).toList(),
        labels,
        (prompt, scores) -> {
          Placed each = asked.get(prompt);
          replies.accept(
              each.place,
              each.question,
              new Reply.Labelled(
                  Arrays.stream(scores).map(Math::exp).boxed().toList(),
                  scores.length,
                  0,
                  new Usage(1, model.length(each.prompt()), 0)));
        });
  }

  private static Collection<List<Placed>> bySlots(List<Placed> fillings) {
    Map<List<Object>, List<Placed>> groups = new LinkedHashMap<>();
    for (Placed each : fillings) {
      Question.Filling filling = (Question.Filling) each.question;
      groups
          .computeIfAbsent(List.of(filling.slot(), filling.labels()), any -> new ArrayList<>())
          .add(each);
    }
    return groups.values();
  }

  private void fill(List<Placed> asked, Replies replies) {
    TextModel model = model();
    Question.Filling first = (Question.Filling) asked.get(0).question;
    model.fillSlots(
        asked.stream().map(Placed::prompt).toList(),
        first.slot(),
        first.labels(),
        (prompt, scores) -> {
          Placed each = asked.get(prompt);
          Question.Filling filling = (Question.Filling) each.question;
          Usage usage = new Usage(1, model.length(each.prompt()), 0);
          Reply reply =
              scores.length == filling.slots()
                  ? new Reply.Filled(
                      Arrays.stream(scores)
                          .map(slot -> Arrays.stream(slot).map(Math::exp).boxed().toList())
                          .toList(),
                      scores.length * first.labels().size(),
                      usage)
                  : new Reply.Refused(Filling.joined(scores.length, filling), usage);
          replies.accept(each.place, each.question, reply);
        });
  }

  private void write(List<Placed> asked, Replies replies) {
    TextModel model = model();
    List<Sampling> samplings =
        asked.stream().map(each -> ((Question.Writing) each.question).sampling()).toList();
    model.answer(
        asked.stream().map(Placed::prompt).toList(),
        samplings,
        (prompt, answer) -> {
          Placed each = asked.get(prompt);
          replies.accept(
              each.place,
              each.question,
              new Reply.Written(
                  answer.text(),
                  answer.stopped(),
                  new Usage(1, model.length(each.prompt()), answer.tokens())));
        });
  }

  @Override
  public void close() {
    for (TextModel each : loaded) {
      each.close();
    }
    loaded = new TextModel[0];
  }
}
