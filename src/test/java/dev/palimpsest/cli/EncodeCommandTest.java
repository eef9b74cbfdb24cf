package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code palimpsest encode} through the command line. */
class EncodeCommandTest {
  @TempDir private Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    return Palimpsest.run(new PrintWriter(out, true), new PrintWriter(err, true), arguments);
  }

  private static Path golden(String name) throws URISyntaxException {
    return Path.of(
        Objects.requireNonNull(EncodeCommandTest.class.getResource("/golden/sparsify/" + name))
            .toURI());
  }

  /**
   * The first batch of a recorded run; the loss of its trained coder there, here from the
   * definition.
   */
  @ParameterizedTest
  @ValueSource(strings = {"sae_adam", "sae_groupmax_adam", "skip_transcoder_adam"})
  void encodesWithARecordedCoder(String name) throws Exception {
    Path input = folder.resolve("in.safetensors");
    int size = 64 * 32;
    float[] y;
    try (SafeTensors trajectory =
        SafeTensors.open(golden(name).resolve("trajectory.safetensors"))) {
      y = Arrays.copyOf(trajectory.floats("y"), size);
      new SafeTensorsWriter()
          .add("x", new long[] {64, 32}, Arrays.copyOf(trajectory.floats("x"), size))
          .add("y", new long[] {64, 32}, y)
          .write(input);
    }
    Path output = folder.resolve("out.safetensors");
    int status =
        run(
            "encode",
            golden(name).resolve("layers.1.mlp").toString(),
            "--input",
            input.toString(),
            "--out",
            output.toString(),
            "--json");
    assertThat(err.toString().strip()).startsWith("device: ").doesNotContain("\n");
    assertThat(status).isZero();
    JsonNode result = Json.MAPPER.readTree(out.toString());
    assertThat(result.get("rows").asInt()).isEqualTo(64);
    assertThat(result.get("k").asInt()).isEqualTo(8);
    try (SafeTensors tensors = SafeTensors.open(output)) {
      tensors.expectShape("latent_acts", 64, 8);
      tensors.expectShape("latent_indices", 64, 8);
      tensors.expectShape("out", 64, 32);
      assertThat(tensors.info("latent_indices").dtype().name()).isEqualTo("I64");
      double fvu = fvu(tensors.floats("out"), y, 32);
      assertThat((double) tensors.floats("fvu")[0]).isCloseTo(fvu, within(1e-6));
      assertThat(result.get("fvu").asDouble()).isCloseTo(fvu, within(1e-6));
      assertThat(fvu).isLessThan(1);
    }
  }

  private static double fvu(float[] found, float[] target, int width) {
    double[] mean = new double[width];
    for (int i = 0; i < target.length; i++) {
      mean[i % width] += target[i] * (double) width / target.length;
    }
    double error = 0;
    double deviation = 0;
    for (int i = 0; i < target.length; i++) {
      error += Math.pow((double) found[i] - target[i], 2);
      deviation += Math.pow(target[i] - mean[i % width], 2);
    }
    return error / deviation;
  }

  @Test
  void badInputGivesOneLineAndNoFile() throws Exception {
    Path truncated = folder.resolve("truncated.safetensors");
    byte[] bytes = Files.readAllBytes(golden("sae_adam").resolve("layers.1.mlp/sae.safetensors"));
    Files.write(truncated, Arrays.copyOf(bytes, bytes.length / 2));
    String coder = golden("sae_adam").resolve("layers.1.mlp").toString();
    Path output = folder.resolve("out.safetensors");
    fails(1, "truncated.safetensors", coder, truncated, output);
    fails(2, "missing.safetensors", coder, folder.resolve("missing.safetensors"), output);
    fails(2, "no coder", folder.resolve("nowhere").toString(), truncated, output);
    assertThat(output).doesNotExist();

    Path input = folder.resolve("in.safetensors");
    new SafeTensorsWriter().add("x", new long[] {1, 32}, new float[32]).write(input);
    Path inTheWay = Files.writeString(folder.resolve("file"), "text");
    fails(1, "file", coder, input, inTheWay.resolve("out.safetensors"));

    Path tooFew = Files.createDirectories(folder.resolve("coder"));
    Files.write(tooFew.resolve("sae.safetensors"), bytes);
    Files.writeString(tooFew.resolve("cfg.json"), "{\"k\": 257, \"d_in\": 32}");
    fails(1, "k is 257", tooFew.toString(), input, output);
  }

  private void fails(int status, String message, String coder, Path input, Path output) {
    err.getBuffer().setLength(0);
    assertThat(run("encode", coder, "--input", input.toString(), "--out", output.toString()))
        .isEqualTo(status);
    assertThat(err.toString().strip()).contains(message).hasLineCount(1);
  }

  @Test
  void missingOptionsAreWrongUsage() {
    assertThat(run("encode", "somewhere")).isEqualTo(2);
    assertThat(err.toString()).contains("--input");
  }
}
