package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentRecord;
import dev.palimpsest.latents.LatentWindow;
import dev.palimpsest.latents.WindowSampler;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenEffects;
import dev.palimpsest.prompted.JudgedScore;
import dev.palimpsest.prompted.JudgedStore;
import dev.palimpsest.report.CoderLatents;
import dev.palimpsest.report.Fact;
import dev.palimpsest.report.LatentPage;
import dev.palimpsest.report.LatentPage.Context;
import dev.palimpsest.report.LatentPage.ContextToken;
import dev.palimpsest.report.LatentPage.Histogram;
import dev.palimpsest.report.LatentPage.Score;
import dev.palimpsest.report.LatentPage.TokenWeight;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageName;
import dev.palimpsest.simulate.Calibration;
import dev.palimpsest.simulate.CalibrationSet;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.LatentScore;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.text.TextPiece;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;

/**
 * Brings together what is known of one coder's latents (cache, words, scores, calibrations, the
 * tokens they promote) in the plain records that the report and {@code inspect} show. Whatever has
 * not been made yet is left out.
 */
public final class LatentPageCollector implements AutoCloseable {
  private static final int WINDOW = 32;
  private static final int TOP_CONTEXTS = 4;
  private static final int QUANTILES = 6;
  private static final int TOKENS_EITHER_WAY = 10;
  private static final int BINS = 24;

  private final Sources sources;
  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final SparseCoder coder;
  private final Optional<LatentCache> cache;
  private final Map<Integer, Explanation> explanations = new HashMap<>();
  private final Map<Integer, LatentScore> scores = new HashMap<>();
  private final List<JudgedScore> judged;
  private final Optional<CalibrationSet> calibrations;
  private final Lexicon lexicon;

  /**
   * Where the parts lie; all but the coder may be missing.
   *
   * @param name of the coder, in titles
   * @param coder folder of {@code cfg.json} and {@code sae.safetensors}
   * @param latents folder of the latent cache of the explain split
   * @param explanations JSON lines
   * @param glossary the word classes that they speak of
   * @param scores JSON lines
   * @param judged JSON lines of a language model's scores
   * @param simulations the fitted calibrations
   * @param seed of the drawing of example windows and of random latents
   * @param edited latents whose words a person has written
   * @param notes why parts that are there are left out
   */
  public record Sources(
      String name,
      Path coder,
      Path latents,
      Path explanations,
      Path glossary,
      Path scores,
      Path judged,
      Path simulations,
      long seed,
      Set<Integer> edited,
      List<String> notes) {
    /**
     * The parts of one coder in a run directory, whether or not they belong together.
     *
     * @param name the coder's name in the run: its hookpoint, with {@code /seedN} where there are
     *     several seeds
     */
    public static Sources of(RunDirectory run, String name, long seed) {
      return new Sources(
          name,
          run.coder(name),
          run.latents(name),
          run.explanations(name),
          run.glossary(name),
          run.scores(name),
          run.judgedScores(name),
          simulations(run, name),
          seed,
          Set.of(),
          List.of());
    }

    /** The calibrations for all tokens, or, where there are none, for last tokens. */
    private static Path simulations(RunDirectory run, String name) {
      Path allTokens = run.simulations(name, Protocol.ALL_TOKENS.label());
      return Files.isRegularFile(allTokens)
          ? allTokens
          : run.simulations(name, Protocol.LAST_TOKEN.label());
    }

    /** The parts of one coder that are up to date; a note says what is left out as it is not. */
    static Sources current(RunDirectory run, StagePlan plan, long seed) {
      String name = plan.unit().name();
      Sources all = of(run, name, seed);
      Path none = run.stages().resolve("none");
      List<String> notes = new ArrayList<>();
      Path latents = leftOut(plan, StageName.CACHE, "contexts", notes) ? none : all.latents();
      leftOut(plan, StageName.EXPLAIN, "", notes);
      Path scores = leftOut(plan, StageName.SCORE, "scores", notes) ? none : all.scores();
      Path fits = leftOut(plan, StageName.SIMULATE, "guesses", notes) ? none : all.simulations();
      return new Sources(
          name,
          all.coder(),
          latents,
          all.explanations(),
          all.glossary(),
          scores,
          plan.judgedByModel() && !scores.equals(none) ? all.judged() : none,
          // The page has the controlled English's guesses; a language model is not asked for it.
          plan.simulatesByModel() ? none : fits,
          seed,
          new HandEdits(run, name).known(),
          notes);
    }

    private static boolean leftOut(
        StagePlan plan, StageName stage, String what, List<String> notes) {
      Optional<String> stale = plan.stale(stage);
      stale.ifPresent(
          reason ->
              notes.add(
                  (what.isEmpty()
                          ? "The explanations are out of date"
                          : "Out of date, left out: " + what)
                      + " ("
                      + reason
                      + "); '"
                      + stage.label()
                      + "' makes them anew."));
      return stale.isPresent();
    }

    /** A coder of which nothing but its folder is known. */
    public static Sources ofCoder(Path coder, long seed) {
      Path none = coder.resolve("none");
      return new Sources(
          String.valueOf(coder.getFileName()),
          coder,
          none,
          none,
          none,
          none,
          none,
          none,
          seed,
          Set.of(),
          List.of());
    }
  }

  /**
   * Reads what there is.
   *
   * @param model whose unembedding the decoder rows are put through; stays the caller's
   * @param tokenizer of the model; stays the caller's
   * @throws dev.palimpsest.base.PalimpsestException naming a file that is there and cannot be read
   */
  public LatentPageCollector(Sources sources, LanguageModel model, Tokenizer tokenizer) {
    this.sources = sources;
    this.model = model;
    this.tokenizer = tokenizer;
    TokenNames names =
        TokenNames.of(tokenizer.vocabularySize(), tokenizer::token, tokenizer.separator());
    lexicon = new Lexicon(names, Glossary.read(sources.glossary(), names));
    if (Files.isRegularFile(sources.explanations())) {
      ExplanationStore.read(sources.explanations()).forEach(e -> explanations.put(e.latent(), e));
    }
    if (Files.isRegularFile(sources.scores())) {
      ScoreStore.read(sources.scores()).forEach(s -> scores.put(s.latent(), s));
    }
    judged = Files.isRegularFile(sources.judged()) ? JudgedStore.read(sources.judged()) : List.of();
    calibrations =
        Files.isRegularFile(sources.simulations())
            ? Optional.of(CalibrationStore.read(sources.simulations()))
            : Optional.empty();
    cache =
        LatentCache.isComplete(sources.latents())
            ? Optional.of(LatentCache.open(sources.latents()))
            : Optional.empty();
    coder = SparseCoder.load(SparseCoder.find(sources.coder()));
  }

  /**
   * Distributions over all latents and pages of a choice of them.
   *
   * @param count number of pages wanted
   */
  public CoderLatents collect(int count) {
    int latents = coder.config().numLatents();
    List<Double> densities = new ArrayList<>();
    for (int latent = 0; cache.isPresent() && latent < latents; latent++) {
      densities.add(density(latent));
    }
    Map<Integer, Double> accuracies = new TreeMap<>();
    scores.forEach((latent, score) -> accuracies.put(latent, score.balancedAccuracy()));
    List<LatentPage> pages = new ArrayList<>();
    LatentChoice.choose(count, latents, accuracies, densities, sources.seed())
        .forEach((latent, reasons) -> pages.add(page(latent, reasons)));
    List<Double> listed = List.copyOf(accuracies.values());
    return new CoderLatents(sources.name(), facts(latents, densities), densities, listed, pages);
  }

  /**
   * One latent.
   *
   * @param chosenAs why it is shown
   * @throws UsageException if the coder has no such latent
   */
  public LatentPage page(int latent, List<String> chosenAs) {
    int latents = coder.config().numLatents();
    if (latent < 0 || latent >= latents) {
      throw new UsageException(
          "latent " + latent + ": " + sources.name() + " has latents 0 to " + (latents - 1));
    }
    Optional<Explanation> explanation = Optional.ofNullable(explanations.get(latent));
    Optional<LatentRecord> firings = cache.map(c -> c.activations(latent));
    Optional<TokenEffects> effects = effects(latent);
    return new LatentPage(
        sources.name(),
        latent,
        chosenAs,
        explanation.map(Explanation::text),
        explanation.map(this::author).orElse(""),
        scoresOf(latent),
        cache.isPresent() ? OptionalDouble.of(density(latent)) : OptionalDouble.empty(),
        firings.map(f -> OptionalDouble.of(f.maximum())).orElseGet(OptionalDouble::empty),
        weights(effects.map(TokenEffects::promoted)),
        weights(effects.map(TokenEffects::demoted)),
        firings.filter(f -> f.count() > 0).map(f -> Histogram.of(f.activations(), BINS)),
        contexts(firings, explanation),
        sources.notes());
  }

  private String author(Explanation explanation) {
    return sources.edited().contains(explanation.latent())
        ? "edited by hand"
        : explanation.explainer();
  }

  @Override
  public void close() {
    cache.ifPresent(LatentCache::close);
    coder.close();
  }

  private double density(int latent) {
    LatentCache opened = cache.orElseThrow();
    long tokens = opened.header().tokens();
    return tokens == 0 ? 0 : (double) opened.count(latent) / tokens;
  }

  private List<Fact> facts(int latents, List<Double> densities) {
    List<Fact> facts = new ArrayList<>();
    facts.add(new Fact("latents", Integer.toString(latents)));
    facts.add(new Fact("k", Integer.toString(coder.config().k())));
    cache.ifPresent(
        c -> {
          long silent = densities.stream().filter(d -> d == 0).count();
          facts.add(new Fact("tokens in the latent cache", Long.toString(c.header().tokens())));
          facts.add(new Fact("never active there", Long.toString(silent)));
        });
    if (!explanations.isEmpty()) {
      facts.add(new Fact("explained", Integer.toString(explanations.size())));
      if (!sources.edited().isEmpty()) {
        facts.add(new Fact("edited by hand or removed", Integer.toString(sources.edited().size())));
      }
      long characters =
          Math.round(
              explanations.values().stream().mapToInt(e -> e.text().length()).average().orElse(0));
      facts.add(new Fact("mean length of an explanation", characters + " characters"));
    }
    if (!scores.isEmpty()) {
      facts.add(new Fact("scored", Integer.toString(scores.size())));
    }
    return facts;
  }

  private List<Score> scoresOf(int latent) {
    LatentScore score = scores.get(latent);
    if (score == null) {
      return List.of();
    }
    List<Score> all = new ArrayList<>();
    if (judged.isEmpty()) {
      all.add(new Score("detection", score.balancedAccuracy()));
      all.add(new Score("correlation", score.correlation()));
    }
    for (JudgedScore each : judged) {
      if (each.latent() == latent) {
        all.add(new Score(each.scorer(), each.balancedAccuracy()));
        all.add(new Score(each.scorer() + ", F1", each.f1()));
      }
    }
    return all;
  }

  /** Empty for a coder that does not write into the residual stream's width. */
  private Optional<TokenEffects> effects(int latent) {
    float[] row = coder.decoderRow(latent);
    return row.length == model.config().width()
        ? Optional.of(TokenEffects.of(model, row, TOKENS_EITHER_WAY))
        : Optional.empty();
  }

  private List<TokenWeight> weights(Optional<List<TokenEffects.Effect>> effects) {
    return effects.stream()
        .flatMap(List::stream)
        .map(effect -> new TokenWeight(tokenizer.token(effect.token()), effect.logit()))
        .toList();
  }

  private List<Context> contexts(
      Optional<LatentRecord> firings, Optional<Explanation> explanation) {
    if (firings.isEmpty() || cache.isEmpty()) {
      return List.of();
    }
    LatentCache opened = cache.get();
    int length = Math.min(WINDOW, opened.contextLength());
    WindowSampler sampler =
        new WindowSampler(
            firings.get(), opened.rows(), opened.contextLength(), length, sources.seed());
    Optional<Guesser> guesser = explanation.flatMap(this::guesser);
    List<Context> contexts = new ArrayList<>();
    for (LatentWindow window : sampler.centred(TOP_CONTEXTS)) {
      contexts.add(context("top", window, opened, guesser));
    }
    // The strongest class is left out: the windows above are from it.
    List<LatentWindow> classes = sampler.byQuantile(QUANTILES, 1);
    for (int i = 1; i < classes.size(); i++) {
      String label = classes.size() == QUANTILES ? "quantile " + (i + 1) : "sample";
      contexts.add(context(label, classes.get(i), opened, guesser));
    }
    return contexts;
  }

  private Context context(
      String label, LatentWindow window, LatentCache opened, Optional<Guesser> guesser) {
    int[] row = opened.row(window.row());
    Optional<float[]> guesses = guesser.map(g -> g.guess(row));
    int start = window.start();
    int[] ids = Arrays.copyOfRange(row, start, start + window.length());
    List<ContextToken> tokens = new ArrayList<>(window.length());
    for (TextPiece piece : tokenizer.pieces(ids)) {
      OptionalDouble guess =
          guesses.isPresent()
              ? OptionalDouble.of(largest(guesses.get(), start + piece.from(), start + piece.to()))
              : OptionalDouble.empty();
      float activation = largest(window.activations(), piece.from(), piece.to());
      tokens.add(new ContextToken(piece.text(), activation, guess));
    }
    return new Context(label, tokens);
  }

  private static float largest(float[] values, int from, int to) {
    float largest = values[from];
    for (int i = from + 1; i < to; i++) {
      largest = Math.max(largest, values[i]);
    }
    return largest;
  }

  /** The calibrated lexical simulator of one latent alone; empty where there is no calibration. */
  private Optional<Guesser> guesser(Explanation explanation) {
    int latent = explanation.latent();
    return calibrations
        .filter(set -> latent < set.maxima().length)
        .map(
            set -> {
              LexicalSimulator simulator =
                  new LexicalSimulator(coder.config().numLatents(), List.of(explanation), lexicon);
              var map = set.map(Calibration.CONDITIONAL_MEAN, latent);
              return row -> {
                float[] guesses = new float[row.length];
                Arrays.fill(guesses, map.apply(simulator.defaults()[latent]));
                simulator.rate(
                    row, (position, which, rating) -> guesses[position] = map.apply(rating));
                return guesses;
              };
            });
  }

  /** Guesses one latent's activation at every token of a row. */
  @FunctionalInterface
  private interface Guesser {
    float[] guess(int[] row);
  }
}
