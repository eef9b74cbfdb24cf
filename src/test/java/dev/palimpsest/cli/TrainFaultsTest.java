package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.metrics;
import static dev.palimpsest.cli.TrainRuns.options;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} where its numbers are undefined, not finite, or worthless. */
class TrainFaultsTest {
  /** The end-of-text id of the reference checkpoints' text here. */
  private static final int MARK = 3;

  @TempDir static Path shared;
  @TempDir Path folder;

  private static Outcome train(Path out, String... more) {
    return palimpsest(options(shared.resolve("tokens"), out, more));
  }

  /** A run on a tiny model and token file. */
  private Outcome trainTiny(Path model, Path text, Path out, String... more) {
    String[] always = {
      "--data",
      text.toString(),
      "--token-dtype",
      "u16",
      "--end-of-text",
      "" + MARK,
      "--num-latents",
      "32",
      "--k",
      "4",
      "--ctx-len",
      "8",
      "--eval-tokens",
      "64"
    };
    String[] all = java.util.Arrays.copyOf(always, always.length + more.length);
    System.arraycopy(more, 0, all, always.length, more.length);
    String[] complete = options(shared.resolve("tokens"), out, all);
    complete[1] = model.toString();
    return palimpsest(complete);
  }

  private Path tokens(int length, int everyMark) throws IOException {
    ByteBuffer ids = ByteBuffer.allocate(2 * length).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < length; i++) {
      ids.putShort((short) (i % everyMark == 0 ? MARK : 4 + i * i % 90));
    }
    return Files.write(folder.resolve("text.bin"), ids.array());
  }

  @Test
  void batchesWithoutVarianceHaveNoFvu() throws IOException {
    Path out = folder.resolve("ones");
    // One token a step: no variance; where it is the mark, which is excluded, no row at all.
    Outcome outcome =
        trainTiny(
            TestModels.golden("gpt_neox"),
            tokens(4000, 9),
            out,
            "--hookpoint",
            "layers.0",
            "--batch-tokens",
            "1",
            "--tokens",
            "40");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    List<JsonNode> lines = metrics(out);
    assertThat(lines).hasSize(40);
    int withoutRows = 0;
    for (JsonNode line : lines) {
      assertThat(line.has("fvu")).isTrue();
      assertThat(line.get("fvu").isNull()).as("%s", line).isTrue();
      assertThat(line.get("coders").get(0).get("fvu").isNull()).isTrue();
      withoutRows += line.get("l0").isNull() ? 1 : 0;
    }
    assertThat(withoutRows).isBetween(1, 39);
    assertThat(Files.readString(out.resolve("metrics.jsonl"))).doesNotContain("NaN", "Infinity");
    assertThat(outcome.out()).doesNotContain("NaN");
  }

  @Test
  void aRunOfEqualTokensIsNotCalledDiverged() throws IOException {
    // Documents of one token repeated, of different lengths, so that they are different documents.
    ByteBuffer ids = ByteBuffer.allocate(2 * 80 * 140).order(ByteOrder.LITTLE_ENDIAN);
    for (int document = 0; document < 80; document++) {
      ids.putShort((short) MARK);
      for (int i = 0; i < 60 + document; i++) {
        ids.putShort((short) 7);
      }
    }
    ids.flip();
    Path text =
        Files.write(
            folder.resolve("padding.bin"), java.util.Arrays.copyOf(ids.array(), ids.limit()));
    Path out = folder.resolve("padding");
    // The positions' states are equal, or differ by rounding alone.
    Outcome outcome =
        trainTiny(
            TestModels.golden("gpt_neox"),
            text,
            out,
            "--hookpoint",
            "layers.0",
            "--batch-tokens",
            "6",
            "--tokens",
            "60");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(Files.readString(out.resolve("metrics.jsonl"))).doesNotContain("NaN", "Infinity");
  }

  @Test
  void weightsThatAreNoNumbersAreNamed() throws IOException {
    Path model = Files.createDirectory(folder.resolve("model"));
    Path golden = TestModels.golden("gpt_neox");
    Files.copy(golden.resolve("config.json"), model.resolve("config.json"));
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors weights = SafeTensors.open(golden.resolve("model.safetensors"))) {
      for (String name : weights.names()) {
        float[] values = weights.floats(name);
        if (name.endsWith("layers.1.mlp.dense_4h_to_h.weight")) {
          values[5] = Float.NaN;
        }
        writer.add(name, weights.info(name).shape(), values);
      }
    }
    writer.write(model.resolve("model.safetensors"));
    // The hook before the fault sees it when the held-out loss is taken, the hook after it at once.
    for (String hookpoint : List.of("layers.0", "layers.1.mlp")) {
      Path out = folder.resolve("bad-" + hookpoint);
      Outcome outcome = trainTiny(model, tokens(8000, 9), out, "--hookpoint", hookpoint);
      assertThat(outcome.status()).isEqualTo(1);
      assertThat(outcome.err()).contains("layers.1.mlp", "NaN").hasLineCount(1);
      assertThat(outcome.err()).doesNotContain("diverged");
      assertThat(out.resolve("coder")).doesNotExist();
    }
  }

  @Test
  void aDivergedRunFailsAndKeepsItsMetrics() throws IOException {
    for (String rate : List.of("1e6", "1e30")) {
      Path out = folder.resolve("diverged-" + rate);
      Outcome outcome = train(out, "--hookpoint", "layers.2.mlp", "--transcode", "--lr", rate);
      assertThat(outcome.status()).isEqualTo(1);
      assertThat(outcome.err()).contains("layers.2.mlp", "diverged").hasLineCount(1);
      assertThat(outcome.err()).containsAnyOf("above 1e+06", "NaN", "Infinity");
      assertThat(outcome.out()).isEmpty();
      List<JsonNode> lines = metrics(out);
      assertThat(lines).hasSizeBetween(2, 23);
      JsonNode last = lines.get(lines.size() - 1).get("fvu");
      assertThat(last.isNull() || last.asDouble() > 1e6).as("%s", last).isTrue();
      assertThat(Files.readString(out.resolve("metrics.jsonl"))).doesNotContain("NaN", "Infinity");
      assertThat(out.resolve("coder")).doesNotExist();
    }
  }

  @Test
  void aHeldOutFvuAboveOneIsWarnedOfAndFarAboveItFails() throws IOException {
    Path warned = folder.resolve("warned");
    Outcome outcome = train(warned, "--hookpoint", "layers.2.mlp", "--lr", "0.3");
    assertThat(outcome.status()).as(outcome.err()).isZero();
    JsonNode json = outcome.json();
    assertThat(json.get("fvu").asDouble()).isBetween(1.0, 100.0);
    assertThat(json.get("warnings")).hasSize(1);
    assertThat(json.get("warnings").get(0).asText()).contains("layers.2.mlp", "above 1");
    List<JsonNode> lines = metrics(warned);
    assertThat(lines.get(23).get("warning").asText()).contains("above 1");
    assertThat(lines.get(22).has("warning")).isFalse();

    Path failed = folder.resolve("failed");
    for (int attempt = 0; attempt < 2; attempt++) {
      Outcome worse = train(failed, "--hookpoint", "layers.2.mlp", "--lr", "3");
      assertThat(worse.status()).as(worse.err() + worse.out()).isEqualTo(1);
      assertThat(worse.err()).contains("diverged", "above 100").hasLineCount(1);
      assertThat(failed.resolve("coder")).doesNotExist();
    }
  }
}
