package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.cli.Palimpsest;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.latents.CacheHeader;
import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.LatentCacheBuilder;
import dev.palimpsest.lexical.DecoderRows;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.LexicalConfig;
import dev.palimpsest.lexical.LexicalExplainer;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.report.CoderLatents;
import dev.palimpsest.report.LatentPage;
import dev.palimpsest.report.LatentPage.ContextToken;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.simulate.CalibrationFitter;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.LatentScore;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.Tokenizer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A latent that fires on " cat", in a run directory made by hand, looked at in every way. */
class LatentViewTest {
  private static final int LATENTS = 12;
  private static final int CAT = 3;
  private static final int LENGTH = 64;
  private static final int ROWS = 8;

  @TempDir Path root;

  @BeforeEach
  void makeRun() throws Exception {
    Files.writeString(
        root.resolve("config.yaml"),
        "model: embedded\ncoders:\n- hookpoint: layers.2\n  num_latents: 12\n  k: 2\n");
    RunDirectory run = new RunDirectory(root);
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(128, LATENTS, 2), 1)) {
      coder.save(run.coder("layers.2"));
    }
    try (Tokenizer tokenizer = Tokenizer.load(ModelSource.resolve("embedded"))) {
      TokenNames names =
          TokenNames.of(tokenizer.vocabularySize(), tokenizer::token, tokenizer.separator());
      Lexicon lexicon = new Lexicon(names, Glossary.none());
      int[] story =
          tokenizer.encode(
              " One day the cat saw the dog. The big dog ran to the cat and a cat ran up the tree."
                  .repeat(8));
      int cat = tokenizer.encode(" cat")[0];
      LatentBatch batch = batch(story, cat);
      Path folder = run.latents().resolve("layers.2");
      try (LatentCacheBuilder builder =
          new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, 1, Map.of())) {
        builder.add(batch);
        builder.finish(
            new CacheHeader(
                "layers.2",
                LATENTS,
                LENGTH,
                ROWS,
                builder.countedTokens(),
                Math.min(5, LATENTS),
                List.of(),
                Map.of()));
      }
      try (LatentCache cache = LatentCache.open(folder)) {
        List<Explanation> explanations =
            new LexicalExplainer(LexicalConfig.defaults(), lexicon, DecoderRows.unknown())
                .explain(cache, done -> {});
        ExplanationStore.write(run.explanations("layers.2"), explanations);
        ScoreStore.write(
            run.scores("layers.2"), List.of(new LatentScore(CAT, 0.93, 0.9, 0.96, 0.8, 10, 10)));
        calibrate(run, cache, new LexicalSimulator(LATENTS, explanations, lexicon), cat);
      }
    }
  }

  private static LatentBatch batch(int[] story, int cat) {
    int[] tokens = Arrays.copyOf(story, ROWS * LENGTH);
    int[] kept = new int[tokens.length];
    float[] activations = new float[tokens.length];
    int[] latents = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      kept[i] = i;
      latents[i] = CAT;
      activations[i] = tokens[i] == cat ? 1 + i % 5 : 0;
    }
    return new LatentBatch(0, ROWS, LENGTH, tokens, kept, 1, latents, activations, new float[0]);
  }

  private static void calibrate(
      RunDirectory run, LatentCache cache, LexicalSimulator simulator, int cat) {
    int[] tokens = cache.tokens();
    float[] activations = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      activations[i] = tokens[i] == cat ? 3 : 0;
    }
    int[] latents = new int[tokens.length];
    Arrays.fill(latents, CAT);
    int[] kept = IntStream.range(0, tokens.length).toArray();
    Path scratch = run.root().resolve("scratch");
    try (CalibrationFitter fitter =
        new CalibrationFitter(List.of(simulator), scratch, tokens.length, Map.of())) {
      fitter.add(
          new LatentBatch(
              0, ROWS, LENGTH, tokens, kept, 1, latents, activations, new float[tokens.length]));
      CalibrationStore.write(
          run.simulations("layers.2", "all-tokens"),
          fitter.fit(cache.statistics().maxima()).get(0));
    }
  }

  @Test
  void everythingKnownIsOnThePage() {
    LatentPage page = LatentView.page(root, CAT, Optional.empty(), Optional.empty());
    assertThat(page.coder()).isEqualTo("layers.2");
    assertThat(page.explanation()).hasValueSatisfying(text -> assertThat(text).contains("cat"));
    assertThat(page.explainer()).isEqualTo("lexical");
    assertThat(page.mainScore()).hasValue(0.93);
    assertThat(page.maximum()).hasValue(5);
    assertThat(page.density().orElseThrow()).isBetween(0.01, 0.3);
    assertThat(page.promoted()).hasSize(10);
    assertThat(page.promoted().get(0).weight()).isPositive();
    assertThat(page.demoted().get(0).weight()).isNegative();
    assertThat(page.histogram()).isPresent();
    assertThat(page.contexts()).hasSizeGreaterThan(4);
    List<ContextToken> tokens = page.contexts().get(0).tokens();
    assertThat(tokens).hasSize(32).anySatisfy(t -> assertThat(t.activation()).isEqualTo(5));
    assertThat(tokens)
        .filteredOn(t -> t.text().equals(" cat"))
        .allSatisfy(t -> assertThat(t.guess().orElse(0)).isGreaterThan(1));
    assertThat(tokens)
        .filteredOn(t -> !t.text().equals(" cat"))
        .allSatisfy(t -> assertThat(t.guess().orElse(9)).isLessThan(1));
  }

  @Test
  void aCoderInARunDirectoryIsTheSame() {
    LatentPage page = LatentView.page(root, CAT, Optional.empty(), Optional.empty());
    assertThat(
            LatentView.page(
                root.resolve("coder/layers.2"), CAT, Optional.empty(), Optional.empty()))
        .isEqualTo(page);
    assertThat(LatentView.page(root, CAT, Optional.of("layers.2"), Optional.of("embedded")))
        .isEqualTo(page);
  }

  @Test
  void aSilentLatentHasNoContexts() {
    LatentPage page = LatentView.page(root, 0, Optional.empty(), Optional.empty());
    assertThat(page.contexts()).isEmpty();
    assertThat(page.explanation()).isEmpty();
    assertThat(page.histogram()).isEmpty();
    assertThat(page.promoted()).hasSize(10);
  }

  @Test
  void theReportsPartOfACoder() {
    Path folder = ModelSource.resolve("embedded");
    try (LanguageModel model = LanguageModel.load(folder);
        Tokenizer tokenizer = Tokenizer.load(folder);
        LatentPageCollector collector =
            new LatentPageCollector(
                LatentPageCollector.Sources.of(new RunDirectory(root), "layers.2", 0),
                model,
                tokenizer)) {
      CoderLatents coder = collector.collect(5);
      assertThat(coder.densities()).hasSize(LATENTS);
      assertThat(coder.scores()).containsExactly(0.93);
      assertThat(coder.latents()).hasSize(1);
      assertThat(coder.latents().get(0).chosenAs()).containsExactly("best score", "densest");
      assertThat(coder.facts()).anySatisfy(f -> assertThat(f.name()).isEqualTo("explained"));
    }
  }

  @Test
  void theCommandPrintsThePage() throws Exception {
    StringWriter text = new StringWriter();
    StringWriter err = new StringWriter();
    String run = root.toString();
    assertThat(inspect(text, err, run, "3", "--color", "never")).isZero();
    assertThat(text.toString())
        .contains("layers.2 · latent 3", "detection 0.930", "«cat»", "promotes");
    StringWriter json = new StringWriter();
    assertThat(inspect(json, err, run, "3", "--json")).isZero();
    JsonNode node = Json.MAPPER.readTree(json.toString());
    assertThat(node.path("latent").asInt()).isEqualTo(3);
    assertThat(node.path("contexts").path(0).path("tokens")).hasSize(32);
    assertThat(err.toString()).isEmpty();
    assertThat(inspect(json, err, run, "12")).isEqualTo(2);
    assertThat(err.toString()).contains("latents 0 to 11").doesNotContain("Exception");
    assertThat(inspect(json, err, run + "/absent", "1")).isEqualTo(2);
  }

  @Test
  void aCoderAloneNeedsAModel(@TempDir Path elsewhere) {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.autoencoder(128, LATENTS, 2), 1)) {
      coder.save(elsewhere);
    }
    assertThatThrownBy(() -> LatentView.page(elsewhere, 1, Optional.empty(), Optional.empty()))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--model");
    LatentPage page = LatentView.page(elsewhere, 1, Optional.empty(), Optional.of("embedded"));
    assertThat(page.promoted()).hasSize(10);
    assertThat(page.contexts()).isEmpty();
  }

  private static int inspect(StringWriter out, StringWriter err, String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "inspect";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return Palimpsest.run(new PrintWriter(out, true), new PrintWriter(err, true), all);
  }
}
