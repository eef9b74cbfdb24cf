package dev.palimpsest.prompted;

import dev.palimpsest.base.Progress;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.explain.Explainer;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import dev.palimpsest.latents.LatentWindow;
import dev.palimpsest.latents.WindowSampler;
import dev.palimpsest.llm.Question;
import dev.palimpsest.llm.Reply;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * Has a language model explain latents. An answer that has no explanation in it leaves its latent
 * unexplained; how many these are is told.
 */
public final class PromptedExplainer implements Explainer {
  private static final String MARK = "[EXPLANATION]:";
  private static final int CLASSES = 10;

  /** Tokens above this share of the latent's maximum are marked. */
  private static final double MARKED = 0.2;

  private static final int NEIGHBOURS = 5;

  private final Asking asking;
  private final PromptForm form;
  private final ExplainSettings settings;
  private final WindowWords words;
  private final BitSet latents;
  private final IntFunction<Effects> effects;

  /**
   * What a latent does to the model's next token.
   *
   * @param promoted tokens that its decoder row makes likelier, strongest first
   * @param demoted tokens that it makes unlikelier
   */
  public record Effects(List<String> promoted, List<String> demoted) {}

  /**
   * @param form the prompt; of methods that ask
   * @param latents which are explained
   * @param effects asked by {@link ExplainMethod#PROMOTED} alone
   */
  public PromptedExplainer(
      Asking asking,
      PromptForm form,
      ExplainSettings settings,
      WindowWords words,
      BitSet latents,
      IntFunction<Effects> effects) {
    this.asking = asking;
    this.form = form;
    this.settings = settings;
    this.words = words;
    this.latents = (BitSet) latents.clone();
    this.effects = effects;
  }

  @Override
  public String name() {
    return asking.name();
  }

  @Override
  public Work begin(LatentCache cache, Progress progress) {
    return new OfCache(cache, progress);
  }

  /** The explaining of one cache. */
  private final class OfCache implements Work {
    private final LatentCache cache;
    private final Progress progress;
    private final Neighbours neighbours;

    OfCache(LatentCache cache, Progress progress) {
      this.cache = cache;
      this.progress = progress;
      neighbours = new Neighbours(cache, settings.windowLength());
    }

    @Override
    public List<Explanation> explain(int from, int to, IntConsumer told) {
      int[] wanted = latents.stream().filter(latent -> latent >= from && latent < to).toArray();
      Map<Integer, String> found = new TreeMap<>();
      if (settings.method().asks()) {
        ask(wanted, told, found);
      } else {
        for (int latent : wanted) {
          found.put(latent, unasked(latent));
        }
      }
      List<Explanation> all = new ArrayList<>();
      found.forEach((latent, text) -> all.add(new Explanation(latent, text, name())));
      return all;
    }

    private void ask(int[] wanted, IntConsumer told, Map<Integer, String> found) {
      int[] refused = {0};
      int[] heard = {0};
      asking
          .respondent()
          .ask(
              IntStream.of(wanted).mapToObj(this::question).iterator(),
              (index, question, reply) -> {
                synchronized (found) {
                  if (reply instanceof Reply.Written written) {
                    explanation(written.text())
                        .ifPresent(text -> found.put(wanted[(int) index], text));
                  } else {
                    refused[0]++;
                  }
                  told.accept(++heard[0]);
                }
              });
      int unread = heard[0] - refused[0] - found.size();
      if (unread + refused[0] > 0) {
        progress.says(
            String.format(
                Locale.ROOT,
                "of %,d answers %,d have no line %s and %,d are refusals: their latents stay"
                    + " unexplained",
                heard[0],
                unread,
                MARK,
                refused[0]));
      }
    }

    private Question question(int latent) {
      return new Question.Writing(
          form.filled(places(latent), asking.chat()),
          new Sampling(
              settings.maxTokens(),
              settings.temperature(),
              1,
              Seeds.mix(settings.seed(), latent) >>> 33));
    }

    private Map<String, Object> places(int latent) {
      Map<String, Object> places = new HashMap<>();
      if (settings.method() == ExplainMethod.PROMOTED) {
        Effects of = effects.apply(latent);
        places.put("promoted", of.promoted());
        places.put("demoted", of.demoted());
        return places;
      }
      LatentRecord record = cache.activations(latent);
      WindowSampler sampler = sampler(record);
      List<Object> examples = new ArrayList<>();
      for (LatentWindow window :
          sampler.byQuantile(CLASSES, Math.max(1, settings.windows() / CLASSES))) {
        examples.add(example(window, record.maximum()));
      }
      places.put("examples", examples);
      if (settings.method() == ExplainMethod.CONTRASTIVE) {
        places.put("contrasts", contrasts(latent));
      }
      return places;
    }

    private WindowSampler sampler(LatentRecord record) {
      return new WindowSampler(
          record, cache.rows(), cache.contextLength(), settings.windowLength(), settings.seed());
    }

    private Map<String, Object> example(LatentWindow window, float maximum) {
      int[] tokens = cache.tokens(window);
      float[] activations = window.activations();
      IntPredicate marks = position -> activations[position] > MARKED * maximum;
      return Map.of(
          "text",
          words.marked(tokens, marks),
          "activations",
          words.pairs(tokens, activations, marks, maximum));
    }

    /** Windows in which a neighbour is strong and the latent silent. */
    private List<Object> contrasts(int latent) {
      List<Object> contrasts = new ArrayList<>();
      for (int other : neighbours.of(latent, NEIGHBOURS)) {
        sampler(cache.activations(other)).activating().stream()
            .filter(window -> !neighbours.fires(latent, window.row(), window.start()))
            .limit(2)
            .forEach(window -> contrasts.add(words.plain(cache.tokens(window))));
      }
      return contrasts;
    }

    /** What needs no question. */
    private String unasked(int latent) {
      if (settings.method() == ExplainMethod.NONE) {
        return "";
      }
      LatentRecord record = cache.activations(latent);
      Map<Integer, Double> sums = new HashMap<>();
      for (int i = 0; i < record.count(); i++) {
        int token =
            cache.tokens()[record.rows()[i] * cache.contextLength() + record.positions()[i]];
        sums.merge(token, (double) record.activations()[i], Double::sum);
      }
      int strongest =
          sums.entrySet().stream()
              .max(
                  Map.Entry.<Integer, Double>comparingByValue()
                      .thenComparing(entry -> -entry.getKey()))
              .map(Map.Entry::getKey)
              .orElseThrow();
      return "the token \"" + words.plain(new int[] {strongest}) + "\"";
    }
  }

  /** What stands behind the last mark, up to the line's end; empty where there is nothing. */
  static Optional<String> explanation(String answer) {
    int at = answer.toUpperCase(Locale.ROOT).lastIndexOf(MARK);
    if (at < 0) {
      return Optional.empty();
    }
    return answer.substring(at + MARK.length()).strip().lines().findFirst().map(String::strip);
  }
}
