package dev.palimpsest.prompted;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.language.Sampling;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentWindow;
import dev.palimpsest.latents.WindowSampler;
import dev.palimpsest.llm.Question;
import dev.palimpsest.llm.Reply;
import dev.palimpsest.simulate.ScoreConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Has a language model judge explanations by windows, several in a question (Paulo et al. 2024). An
 * answer is a list of 0 and 1, one a window; the windows of any other answer count as unread, and
 * nothing is guessed.
 */
public final class Judge {
  private static final int MOST_TOKENS = 60;
  private static final Pattern LIST = Pattern.compile("\\[([01](?:\\s*,\\s*[01])*)\\s*\\]");

  private final Asking asking;
  private final JudgedKind kind;
  private final PromptForm form;
  private final ScoreConfig config;
  private final int perQuestion;
  private final WindowWords words;

  /**
   * @param form with places for {@code explanation} and {@code texts}
   * @param config which windows
   * @param perQuestion windows of a question
   */
  public Judge(
      Asking asking,
      JudgedKind kind,
      PromptForm form,
      ScoreConfig config,
      int perQuestion,
      WindowWords words) {
    this.asking = asking;
    this.kind = kind;
    this.form = form;
    this.config = config;
    this.perQuestion = perQuestion;
    this.words = words;
  }

  /** A window as it is shown, and whether "it matches" is right. */
  private record Shown(String text, boolean matches) {}

  /** Some windows of one latent. */
  private record Sheet(int place, List<Shown> windows) {}

  /**
   * Scores explanations.
   *
   * @param cache of the score split
   * @param progress is told how many questions have been answered
   * @return in the explanations' order; of those that could be judged
   */
  public List<JudgedScore> score(
      List<Explanation> explanations, LatentCache cache, IntConsumer progress) {
    Counts[] counts = new Counts[explanations.size()];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new Counts();
    }
    Sheets sheets = new Sheets(explanations, cache);
    int[] answered = {0};
    asking
        .respondent()
        .ask(
            sheets,
            (index, question, reply) -> {
              synchronized (counts) {
                Sheet sheet = Optional.ofNullable(sheets.underWay.remove(index)).orElseThrow();
                counts[sheet.place].add(sheet.windows, reply);
                progress.accept(++answered[0]);
              }
            });
    List<JudgedScore> scores = new ArrayList<>();
    for (int i = 0; i < counts.length; i++) {
      JudgedScore score = counts[i].score(explanations.get(i).latent(), kind.label());
      if (score.wasJudged()) {
        scores.add(score);
      }
    }
    return scores;
  }

  /** The answers about one latent. */
  private static final class Counts {
    private final int[] rightly = new int[2];
    private final int[] wrongly = new int[2];
    private int unread;

    void add(List<Shown> windows, Reply reply) {
      Optional<boolean[]> answers =
          reply instanceof Reply.Written written
              ? answers(written.text(), windows.size())
              : Optional.empty();
      if (answers.isEmpty()) {
        unread += windows.size();
        return;
      }
      for (int i = 0; i < windows.size(); i++) {
        boolean said = answers.get()[i];
        int[] which = windows.get(i).matches == said ? rightly : wrongly;
        which[said ? 1 : 0]++;
      }
    }

    JudgedScore score(int latent, String scorer) {
      return new JudgedScore(
          latent, scorer, rightly[1], wrongly[1], rightly[0], wrongly[0], unread);
    }
  }

  /** The last list of an answer; empty where it has none of that length. */
  static Optional<boolean[]> answers(String text, int count) {
    Matcher lists = LIST.matcher(text);
    Optional<boolean[]> last = Optional.empty();
    while (lists.find()) {
      String[] parts = lists.group(1).split(",", -1);
      boolean[] said = new boolean[parts.length];
      for (int i = 0; i < parts.length; i++) {
        said[i] = parts[i].strip().equals("1");
      }
      last = Optional.of(said);
    }
    return last.filter(said -> said.length == count);
  }

  /** The questions, latent by latent, each made when it is asked. */
  private final class Sheets implements Iterator<Question> {
    private final List<Explanation> explanations;
    private final LatentCache cache;
    private final Map<Long, Sheet> underWay = Collections.synchronizedMap(new HashMap<>());
    private final List<Sheet> ready = new ArrayList<>();
    private int next;
    private long handedOut;

    Sheets(List<Explanation> explanations, LatentCache cache) {
      this.explanations = explanations;
      this.cache = cache;
    }

    @Override
    public boolean hasNext() {
      while (ready.isEmpty() && next < explanations.size()) {
        List<Shown> windows = windows(explanations.get(next).latent(), cache);
        for (int from = 0; from < windows.size(); from += perQuestion) {
          ready.add(
              new Sheet(next, windows.subList(from, Math.min(windows.size(), from + perQuestion))));
        }
        next++;
      }
      return !ready.isEmpty();
    }

    @Override
    public Question next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Sheet sheet = ready.remove(0);
      underWay.put(handedOut++, sheet);
      return new Question.Writing(
          form.filled(
              Map.of(
                  "explanation",
                  explanations.get(sheet.place).text(),
                  "texts",
                  sheet.windows.stream().map(Shown::text).toList()),
              asking.chat()),
          Sampling.greedy(MOST_TOKENS));
    }
  }

  /** Both kinds of windows in a drawn order; none where the latent does not fire. */
  private List<Shown> windows(int latent, LatentCache cache) {
    if (cache.count(latent) == 0) {
      return List.of();
    }
    WindowSampler sampler =
        new WindowSampler(
            cache.activations(latent),
            cache.rows(),
            cache.contextLength(),
            config.windowLength(),
            config.seed());
    List<LatentWindow> activating = sampler.byQuantile(config.quantiles(), config.perQuantile());
    List<Shown> shown = new ArrayList<>();
    if (kind == JudgedKind.DETECTION) {
      activating.forEach(window -> shown.add(new Shown(words.plain(cache.tokens(window)), true)));
      sampler
          .silent(config.silent())
          .forEach(window -> shown.add(new Shown(words.plain(cache.tokens(window)), false)));
    } else {
      SplittableRandom random = Seeds.stream(config.seed(), "score.fuzzing", latent);
      for (int i = 0; i < activating.size(); i++) {
        LatentWindow window = activating.get(i);
        boolean right = i % 2 == 0;
        IntPredicate marks =
            right ? position -> window.activations()[position] > 0 : others(window, random);
        shown.add(new Shown(words.marked(cache.tokens(window), marks), right));
      }
    }
    Collections.shuffle(shown, new Random(Seeds.mix(config.seed(), latent)));
    return shown;
  }

  /** As many tokens as fire, but of those that do not, as far as there are. */
  private static IntPredicate others(LatentWindow window, SplittableRandom random) {
    int[] silent =
        IntStream.range(0, window.length()).filter(p -> window.activations()[p] <= 0).toArray();
    int wanted = Math.min(silent.length, window.length() - silent.length);
    for (int i = 0; i < wanted; i++) {
      int other = i + random.nextInt(silent.length - i);
      int swap = silent[i];
      silent[i] = silent[other];
      silent[other] = swap;
    }
    int[] chosen = IntStream.of(silent).limit(wanted).sorted().toArray();
    return position -> Arrays.binarySearch(chosen, position) >= 0;
  }
}
