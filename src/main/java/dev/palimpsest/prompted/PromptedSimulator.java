package dev.palimpsest.prompted;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.llm.Question;
import dev.palimpsest.simulate.SimulatedContext;
import dev.palimpsest.simulate.Simulator;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;

/**
 * Has a language model rate the last token of a window, a question for each latent and token (Paulo
 * and Belrose 2025, section 4). What is announced together is asked together, latent by latent, so
 * that prompts that begin with the same explanation follow one another. A question that brought no
 * rating counts as rating 0; how many these are is told. Holds the ratings of what was announced
 * last.
 */
public final class PromptedSimulator implements Simulator {
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

    /** By explanation and slot; NaN where there is none. */
    private final float[][] ratings;

    Announced(List<SimulatedContext> given) {
      contexts = given.stream().filter(this::isNew).toList();
      firstSlot = new int[contexts.size() + 1];
      for (int i = 0; i < contexts.size(); i++) {
        firstSlot[i + 1] = firstSlot[i] + contexts.get(i).positions().length;
      }
      ratings = new float[texts.size()][firstSlot[contexts.size()]];
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
      int slots = firstSlot[contexts.size()];
      asking
          .respondent()
          .ask(
              new Questions(),
              (index, question, reply) -> {
                float rating = DigitRating.of(reply, settings.renormalise());
                ratings[(int) (index / slots)][(int) (index % slots)] = rating;
                if (Float.isNaN(rating)) {
                  synchronized (unrated) {
                    unrated[0]++;
                  }
                }
              });
      if (unrated[0] > 0) {
        progress.says(
            String.format(
                java.util.Locale.ROOT,
                "%,d of %,d questions of the simulator brought no rating; they count as 0",
                unrated[0],
                (long) slots * texts.size()));
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
      private int context;
      private int place;

      @Override
      public boolean hasNext() {
        while (text < texts.size()
            && (context == contexts.size() || place == contexts.get(context).positions().length)) {
          place = 0;
          if (context++ >= contexts.size() - 1) {
            context = 0;
            text++;
          }
          if (contexts.isEmpty()) {
            text = texts.size();
          }
        }
        return text < texts.size();
      }

      @Override
      public Question next() {
        if (!hasNext()) {
          throw new NoSuchElementException();
        }
        SimulatedContext about = contexts.get(context);
        return question(texts.get(text), about.tokens(), about.positions()[place++]);
      }
    }
  }

  private Question question(Explanation explanation, int[] context, int position) {
    int from = Math.max(0, position + 1 - settings.windowTokens());
    int[] window = Arrays.copyOfRange(context, from, position + 1);
    return new Question.Labelling(
        form.filled(
            Map.of(
                "explanation",
                explanation.text(),
                "window",
                words.marked(window, p -> p == window.length - 1)),
            asking.chat()),
        DigitRating.DIGITS);
  }
}
