package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A result never takes the place of what it is made from, or of anything but a file. */
final class OutputsKeepInputsTest {
  @TempDir private Path folder;

  @Test
  void activationsDoNotReplaceTheModelOrTheirInput() throws IOException {
    Path model = folder.resolve("model");
    MiniRun.copyTree(ModelSource.resolve(ModelSource.EMBEDDED), model);
    Path input = Files.writeString(folder.resolve("ids.safetensors"), "ids");
    for (Path out :
        List.of(
            model.resolve("model.safetensors"),
            model.resolve("config.json"),
            input,
            model,
            Path.of("/dev/null"))) {
      refused(
          out,
          TrainRuns.palimpsest(
              "activations",
              model.toString(),
              "--input",
              input.toString(),
              "--hookpoint",
              "layers.1.mlp",
              "--out",
              out.toString()));
    }
    assertThat(input).hasContent("ids");
  }

  @Test
  void encodeDoesNotReplaceTheCoderOrItsInput() throws IOException {
    Path coder = folder.resolve("coder");
    try (SparseCoder made = SparseCoder.initialise(CoderConfig.autoencoder(16, 8, 2), 1)) {
      made.save(coder);
    }
    byte[] weights = Files.readAllBytes(coder.resolve("sae.safetensors"));
    Path input = Files.writeString(folder.resolve("x.safetensors"), "x");
    Path link = Files.createSymbolicLink(folder.resolve("link"), input);
    for (Path out :
        List.of(coder.resolve("sae.safetensors"), coder.resolve("cfg.json"), input, link)) {
      refused(
          out,
          TrainRuns.palimpsest(
              "encode", coder.toString(), "--input", input.toString(), "--out", out.toString()));
    }
    assertThat(coder.resolve("sae.safetensors")).hasBinaryContent(weights);
    assertThat(input).hasContent("x");
  }

  private static void refused(Path out, Outcome outcome) {
    assertThat(outcome.status()).as(out + ": " + outcome.err()).isEqualTo(2);
    assertThat(outcome.err()).contains(out.toString());
    assertThat(outcome.err())
        .containsAnyOf("is an input of this command", "is a folder", "is a device or a pipe");
  }
}
