package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
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

  /** A command that reads the model and the text, all but the place that {@code --out} names. */
  private String[] onText(String command, MiniRun mini) {
    return new String[] {
      command,
      mini.model().toString(),
      "--hookpoint",
      MiniRun.HOOKPOINT,
      "--data",
      mini.text().toString(),
      "--tokens",
      "512",
      "--ctx-len",
      "64",
      "--token-cache",
      folder.resolve("tokens").toString(),
      "--out"
    };
  }

  @Test
  void noFolderOfAnInputIsWrittenTo() throws IOException {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));
    assertThat(mini.everything().status()).isZero();
    Path cached = folder.resolve("cached");
    String[] caching = onText("cache-activations", mini);
    assertThat(TrainRuns.palimpsest(with(caching, cached)).status()).isZero();
    Path link = Files.createSymbolicLink(folder.resolve("link"), mini.model());
    String before = listing();
    String[] training = onText("train", mini);
    String[] running = {"run", mini.yaml().toString(), "--out"};
    String[] showing = {"demo", "--short", "--out"};
    for (Path out :
        List.of(
            mini.model(),
            mini.model().resolve("below/deep"),
            link,
            link.resolve("below"),
            mini.file("coder/" + MiniRun.HOOKPOINT),
            mini.file("coder"),
            mini.file("latents/" + MiniRun.HOOKPOINT),
            mini.file("stages/x"),
            cached.resolve("x"))) {
      for (String[] command : List.of(training, running, showing, caching)) {
        kept(out, TrainRuns.palimpsest(with(command, out)));
      }
    }
    for (String[] command : List.of(training, running, showing)) {
      kept(cached, TrainRuns.palimpsest(with(command, cached)));
    }
    kept(mini.model(), TrainRuns.palimpsest("bench", "make-model", mini.model().toString()));
    String[] elsewhere = with(training, folder.resolve("new"));
    elsewhere[11] = mini.model().toString();
    kept(mini.model(), TrainRuns.palimpsest(elsewhere));
    Path single = mini.model().resolve("more.safetensors");
    kept(
        single,
        TrainRuns.palimpsest(
            "encode",
            mini.file("coder/" + MiniRun.HOOKPOINT).toString(),
            "--input",
            mini.text().toString(),
            "--out",
            single.toString()));
    assertThat(listing()).isEqualTo(before);
    // What such a command has written before, it goes on with.
    assertThat(TrainRuns.palimpsest(with(caching, cached)).status()).isZero();
  }

  /** All files, with sizes and times. */
  private String listing() throws IOException {
    try (Stream<Path> tree = Files.walk(folder)) {
      StringBuilder text = new StringBuilder();
      for (Path file : tree.sorted().toList()) {
        text.append(file).append(' ').append(Files.getLastModifiedTime(file)).append('\n');
      }
      return text.toString();
    }
  }

  private static String[] with(String[] command, Path out) {
    String[] all = Arrays.copyOf(command, command.length + 1);
    all[command.length] = out.toString();
    return all;
  }

  private static void kept(Path out, Outcome outcome) {
    assertThat(outcome.status()).as(out + ": " + outcome.err()).isEqualTo(2);
    assertThat(outcome.err())
        .contains(out.toString())
        .contains("results need a place of their own");
    assertThat(outcome.err().lines()).hasSize(1);
  }

  private static void refused(Path out, Outcome outcome) {
    assertThat(outcome.status()).as(out + ": " + outcome.err()).isEqualTo(2);
    assertThat(outcome.err()).contains(out.toString());
    assertThat(outcome.err())
        .containsAnyOf("is an input of this command", "is a folder", "is a device or a pipe");
  }
}
