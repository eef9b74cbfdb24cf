package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.options;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Finite weights whose products are not: every command says where, and none ends well. */
class NotFiniteTest {
  @TempDir private static Path folder;
  private static Path model = Path.of("");
  private static Path coder = Path.of("");

  /** A model whose second MLP overflows, and a coder of the sound one. */
  @BeforeAll
  static void make() throws IOException {
    Path sound = ModelSource.resolve("embedded");
    model = Files.createDirectory(folder.resolve("model"));
    for (String name : List.of("config.json", "tokenizer.json")) {
      Files.copy(sound.resolve(name), model.resolve(name));
    }
    SafeTensorsWriter writer = new SafeTensorsWriter();
    int enlarged = 0;
    try (SafeTensors weights = SafeTensors.open(sound.resolve("model.safetensors"))) {
      for (String name : weights.names()) {
        float[] values = weights.floats(name);
        if (name.contains("layers.1.mlp.") && name.endsWith("weight")) {
          enlarged++;
          for (int i = 0; i < values.length; i++) {
            values[i] *= 1e30f;
          }
        }
        writer.add(name, weights.info(name).shape(), values);
      }
    }
    assertThat(enlarged).isGreaterThan(1);
    writer.write(model.resolve("model.safetensors"));
    Path run = folder.resolve("run");
    Outcome trained =
        palimpsest(
            options(
                folder.resolve("tokens"),
                run,
                "--hookpoint",
                "layers.2.mlp",
                "--transcode",
                "--num-latents",
                "32",
                "--k",
                "4",
                "--tokens",
                "600"));
    assertThat(trained.status()).as(trained.err()).isZero();
    coder = run.resolve("coder/layers.2.mlp");
  }

  @Test
  void evalNamesTheModuleThatOverflows() {
    Outcome outcome =
        palimpsest(
            "eval", coder.toString(), "--model", model.toString(), "--tokens", "512", "--quiet");
    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err()).contains("not finite", "layers.1.mlp").hasLineCount(1);
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  void whatReadsLatentsNamesTheModuleThatOverflows() {
    try (Tokenizer tokenizer = Tokenizer.load(model);
        LanguageModel bad = LanguageModel.load(model, Device.cpu());
        SparseCoder loaded = SparseCoder.load(coder)) {
      Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, folder.resolve("tokens"));
      LatentStream stream =
          new LatentStream(bad, loaded, "layers.2.mlp", true, ExcludedTokens.none());
      assertThatThrownBy(
              () ->
                  stream.run(corpus.windows(Split.EXPLAIN, 32), new long[] {0, 1}, 2, batch -> {}))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("not finite")
          .hasMessageContaining("layers.1.mlp");
    }
  }

  @Test
  void encodeNamesTheNumberOfItsInput() {
    int width = 0;
    try (SparseCoder loaded = SparseCoder.load(coder)) {
      width = loaded.config().width();
    }
    float[] rows = new float[3 * width];
    rows[width + 2] = Float.POSITIVE_INFINITY;
    Path input = folder.resolve("in.safetensors");
    new SafeTensorsWriter().add("x", new long[] {3, width}, rows).write(input);
    Path output = folder.resolve("out.safetensors");
    Outcome outcome =
        palimpsest(
            "encode",
            coder.toString(),
            "--input",
            input.toString(),
            "--out",
            output.toString(),
            "--quiet");
    assertThat(outcome.status()).isEqualTo(1);
    assertThat(outcome.err())
        .contains("in.safetensors", "'x'", "Infinity at element " + (width + 2))
        .hasLineCount(1);
    assertThat(output).doesNotExist();
  }
}
