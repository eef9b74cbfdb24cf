package dev.palimpsest.llm;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * A respondent whose answers are kept in a journal and taken from there where they are known. A
 * question that is asked again while it is under way waits for the same answer. What a server has
 * refused without an answer is not kept: another day it may take it.
 */
public final class Journaled implements Respondent {
  private final Respondent inner;
  private final Optional<Journal> journal;
  private final Spending spending;
  private final Prices prices;
  private Usage usage = Usage.NONE;
  private long answered;
  private long known;

  /**
   * @param inner closed by {@link #close}, as the journal is
   * @param journal without one, answers are not kept
   */
  public Journaled(Respondent inner, Optional<Journal> journal, Budget budget) {
    this(inner, journal, new Spending(budget), budget.prices());
  }

  /**
   * One of several that share a budget.
   *
   * @param prices of this one
   */
  public Journaled(Respondent inner, Optional<Journal> journal, Spending spending, Prices prices) {
    this.inner = inner;
    this.journal = journal;
    this.spending = spending;
    this.prices = prices;
  }

  @Override
  public String identity() {
    return inner.identity();
  }

  /** What was spent until now, without what the journal knew. */
  public synchronized Usage usage() {
    return usage;
  }

  /** Questions that the journal could answer until now. */
  public synchronized long known() {
    return known;
  }

  @Override
  public void ask(Iterator<Question> questions, Replies replies) {
    Asking asking = new Asking(questions, replies);
    inner.ask(asking, asking::hear);
    if (asking.limit.isPresent()) {
      synchronized (this) {
        throw new BudgetSpentException(asking.limit.get(), answered);
      }
    }
  }

  /** A question under way, and the places that wait for it. */
  private record Waiting(QuestionKey key, List<Long> places) {}

  /** The questions that the journal cannot answer; those that it can are answered in passing. */
  private final class Asking implements Iterator<Question> {
    private final Iterator<Question> questions;
    private final Replies replies;
    private final Map<QuestionKey, Waiting> underWay = new HashMap<>();
    private final Map<Long, Waiting> byPlace = new HashMap<>();
    private Optional<Question> next = Optional.empty();
    private Optional<String> limit = Optional.empty();
    private long taken;
    private long handedOn;

    Asking(Iterator<Question> questions, Replies replies) {
      this.questions = questions;
      this.replies = replies;
    }

    @Override
    public boolean hasNext() {
      while (next.isEmpty() && limit.isEmpty() && questions.hasNext()) {
        Question question = questions.next();
        long place = taken++;
        QuestionKey key = QuestionKey.of(identity(), question);
        Optional<Reply> reply = Optional.empty();
        synchronized (Journaled.this) {
          Waiting same = underWay.get(key);
          if (same != null) {
            same.places.add(place);
            continue;
          }
          reply = journal.flatMap(kept -> kept.find(key));
          if (reply.isPresent()) {
            known++;
          } else {
            limit = spending.begin();
            if (limit.isEmpty()) {
              Waiting waiting = new Waiting(key, new ArrayList<>(List.of(place)));
              underWay.put(key, waiting);
              byPlace.put(handedOn++, waiting);
              next = Optional.of(question);
            }
          }
        }
        reply.ifPresent(there -> replies.accept(place, question, there));
      }
      return next.isPresent();
    }

    @Override
    public Question next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Question question = next.orElseThrow();
      next = Optional.empty();
      return question;
    }

    void hear(long place, Question question, Reply reply) {
      Waiting waiting;
      synchronized (Journaled.this) {
        waiting = Optional.ofNullable(byPlace.remove(place)).orElseThrow();
        if (reply.usage().calls() > 0) {
          journal.ifPresent(kept -> kept.add(waiting.key, reply));
        }
        underWay.remove(waiting.key);
        usage = usage.plus(reply.usage());
        spending.end(reply.usage(), prices);
        answered++;
      }
      waiting.places.forEach(each -> replies.accept(each, question, reply));
    }
  }

  @Override
  public void close() {
    try (inner) {
      journal.ifPresent(Journal::close);
    }
  }
}
