package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.options;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.palimpsest.base.Json;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Devices;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --device} through the command line. */
class DeviceOptionsTest {
  @TempDir private Path folder;

  private String[] encode(String... more) {
    Path coder = folder.resolve("coder");
    Path input = folder.resolve("in.safetensors");
    try (SparseCoder saved = SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1)) {
      saved.save(coder);
    }
    new SafeTensorsWriter().add("x", new long[] {3, 4}, new float[12]).write(input);
    List<String> options =
        new java.util.ArrayList<>(
            List.of("encode", coder.toString(), "--input", input.toString(), "--out"));
    options.add(folder.resolve("out.safetensors").toString());
    options.addAll(List.of(more));
    return options.toArray(String[]::new);
  }

  @Test
  void aGpuThatIsNotThereIsNeverReplaced() {
    assumeTrue(Devices.missing().isPresent(), "this machine has a GPU");
    for (String[] command :
        List.of(
            encode("--device", "cuda"),
            options(folder, folder.resolve("run"), "--hookpoint", "layers.2", "--device", "cuda"),
            new String[] {"eval", folder.resolve("coder").toString(), "--device", "cuda"},
            new String[] {
              "demo", "--short", "--out", folder.resolve("demo").toString(), "--device", "cuda"
            })) {
      Outcome outcome = palimpsest(command);
      assertThat(outcome.status()).as(outcome.err()).isEqualTo(3);
      assertThat(outcome.out()).isEmpty();
      assertThat(outcome.err().strip())
          .startsWith("palimpsest: no CUDA device can be used: ")
          .doesNotContain("\n");
    }
    assertThat(folder.resolve("out.safetensors")).doesNotExist();
    assertThat(folder.resolve("run")).doesNotExist();
    assertThat(folder.resolve("demo")).doesNotExist();
  }

  @Test
  void whatWasChosenIsSaid() {
    Outcome outcome = palimpsest(encode());
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.err().lines().findFirst().orElse(""))
        .startsWith("device: ")
        .contains(Devices.missing().isPresent() ? "cpu " : "cuda ");
    assertThat(palimpsest(encode("--device", "cpu")).err().strip())
        .startsWith("device: cpu ")
        .doesNotContain("doctor");
    assertThat(palimpsest(encode("--quiet")).err()).isEmpty();
  }

  @Test
  void theEnvironmentNamesTheDevice() throws Exception {
    Path out = folder.resolve("run");
    Outcome outcome =
        palimpsest(
            options(
                folder,
                out,
                "--hookpoint",
                "layers.2",
                "--device",
                "cpu",
                "--tokens",
                "600",
                "--num-latents",
                "32"));
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(Files.readString(out.resolve("config.yaml"))).contains("device: \"cpu\"");
    assertThat(
            Json.MAPPER
                .readTree(out.resolve("environment.json").toFile())
                .path("libraries")
                .path("device")
                .asText())
        .startsWith("cpu ");
    assertThat(outcome.json().path("peak_device_bytes").isNull()).isTrue();
  }

  @Test
  void wordsThatAreNotKnownAreNamed() {
    Outcome device = palimpsest(encode("--device", "tpu"));
    assertThat(device.status()).isEqualTo(2);
    assertThat(device.err()).contains("unknown device 'tpu'", "cpu, cuda, auto");
    Outcome precision = palimpsest(encode("--precision", "fp8"));
    assertThat(precision.status()).isEqualTo(2);
    assertThat(precision.err()).contains("unknown precision 'fp8', expected one of bf16, fp32");
  }
}
