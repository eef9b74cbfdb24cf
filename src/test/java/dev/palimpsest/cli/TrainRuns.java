package dev.palimpsest.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Small training runs through the command line, and what they leave behind. */
final class TrainRuns {
  private TrainRuns() {}

  /** A command's exit status and what it printed. */
  record Outcome(int status, String out, String err) {
    JsonNode json() {
      try {
        return Json.MAPPER.readTree(out);
      } catch (IOException failure) {
        throw new UncheckedIOException("not JSON: " + out + err, failure);
      }
    }
  }

  static Outcome palimpsest(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = Palimpsest.run(new PrintWriter(out), new PrintWriter(err), arguments);
    return new Outcome(status, out.toString(), err.toString());
  }

  /** The options of a run of 24 steps on the embedded model; the caller's own come before them. */
  static String[] options(Path cache, Path out, String... more) {
    List<String> options = new ArrayList<>(List.of("train", "embedded", "--quiet", "--json"));
    options.addAll(Arrays.asList(more));
    String[][] rest = {
      {"--data", "embedded"}, {"--num-latents", "256"}, {"--k", "8"},
      {"--tokens", "7200"}, {"--batch-tokens", "300"}, {"--ctx-len", "64"},
      {"--checkpoint-every", "5"}, {"--eval-tokens", "640"}, {"--eval-every", "8"},
      {"--threads", "1"}, {"--token-cache", cache.toString()}, {"--out", out.toString()}
    };
    for (String[] option : rest) {
      if (!options.contains(option[0])) {
        options.addAll(List.of(option));
      }
    }
    return options.toArray(String[]::new);
  }

  static List<JsonNode> metrics(Path out) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(out.resolve("metrics.jsonl"))) {
      lines.add(Json.MAPPER.readTree(line));
    }
    return lines;
  }

  /**
   * The content, as text of one byte a character, of the files that must not depend on
   * interruptions.
   */
  static Map<String, String> lasting(Path out) throws IOException {
    Map<String, String> files = new TreeMap<>();
    try (Stream<Path> all = Files.walk(out)) {
      for (Path file : all.filter(Files::isRegularFile).toList()) {
        String name = out.relativize(file).toString();
        if (name.startsWith("coder/") || name.equals("metrics.jsonl")) {
          files.put(name, Files.readString(file, java.nio.charset.StandardCharsets.ISO_8859_1));
        }
      }
    }
    return files;
  }

  static void removeTree(Path folder) throws IOException {
    try (Stream<Path> tree = Files.walk(folder)) {
      for (Path each : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }
}
