package dev.palimpsest.prompted;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.llm.Question;
import dev.palimpsest.llm.Reply;
import dev.palimpsest.simulate.SimulatedContext;
import dev.palimpsest.simulate.Simulator;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;

/**
 * Has a language model rate the last token of a window, a question for each latent and token (Paulo
 * and Belrose 2025, section 4), or all tokens of a window in one question (Bills et al. 2023). What
 * is announced together is asked together, latent by latent, so that prompts that begin with the
 * same explanation follow one another. A question that brought no rating counts as rating 0; how
 * many these are is told. Holds the ratings of what was announced last.
 */
public final class PromptedSimulator implements Simulator {
  /** Stands for an activation in prompts; see {@link Question.Filling}. */
  private static final String UNKNOWN = "unknown";

  private final int latents;
  private final List<Explanation> texts;
  private final boolean[] explained;
  private final float[] defaults;
  private final Asking asking;
  private final PromptForm form;
  private final SimulateSettings settings;
  private final WindowWords words;
  private final Progress progress;
  private Announced announced;

  /**
   * @param latents number of latents M
   * @param explanations at most one a latent
   * @param form of a question, with places for the words and the window
   * @param progress is told of questions without rating
   */
  public PromptedSimulator(
      int latents,
      List<Explanation> explanations,
      Asking asking,
      PromptForm form,
      SimulateSettings settings,
      WindowWords words,
      Progress progress) {
    this.latents = latents;
    this.asking = asking;
    this.form = form;
    this.settings = settings;
    this.words = words;
    this.progress = progress;
    texts = List.copyOf(explanations);
    explained = new boolean[latents];
    defaults = new float[latents];
    for (Explanation text : texts) {
      if (text.latent() < 0 || text.latent() >= latents || explained[text.latent()]) {
        throw new PalimpsestException(
            "latent " + text.latent() + " of " + latents + " is explained twice, or not there");
      }
      explained[text.latent()] = true;
    }
    announced = new Announced(List.of());
  }

  @Override
  public int latents() {
    return latents;
  }

  @Override
  public boolean explained(int latent) {
    return explained[latent];
  }

  @Override
  @SuppressWarnings("EI_EXPOSE_REP") // documented as not to be changed
  public float[] defaults() {
    return defaults;
  }

  @Override
  public synchronized void announce(List<SimulatedContext> contexts) {
    if (contexts.stream().allMatch(announced::covers)) {
      return;
    }
    Announced next = new Announced(contexts);
    next.ask();
    announced = next;
  }

  @Override
  public synchronized void rate(int[] context, Sink sink) {
    SimulatedContext everywhere =
        new SimulatedContext(context, IntStream.range(0, context.length).toArray());
    if (!announced.knows(context)) {
      announce(List.of(everywhere));
    }
    announced.tell(context, sink);
  }

  /** A context by what it contains. */
  @SuppressWarnings("ArrayRecordComponent") // compared by content, see below
  private record Key(int[] tokens) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Key key && Arrays.equals(tokens, key.tokens);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(tokens);
    }
  }

  /** Contexts, the questions about them, and the ratings. */
  private final class Announced {
    private final List<SimulatedContext> contexts;
    private final Map<Key, Integer> byContent = new HashMap<>();
    private final int[] firstSlot;
    private final List<Group> groups = new ArrayList<>();

    /** By explanation and slot; NaN where there is none. */
    private final float[][] ratings;

    Announced(List<SimulatedContext> given) {
      contexts = given.stream().filter(this::isNew).toList();
      firstSlot = new int[contexts.size() + 1];
      for (int i = 0; i < contexts.size(); i++) {
        firstSlot[i + 1] = firstSlot[i] + contexts.get(i).positions().length;
      }
      ratings = new float[texts.size()][firstSlot[contexts.size()]];
      for (int i = 0; i < contexts.size(); i++) {
        group(contexts.get(i), firstSlot[i], groups);
      }
    }

    private boolean isNew(SimulatedContext context) {
      return byContent.putIfAbsent(new Key(context.tokens()), byContent.size()) == null;
    }

    boolean knows(int[] tokens) {
      return byContent.containsKey(new Key(tokens));
    }

    boolean covers(SimulatedContext wanted) {
      Integer at = byContent.get(new Key(wanted.tokens()));
      return at != null
          && Arrays.stream(wanted.positions())
              .allMatch(p -> Arrays.binarySearch(contexts.get(at).positions(), p) >= 0);
    }

    void ask() {
      long[] unrated = {0};
      asking
          .respondent()
          .ask(
              new Questions(),
              (index, question, reply) -> {
                Group group = groups.get((int) (index % groups.size()));
                float[] found = ratings(group, reply);
                float[] row = ratings[(int) (index / groups.size())];
                System.arraycopy(found, 0, row, group.firstSlot, found.length);
                synchronized (unrated) {
                  for (float rating : found) {
                    unrated[0] += Float.isNaN(rating) ? 1 : 0;
                  }
                }
              });
      if (unrated[0] > 0) {
        progress.says(
            String.format(
                java.util.Locale.ROOT,
                "the simulator has no rating for %,d of %,d places; they count as 0",
                unrated[0],
                (long) firstSlot[contexts.size()] * texts.size()));
      }
    }

    void tell(int[] tokens, Sink sink) {
      int at = byContent.getOrDefault(new Key(tokens), 0);
      int[] positions = contexts.get(at).positions();
      for (int i = 0; i < positions.length; i++) {
        for (int text = 0; text < ratings.length; text++) {
          float rating = ratings[text][firstSlot[at] + i];
          if (rating > 0) {
            sink.accept(positions[i], texts.get(text).latent(), rating);
          }
        }
      }
    }

    /** Explanation by explanation, and within each context by context. */
    private final class Questions implements Iterator<Question> {
      private int text;
      private int group;

      @Override
      public boolean hasNext() {
        return text < texts.size() && !groups.isEmpty();
      }

      @Override
      public Question next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        Question question = question(texts.get(text), groups.get(group));
        if (++group == groups.size()) {
          group = 0;
          text++;
        }
        return question;
      }
    }
  }

  /**
   * Positions of a context that one question is about.
   *
   * @param tokens what is shown
   * @param places in it that are asked for
   * @param firstSlot of the ratings
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Group(int[] tokens, int[] places, int firstSlot) {}

  /** The questions about a context: one a position, or one a stretch of it. */
  private void group(SimulatedContext context, int firstSlot, List<Group> groups) {
    int[] positions = context.positions();
    int window = settings.windowTokens();
    int next = 0;
    while (next < positions.length) {
      int begin = next;
      if (settings.wholeWindows()) {
        int from = positions[next] / window * window;
        int to = Math.min(context.tokens().length, from + window);
        while (next < positions.length && positions[next] < to) {
          next++;
        }
        groups.add(
            new Group(
                Arrays.copyOfRange(context.tokens(), from, to),
                Arrays.stream(positions, begin, next).map(p -> p - from).toArray(),
                firstSlot + begin));
      } else {
        int from = Math.max(0, positions[next] + 1 - window);
        int[] shown = Arrays.copyOfRange(context.tokens(), from, positions[next] + 1);
        groups.add(new Group(shown, new int[] {shown.length - 1}, firstSlot + begin));
        next++;
      }
    }
  }

  private Question question(Explanation explanation, Group group) {
    if (settings.wholeWindows()) {
      List<String> pieces = words.visiblePieces(group.tokens);
      return new Question.Filling(
          form.filled(
              Map.of(
                  "explanation",
                  explanation.text(),
                  "text",
                  words.plain(group.tokens),
                  "lines",
                  String.join("\n", pieces.stream().map(piece -> piece + "\t" + UNKNOWN).toList())),
              asking.chat()),
          UNKNOWN,
          pieces.size(),
          DigitRating.DIGITS);
    }
    int last = group.places[0];
    return new Question.Labelling(
        form.filled(
            Map.of(
                "explanation",
                explanation.text(),
                "window",
                words.marked(group.tokens, p -> p == last)),
            asking.chat()),
        DigitRating.DIGITS);
  }

  /** What a reply says about each place of a group; NaN where it says nothing. */
  private float[] ratings(Group group, Reply reply) {
    float[] ratings = new float[group.places.length];
    for (int i = 0; i < ratings.length; i++) {
      ratings[i] =
          reply instanceof Reply.Filled filled
              ? DigitRating.of(
                  filled.slots().get(words.pieceOf(group.tokens, group.places[i])),
                  settings.renormalise())
              : DigitRating.of(reply, settings.renormalise());
    }
    return ratings;
  }
}
