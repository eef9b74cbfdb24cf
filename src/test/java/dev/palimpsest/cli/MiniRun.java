package dev.palimpsest.cli;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.model.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;

/** An experiment of a second or two with a model and a text of its own, which may be changed. */
final class MiniRun {
  static final String HOOKPOINT = "layers.2.mlp";

  private static final String SETTINGS =
      """
      name: mini
      model: %s
      data:
        files: [%s]
      coders:
        - hookpoint: layers.2.mlp
          transcode: true
          skip_connection: true
          num_latents: 32
          k: 4
      train: {tokens: 6144, batch_tokens: 512, context_length: 64, eval_tokens: 1024, eval_every: 6}
      cache: {tokens: 4096, context_length: 64}
      explain: {max_characters: 60}
      score: {tokens: 2048, windows: 20}
      simulate: {calibration_tokens: 2048}
      rewrite:
        calibrations: [conditional-mean]
        fractions: [0.5, 1.0]
        selections: [best]
        reselect: [false]
        all_tokens: {context_length: 64, windows: 6}
        last_token: {windows: 16}
        resamples: 20
      report: {latents: 2}
      """;

  private final Path folder;

  private MiniRun(Path folder) {
    this.folder = folder;
  }

  /** Model, text and settings in a folder of their own. */
  static MiniRun in(Path folder) throws IOException {
    MiniRun mini = new MiniRun(Files.createDirectories(folder));
    copyTree(ModelSource.resolve(ModelSource.EMBEDDED), mini.model());
    Files.write(mini.text(), stories(0));
    Files.writeString(mini.yaml(), String.format(SETTINGS, mini.model(), mini.text()));
    return mini;
  }

  /** A copy of everything, the run directory included, with the same settings. */
  MiniRun copy(Path to) throws IOException {
    copyTree(folder, to);
    MiniRun copy = new MiniRun(to);
    Files.writeString(copy.yaml(), String.format(SETTINGS, copy.model(), copy.text()));
    Files.writeString(copy.file("config.yaml"), config().replace(folder.toString(), to.toString()));
    return copy;
  }

  /** 400 of the embedded stories. */
  static List<String> stories(int from) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(MiniRun.class.getResourceAsStream("/embedded/stories.jsonl"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .skip(from)
          .limit(400)
          .toList();
    }
  }

  Path model() {
    return folder.resolve("model");
  }

  Path text() {
    return folder.resolve("base.jsonl");
  }

  Path yaml() {
    return folder.resolve("mini.yaml");
  }

  Path run() {
    return folder.resolve("run");
  }

  Path file(String name) {
    return run().resolve(name);
  }

  String config() throws IOException {
    return Files.readString(file("config.yaml"));
  }

  /** {@code run mini.yaml --out run}. */
  Outcome everything(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("run", yaml().toString(), "--out", run().toString(), "--threads=1"));
    arguments.addAll(Arrays.asList(more));
    return TrainRuns.palimpsest(arguments.toArray(String[]::new));
  }

  /** One stage over the run. */
  Outcome stage(String name, String... more) {
    List<String> arguments = new ArrayList<>(List.of(name, run().toString()));
    arguments.addAll(Arrays.asList(more));
    return TrainRuns.palimpsest(arguments.toArray(String[]::new));
  }

  /** The stages that a command has done, in order. */
  static List<String> done(Outcome outcome) {
    return outcome
        .err()
        .lines()
        .filter(line -> line.startsWith("▸ "))
        .map(line -> line.substring(2).replaceFirst(" \\(stage.*", "").replace("." + HOOKPOINT, ""))
        .toList();
  }

  /** Changes a byte of a file in place. */
  static void flip(Path file, int fromEnd) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - fromEnd] ^= 1;
    Files.write(file, bytes);
  }

  /** The files of a run that a second run must leave with the same bytes. */
  static Map<String, String> lasting(Path run) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(run)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        String name = run.relativize(file).toString();
        boolean timed =
            List.of(
                    "stages/times.json",
                    "stages/digests.json",
                    "metrics.jsonl",
                    "training.json",
                    "report.html",
                    ".lock")
                .contains(name);
        if (!timed && !name.startsWith("checkpoints") && !name.startsWith("tokens")) {
          files.put(name, Files.readString(file, StandardCharsets.ISO_8859_1));
        }
      }
    }
    return files;
  }

  static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> tree = Files.walk(from)) {
      for (Path each : tree.toList()) {
        Path target = to.resolve(from.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(target);
        } else {
          AtomicFiles.copy(each, target);
        }
      }
    }
  }
}
