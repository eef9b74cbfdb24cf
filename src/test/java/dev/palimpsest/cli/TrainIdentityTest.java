package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.lasting;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a run of training is: its settings and the content of its model and text; and its length.
 */
class TrainIdentityTest {
  @TempDir Path folder;
  private Path model = Path.of(".");
  private Path text = Path.of(".");

  @BeforeEach
  void makeInputs() throws IOException {
    model = TinyTraining.model(folder.resolve("model"));
    text = TinyTraining.tokens(folder.resolve("text.bin"), 8000, 0);
  }

  /** As a kill after a checkpoint in the midst leaves a run. */
  private Path interrupted(String name, String... more) throws IOException {
    Path out = folder.resolve(name);
    assertThat(TinyTraining.train(model.toString(), text, out, more).status()).isZero();
    Files.delete(out.resolve("training.json"));
    remove(out.resolve("coder"));
    remove(out.resolve("checkpoints/step-000000000024"));
    return out;
  }

  @Test
  void otherWeightsAtTheSamePlaceAreRefused() throws IOException {
    Path out = interrupted("run");
    TinyTraining.change(model, "layers.0.mlp.dense_h_to_4h.weight", 0.5f);
    Map<String, String> before = everything(out);
    Outcome outcome = TinyTraining.train(model.toString(), text, out);
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("the model's model.safetensors", "--overwrite")
        .hasLineCount(1);
    assertThat(everything(out)).isEqualTo(before);
    // A finished run of the old weights is not passed off as one of the new.
    Path finished = folder.resolve("finished");
    assertThat(TinyTraining.train(model.toString(), text, finished).status()).isZero();
    TinyTraining.change(model, "layers.0.mlp.dense_h_to_4h.weight", 0.5f);
    assertThat(TinyTraining.train(model.toString(), text, finished).status()).isEqualTo(2);
    assertThat(TinyTraining.train(model.toString(), text, finished, "--overwrite").status())
        .isZero();
  }

  @Test
  void otherTextAtTheSamePlaceIsRefused() throws IOException {
    Path out = interrupted("run");
    TinyTraining.tokens(text, 8000, 1);
    Map<String, String> before = everything(out);
    Outcome outcome = TinyTraining.train(model.toString(), text, out);
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("the text").hasLineCount(1);
    assertThat(everything(out)).isEqualTo(before);
  }

  @Test
  void theSameModelUnderAnotherNameGoesOn() throws IOException {
    Path whole = folder.resolve("whole");
    assertThat(TinyTraining.train(model.toString(), text, whole).status()).isZero();
    Path link = Files.createSymbolicLink(folder.resolve("link"), model);
    Path relative = Path.of("").toAbsolutePath().relativize(model);
    Path copy = TinyTraining.model(folder.resolve("copy"));
    Path moved = Files.copy(text, folder.resolve("moved.bin"));
    for (String spelled :
        List.of(model + "/", link.toString(), relative.toString(), copy.toString())) {
      Path out = interrupted("run" + Integer.toHexString(spelled.hashCode()));
      Outcome outcome = TinyTraining.train(spelled, moved, out);
      assertThat(outcome.status()).as(spelled + outcome.err()).isZero();
      assertThat(outcome.json().get("resumed_from_step").asLong()).isEqualTo(20);
      assertThat(lasting(out)).isEqualTo(lasting(whole));
      JsonNode config = Json.readYaml(out.resolve("config.yaml"), JsonNode.class);
      assertThat(Path.of(config.get("model").asText())).isAbsolute();
      assertThat(config.at("/data/files/0").asText()).isEqualTo(moved.toString());
    }
  }

  @Test
  void anExperimentThatNeedsWordsIsRefusedBeforeItTrains() throws IOException {
    Path yaml =
        Files.writeString(
            folder.resolve("wordless.yaml"),
            """
            model: %s
            data: {files: [%s], token_dtype: u16, end_of_text: %d}
            coders: [{hookpoint: layers.1.mlp, num_latents: 32, k: 4}]
            train: {tokens: 480, batch_tokens: 20, context_length: 8}
            """
                .formatted(model, text, TinyTraining.MARK));
    Path out = folder.resolve("wordless");
    Outcome outcome = palimpsest("run", yaml.toString(), "--out", out.toString(), "--quiet");
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err())
        .contains("tokenizer.json", "explain, score, simulate, rewrite, report need")
        .hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  @Test
  void whatItWasToldIsRecordedAndReadByLaterStages() throws IOException {
    Path wide = folder.resolve("wide.bin");
    byte[] narrow = Files.readAllBytes(text);
    byte[] bytes = new byte[2 * narrow.length];
    for (int i = 0; i < narrow.length; i += 2) {
      bytes[2 * i] = narrow[i];
      bytes[2 * i + 1] = narrow[i + 1];
    }
    Files.write(wide, bytes);
    Path out = folder.resolve("told");
    Outcome trained =
        TinyTraining.train(
            model.toString(), wide, out, "--token-dtype", "u32", "--tokens", "4.8e2");
    assertThat(trained.status()).as(trained.err()).isZero();
    JsonNode config = Json.readYaml(out.resolve("config.yaml"), JsonNode.class);
    assertThat(config.at("/data/token_dtype").asText()).isEqualTo("u32");
    assertThat(config.at("/data/end_of_text").asText()).isEqualTo("" + TinyTraining.MARK);
    assertThat(config.at("/train/tokens").asLong()).isEqualTo(480);
    assertThat(config.at("/coders/0/num_latents").asInt()).isEqualTo(32);

    // The model has no tokenizer: the cache needs none, and reads the ids as training did.
    Outcome cached =
        palimpsest(
            "cache",
            out.toString(),
            "--quiet",
            "--json",
            "--threads",
            "1",
            "--set",
            "cache.context_length=8",
            "--set",
            "explain.window_length=8");
    assertThat(cached.status()).as(cached.err()).isZero();
    JsonNode header = Json.read(out.resolve("latents/layers.1.mlp/config.json"), JsonNode.class);
    assertThat(header.toString()).contains("explain");
    Outcome explained = palimpsest("explain", out.toString(), "--quiet", "--threads", "1");
    assertThat(explained.status()).isEqualTo(2);
    assertThat(explained.err()).contains("tokenizer.json").hasLineCount(1);
  }

  @Test
  void theSameTextTwiceIsReadOnceAndSaidSoOnce() throws IOException {
    Path once = folder.resolve("once");
    Path twice = folder.resolve("twice");
    Path copy = Files.copy(text, folder.resolve("copy.bin"));
    assertThat(TinyTraining.train(model.toString(), text, once).status()).isZero();
    Outcome outcome =
        TinyTraining.trainAloud(
            model.toString(), text, twice, "--data", text.toString(), copy.toString());
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.err()).containsOnlyOnce("copy.bin: the same text as");
    assertThat(lasting(twice)).isEqualTo(lasting(once));
  }

  @Test
  void howWindowsAreCutIsRecordedAndPartOfTheRun() throws IOException {
    Path out = folder.resolve("cut");
    String[] cut = {"--bos-every-window", "--within-documents", "--ctx-len", "4"};
    Outcome outcome = TinyTraining.train(model.toString(), text, out, cut);
    assertThat(outcome.status()).as(outcome.err()).isZero();
    JsonNode config = Json.readYaml(out.resolve("config.yaml"), JsonNode.class);
    assertThat(config.at("/data/bos_every_window").asBoolean()).isTrue();
    assertThat(config.at("/data/within_documents").asBoolean()).isTrue();
    Outcome other = TinyTraining.train(model.toString(), text, out, "--ctx-len", "4");
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("the text").hasLineCount(1);
  }

  @Test
  void oneCoderUnderTwoNamesIsRefusedAndPatternsAreExpanded() throws IOException {
    Path twice = folder.resolve("twice");
    Outcome refused =
        TinyTraining.train(
            model.toString(), text, twice, "--hookpoint", "layers.1.mlp", "gpt_neox.layers.1.mlp");
    assertThat(refused.status()).isEqualTo(2);
    assertThat(refused.err()).contains("layers.1.mlp is named twice", "gpt_neox.").hasLineCount(1);
    assertThat(twice).doesNotExist();

    Path pattern = folder.resolve("pattern");
    Outcome outcome =
        TinyTraining.train(
            model.toString(),
            text,
            pattern,
            "--hookpoint",
            "layers.*.mlp",
            "gpt_neox.layers.1.mlp");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.json().get("per_coder")).hasSize(3);
    for (int layer = 0; layer < 3; layer++) {
      assertThat(pattern.resolve("coder/layers." + layer + ".mlp/cfg.json")).exists();
    }

    Outcome none =
        TinyTraining.train(
            model.toString(), text, folder.resolve("none"), "--hookpoint", "layers.*.head");
    assertThat(none.status()).isEqualTo(2);
    assertThat(none.err()).contains("layers.*.head").hasLineCount(1);
    assertThat(folder.resolve("none")).doesNotExist();
  }

  @Test
  void aRunWithAConstantRateIsExtended() throws IOException {
    // An autoencoder's decoder rows are brought to unit norm after every update but the last.
    for (String kind : List.of("--transcode", "--transcode=false")) {
      String name = kind.substring(2);
      Path whole = folder.resolve("whole-" + name);
      Path grown = folder.resolve("grown-" + name);
      assertThat(trainSignum(whole, "720", kind).status()).isZero();
      assertThat(trainSignum(grown, "480", kind).status()).isZero();
      Outcome longer = trainSignum(grown, "720", kind);
      assertThat(longer.status()).as(longer.err()).isZero();
      assertThat(longer.json().get("resumed_from_step").asLong()).isEqualTo(24);
      assertThat(longer.json().get("steps").asLong()).isEqualTo(36);
      assertThat(coders(grown)).isEqualTo(coders(whole));
      assertThat(TrainRuns.metrics(grown)).hasSize(36);
      Outcome shorter = trainSignum(grown, "480", kind);
      assertThat(shorter.status()).isEqualTo(2);
      assertThat(shorter.err()).contains("720", "480").hasLineCount(1);
    }
  }

  private Outcome trainSignum(Path out, String tokens, String kind) {
    return TinyTraining.train(
        model.toString(), text, out, "--optimizer", "signum", "--tokens", tokens, kind);
  }

  @Test
  void aRunWhoseRateFallsIsNot() throws IOException {
    Path out = folder.resolve("adam");
    assertThat(TinyTraining.train(model.toString(), text, out).status()).isZero();
    Map<String, String> before = everything(out);
    Outcome longer = TinyTraining.train(model.toString(), text, out, "--tokens", "720");
    assertThat(longer.status()).isEqualTo(2);
    assertThat(longer.err()).contains("480", "720", "adam", "extended", "signum").hasLineCount(1);
    assertThat(everything(out)).isEqualTo(before);
  }

  private static Map<String, String> coders(Path out) throws IOException {
    Map<String, String> coders = lasting(out);
    coders.keySet().removeIf(name -> !name.startsWith("coder/"));
    return coders;
  }

  /** Every file with its content. */
  private static Map<String, String> everything(Path out) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(out)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        files.put(
            file.toString(), Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1));
      }
    }
    return files;
  }

  private static void remove(Path path) throws IOException {
    try (Stream<Path> all = Files.walk(path)) {
      for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
