package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.cli.Palimpsest;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Which text feeds what. A small experiment is run on one text, and again on texts in which the
 * documents of one split alone are others: only what may be made from that split may come out
 * differently, and it must.
 */
class WiringTest {
  private static final String HOOKPOINT = "layers.2.mlp";
  private static final int DOCUMENTS = 300;
  private static final int CONTEXT = 64;

  private static final String EXPERIMENT =
      """
      name: wiring
      model: embedded
      threads: 1
      data: {files: ["TEXT"]}
      coders: [{hookpoint: layers.2.mlp, transcode: true, skip_connection: true, num_latents: 64, k: 4}]
      train: {tokens: 12288, batch_tokens: 512, context_length: 64, lr: "0.003", eval_tokens: 512}
      cache: {tokens: 8192, context_length: 64}
      score: {tokens: 4096, windows: 20}
      simulate: {calibration_tokens: 2048}
      rewrite:
        calibrations: [conditional-mean]
        fractions: [1.0]
        selections: [best]
        reselect: [false]
        all_tokens: {context_length: 64, windows: 0}
        last_token: {enabled: false}
        resamples: 50
      report: {latents: 3}
      """;

  @TempDir private static Path folder;

  private static List<String> stories = List.of();
  private static Map<String, Split> splits = Map.of();
  private static Products base;

  /** What a run leaves, each part made from other text. */
  private record Products(
      Path run,
      String coder,
      String explanations,
      String scores,
      String calibrations,
      JsonNode rewrite) {
    static Products of(Path run) {
      return new Products(
          run,
          tensors(run.resolve("coder/" + HOOKPOINT + "/sae.safetensors")),
          text(run.resolve("explanations/" + HOOKPOINT + ".jsonl")),
          lines(run.resolve("scores/" + HOOKPOINT + ".jsonl"), "latent", "balanced_accuracy"),
          lines(run.resolve("simulations/" + HOOKPOINT + ".all-tokens.jsonl"), "output", "latent"),
          Json.read(run.resolve("rewrite.json"), JsonNode.class));
    }

    double loss(String baseline) {
      return rewrite.path("baselines").path(baseline).path("ce").asDouble();
    }

    /** The loss with all latents rewritten in words. */
    double words() {
      return rewrite.path("rewrites").path(0).path("ce").asDouble();
    }
  }

  @BeforeAll
  static void runOnce() throws IOException {
    stories = new ArrayList<>();
    try (var stream = WiringTest.class.getResourceAsStream("/embedded/stories.jsonl")) {
      String all = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : all.lines().toList()) {
        if (!stories.contains(line) && stories.size() < 4 * DOCUMENTS) {
          stories.add(line);
        }
      }
    }
    splits = splitsOf(stories);
    base = run("base", stories.subList(0, DOCUMENTS));
  }

  /** The split of every document that is not cut off at its split's end, found by its tokens. */
  private static Map<String, Split> splitsOf(List<String> documents) throws IOException {
    Path file = Files.write(folder.resolve("all.jsonl"), documents);
    Map<String, Split> found = new HashMap<>();
    try (Tokenizer tokenizer = Tokenizer.load(ModelSource.resolve("embedded"))) {
      Map<List<Integer>, String> byTokens = new HashMap<>();
      for (String document : documents) {
        String story = Json.MAPPER.readTree(document).path("text").asText();
        byTokens.put(boxed(tokenizer.encode(story)), document);
      }
      Corpus corpus = Corpus.open(List.of(file.toString()), tokenizer, 0, folder.resolve("tokens"));
      for (Split split : Split.values()) {
        TokenWindows windows = corpus.windows(split, CONTEXT);
        List<Integer> current = new ArrayList<>();
        for (long w = 0; w < windows.size(); w++) {
          for (int token : windows.read(w)) {
            if (token == corpus.separator()) {
              if (byTokens.containsKey(current)) {
                found.put(byTokens.get(current), split);
              }
              current = new ArrayList<>();
            } else {
              current.add(token);
            }
          }
        }
      }
    }
    return found;
  }

  private static List<Integer> boxed(int[] tokens) {
    return Arrays.stream(tokens).boxed().toList();
  }

  private static Products run(String name, List<String> documents) throws IOException {
    Path text = Files.write(folder.resolve(name + ".jsonl"), documents);
    Path experiment =
        Files.writeString(
            folder.resolve(name + ".yaml"), EXPERIMENT.replace("TEXT", text.toString()));
    Path out = folder.resolve(name);
    StringWriter err = new StringWriter();
    int exit =
        Palimpsest.run(
            new PrintWriter(new StringWriter()),
            new PrintWriter(err, true),
            "run",
            experiment.toString(),
            "--out",
            out.toString(),
            "--quiet");
    assertThat(exit).as(err.toString()).isZero();
    return Products.of(out);
  }

  /** The text with every document of a split replaced by another one of that split. */
  private static List<String> withOthersIn(Split changed) {
    List<String> spare =
        new ArrayList<>(
            stories.subList(DOCUMENTS, stories.size()).stream()
                .filter(story -> splits.get(story) == changed)
                .toList());
    List<String> documents = new ArrayList<>(stories.subList(0, DOCUMENTS));
    int replaced = 0;
    for (int i = 0; i < documents.size(); i++) {
      if (splits.get(documents.get(i)) == changed && !spare.isEmpty()) {
        documents.set(i, spare.remove(0));
        replaced++;
      }
    }
    assertThat(replaced).as("documents of %s", changed).isGreaterThan(4);
    return documents;
  }

  @ParameterizedTest
  @EnumSource(Split.class)
  void eachSplitFeedsWhatItMayAndNothingElse(Split changed) throws IOException {
    Products now = run(changed.name(), withOthersIn(changed));

    assertChanged("coder", base.coder(), now.coder(), changed == Split.TRAIN);
    boolean words = changed == Split.TRAIN || changed == Split.EXPLAIN;
    assertChanged("explanations", base.explanations(), now.explanations(), words);
    assertChanged("scores", base.scores(), now.scores(), words || changed == Split.SCORE);
    assertChanged(
        "calibrations",
        base.calibrations(),
        now.calibrations(),
        words || changed == Split.CALIBRATE);
    assertChanged(
        "untouched loss", base.loss("unspliced"), now.loss("unspliced"), changed == Split.EVALUATE);
    assertChanged(
        "mean output",
        base.loss("mean_output") - base.loss("unspliced"),
        now.loss("mean_output") - now.loss("unspliced"),
        changed == Split.CALIBRATE || changed == Split.EVALUATE);
    assertChanged("words", base.words(), now.words(), changed != Split.SCORE);
  }

  private static void assertChanged(String what, Object before, Object now, boolean expected) {
    if (expected) {
      assertThat(now).as("%s come from that split", what).isNotEqualTo(before);
    } else {
      assertThat(now).as("%s do not come from that split", what).isEqualTo(before);
    }
  }

  @Test
  void lossesAreThoseOfTheEvaluateSplitAveragedOverTokens() {
    Path losses = base.run().resolve("rewrites/" + HOOKPOINT + ".all-tokens.losses.safetensors");
    try (SafeTensors file = SafeTensors.open(losses);
        Tokenizer tokenizer = Tokenizer.load(ModelSource.resolve("embedded"));
        LanguageModel model = LanguageModel.load(ModelSource.resolve("embedded"), Device.cpu())) {
      assertThat(model.config().vocabularySize()).isEqualTo(tokenizer.vocabularySize());
      float[] ce = file.floats("ce");
      int windows = (int) file.info("ce").shape()[1];
      long[] tokens = file.longs("tokens");
      assertThat(IntStream.range(0, windows).mapToObj(w -> tokens[w]).distinct().count())
          .as("windows count different numbers of tokens, so that the two means differ")
          .isGreaterThan(1);
      double sum = 0;
      double counted = 0;
      for (int w = 0; w < windows; w++) {
        sum += (double) ce[w] * tokens[w];
        counted += tokens[w];
      }
      assertThat(base.loss("unspliced")).isCloseTo(sum / counted, within(1e-6));
    }
  }

  /**
   * With two texts there is one way to exchange them. So a run with the texts exchanged by hand
   * must find as its words what the other run found as its shuffled ones, calibrated anew, and the
   * other way round.
   */
  @Test
  void shuffledExplanationsAreTheExchangedOnes() throws IOException {
    List<String> texts =
        text(base.run().resolve("explanations/" + HOOKPOINT + ".jsonl")).lines().toList();
    ObjectNode one = (ObjectNode) Json.MAPPER.readTree(texts.get(0));
    ObjectNode other = (ObjectNode) Json.MAPPER.readTree(texts.get(texts.size() - 1));
    Products right = withTexts("right", one, other);
    ObjectNode oneExchanged = one.deepCopy().set("text", other.get("text"));
    ObjectNode otherExchanged = other.deepCopy().set("text", one.get("text"));
    Products exchanged = withTexts("exchanged", oneExchanged, otherExchanged);

    assertThat(right.words()).isNotEqualTo(exchanged.words());
    assertThat(right.loss("shuffled_explanations")).isCloseTo(exchanged.words(), within(1e-9));
    assertThat(exchanged.loss("shuffled_explanations")).isCloseTo(right.words(), within(1e-9));
    assertThat(right.loss("shuffled_explanations_unrefitted"))
        .isNotEqualTo(right.loss("shuffled_explanations"))
        .isNotEqualTo(right.words());
  }

  /** The base run with two explanations and no others. */
  private static Products withTexts(String name, ObjectNode one, ObjectNode other)
      throws IOException {
    run(name, stories.subList(0, DOCUMENTS));
    Path out = folder.resolve(name);
    Files.writeString(
        out.resolve("explanations/" + HOOKPOINT + ".jsonl"),
        Json.line(one) + "\n" + Json.line(other) + "\n");
    return run(name, stories.subList(0, DOCUMENTS));
  }

  private static String tensors(Path file) {
    StringBuilder all = new StringBuilder();
    try (SafeTensors tensors = SafeTensors.open(file)) {
      for (String name : tensors.names()) {
        all.append(name).append(Arrays.hashCode(tensors.floats(name))).append('\n');
      }
    }
    return all.toString();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** The lines that have one of the keys: results, without what says how they were made. */
  private static String lines(Path file, String... keys) {
    StringBuilder all = new StringBuilder();
    for (String line : text(file).lines().toList()) {
      try {
        if (Json.MAPPER.readTree(line) instanceof ObjectNode object
            && Arrays.stream(keys).anyMatch(object::has)) {
          all.append(line).append('\n');
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
    return all.toString();
  }
}
