import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Prints the recorded results of a folder as Markdown; run by bench/tables.sh from source. */
final class Tables {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Tables() {}

  /** The folder of results; with a second argument, the README whose table is to be renewed. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    if (arguments.length > 1) {
      renew(Path.of(arguments[1]), folder);
      return;
    }
    System.out.println(
        "# Results\n\nMade by `bench/tables.sh` from `bench/results`; do not edit.\n");
    System.out.println(
        "## `palimpsest bench`\n\n"
            + "Milliseconds: median (10th to 90th percentile).\n\n"
            + "| rows | d | M | k | B | threads | product | encode | encode / product | step |"
            + " eager step | eager / step | tokens/s | memory / needed | Java's share | machine |"
            + " commit |\n"
            + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|");
    for (Path file : files(folder, "short-")) {
      System.out.println(shortRow(JSON.readTree(file.toFile())));
    }
    List<Path> whole = files(folder, "end-to-end-");
    if (!whole.isEmpty()) {
      System.out.println(
          "\n"
              + "## `palimpsest bench end-to-end`\n\n"
              + "Milliseconds, medians. *With head*: where the other tool runs the language model's"
              + " head too.\n\n"
              + "| layers | hook | model in | ctx | M | B | threads | model to the hook | coder"
              + " step | tokens/s | all blocks | head | eager coder step | eager tokens/s (with"
              + " head) | ours / eager (with head) | machine | commit |\n"
              + "|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|");
    }
    for (Path file : whole) {
      System.out.println(endToEndRow(JSON.readTree(file.toFile())));
    }
    beside(folder);
    List<Path> jmh = files(folder, "jmh-");
    if (!jmh.isEmpty()) {
      System.out.println(
          "\n"
              + "## JMH\n\n"
              + "Milliseconds a call: mean (half the width of its 99.9 % interval).\n\n"
              + "| rows | d | M | k | B | product | encode | encode / product | decode | step |"
              + " eager step | eager / step | forks | commit |\n"
              + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|");
    }
    for (Path file : jmh) {
      Map<String, Map<String, JsonNode>> problems = new LinkedHashMap<>();
      for (JsonNode run : JSON.readTree(file.toFile())) {
        String name = run.get("benchmark").asText();
        String problem = run.get("params").toString() + name.contains("Trained");
        problems
            .computeIfAbsent(problem, key -> new LinkedHashMap<>())
            .put(name.substring(name.lastIndexOf('.') + 1), run);
      }
      for (Map<String, JsonNode> runs : problems.values()) {
        System.out.println(jmhRow(runs, file.getFileName().toString()));
      }
    }
  }

  /** sparsify's own package in turns with ours, see bench/beside.py. */
  private static void beside(Path folder) throws IOException {
    for (Path file : files(folder, "beside-step-")) {
      JsonNode r = JSON.readTree(file.toFile());
      JsonNode m = r.get("median");
      System.out.printf(
          Locale.ROOT,
          "%n## `bench/beside.py step`%n%nMilliseconds of a step, medians of %d rounds; %s. *Kept*:"
              + " glibc keeps freed memory.%n%n| what | ms | page faults | over ours"
              + " |%n|---|--:|--:|--:|%n%s%s%s%s",
          r.get("rounds").size(),
          conditions(r),
          besideRow("sparsify's package", m, "sparsify"),
          besideRow("sparsify's package, memory kept", m, "sparsify_kept"),
          besideRow("`palimpsest bench`: eager, memory kept", m, "eager"),
          besideRow("`palimpsest bench`: ours", m, "ours"));
    }
    for (Path file : files(folder, "beside-end-to-end-")) {
      JsonNode r = JSON.readTree(file.toFile());
      System.out.printf(
          Locale.ROOT,
          "%n## `bench/beside.py end-to-end`%n%nTokens a second, medians of %d rounds; %s.%n%n"
              + "| what | tokens/s | over sparsify |%n|---|--:|--:|%n",
          r.get("rounds").size(),
          conditions(r));
      double base = r.get("median").get("sparsify").asDouble();
      for (var entry : r.get("median").properties()) {
        System.out.printf(
            Locale.ROOT,
            "| %s | %.0f | %.2f |%n",
            END_TO_END.getOrDefault(
                entry.getKey(), "`palimpsest train --precision " + entry.getKey() + "`"),
            entry.getValue().asDouble(),
            entry.getValue().asDouble() / base);
      }
    }
  }

  private static final Map<String, String> END_TO_END =
      Map.of(
          "sparsify", "sparsify's `Trainer`, causal model",
          "sparsify_kept", "the same, memory kept",
          "from_cache", "`palimpsest train --activations`, fp16 cache");

  private static String conditions(JsonNode r) {
    JsonNode sparsify = r.get("sparsify");
    JsonNode environment = r.get("environment");
    return String.format(
        Locale.ROOT,
        "sparsify %s on torch %s, %s, %d threads, load %.1f before and %.1f after, commit %s",
        sparsify.get("sparsify").asText(),
        sparsify.get("torch").asText(),
        environment.path("processor").asText(environment.path("cpu").asText("")),
        r.get("threads").asLong(),
        r.get("load").get(0).asDouble(),
        r.get("load").get(1).asDouble(),
        r.get("commit").asText());
  }

  private static String besideRow(String what, JsonNode median, String name) {
    JsonNode faults = median.path(name + "_page_faults");
    double milliseconds = median.get(name + "_ms").asDouble();
    return String.format(
        Locale.ROOT,
        "| %s | %.0f | %s | %.2f |%n",
        what,
        milliseconds,
        faults.isMissingNode() ? "" : String.format(Locale.ROOT, "%,.0f", faults.asDouble()),
        milliseconds / median.get("ours_ms").asDouble());
  }

  private static final String BEGIN = "<!-- bench:begin -->\n";
  private static final String END = "<!-- bench:end -->";

  private static void renew(Path readme, Path folder) throws IOException {
    StringBuilder table =
        new StringBuilder(
            "| on | what | ours | eager libtorch, sparsify's operations | ours / eager |\n"
                + "|---|---|--:|--:|--:|\n");
    for (Path file : files(folder, "short-")) {
      JsonNode r = JSON.readTree(file.toFile());
      if (!r.path("data").asText("synthetic").equals("synthetic")) {
        continue;
      }
      JsonNode shape = r.get("shape");
      double eager = shape.get("batch").asDouble() / (r.get("eager_step_ms").asDouble() / 1e3);
      table.append(
          String.format(
              Locale.ROOT,
              "| %s, %s | coder step, d %d, M %,d, k %d, B %d, Adam; exact encode in %.2f of the"
                  + " bare product's time | %.0f tokens/s | %.0f tokens/s | %.1f |\n",
              r.get("environment").get("processor").asText(),
              r.get("environment").get("libraries").get("kernels").asText(),
              shape.get("width").asLong(),
              shape.get("latents").asLong(),
              shape.get("k").asLong(),
              shape.get("batch").asLong(),
              r.get("encode_over_sgemm").asDouble(),
              r.get("tokens_per_second").asDouble(),
              eager,
              r.get("eager_over_step").asDouble()));
    }
    for (Path file : files(folder, "end-to-end-")) {
      JsonNode r = JSON.readTree(file.toFile());
      table.append(
          String.format(
              Locale.ROOT,
              "| %s, %s | end to end, %d layers of Pythia-160m's shape%s, hook %s, ctx %d, M %,d, B"
                  + " %d | %.0f tokens/s | %.0f tokens/s; %.0f with the head | %.1f; %.1f |\n",
              r.get("environment").get("processor").asText(),
              r.get("environment").get("libraries").get("kernels").asText(),
              r.get("layers").asLong(),
              r.path("precision").asText("fp32").equals("fp32") ? "" : " in bf16",
              r.get("hookpoint").asText(),
              r.get("context_length").asLong(),
              r.get("shape").get("latents").asLong(),
              r.get("shape").get("batch").asLong(),
              r.get("tokens_per_second").asDouble(),
              r.get("eager_tokens_per_second").asDouble(),
              r.get("eager_with_head_tokens_per_second").asDouble(),
              r.get("eager_over_step").asDouble(),
              r.get("eager_with_head_over_step").asDouble()));
    }
    String text = Files.readString(readme);
    int begin = text.indexOf(BEGIN) + BEGIN.length();
    int end = text.indexOf(END);
    if (begin < BEGIN.length() || end < begin) {
      throw new IOException(readme + " has no place for the benchmark's table");
    }
    Files.writeString(readme, text.substring(0, begin) + "\n" + table + "\n" + text.substring(end));
  }

  private static List<Path> files(Path folder, String prefix) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries
          .filter(file -> file.getFileName().toString().startsWith(prefix))
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .toList();
    }
  }

  private static String shortRow(JsonNode r) {
    JsonNode shape = r.get("shape");
    JsonNode machine = r.get("environment");
    return String.format(
        Locale.ROOT,
        "| %s | %d | %d | %d | %d | %d | %s | %s | %.2f | %s | %s | %.1f | %.0f | %.3f | %.1e | %s,"
            + " %s | %s |",
        r.path("data").asText("synthetic"),
        shape.get("width").asLong(),
        shape.get("latents").asLong(),
        shape.get("k").asLong(),
        shape.get("batch").asLong(),
        shape.get("threads").asLong(),
        timings(r.get("sgemm")),
        timings(r.get("encode")),
        r.get("encode_over_sgemm").asDouble(),
        timings(r.get("step")),
        timings(r.get("eager_step")),
        r.get("eager_over_step").asDouble(),
        r.get("tokens_per_second").asDouble(),
        r.get("peak_bytes").asDouble() / r.get("needed_bytes").asDouble(),
        r.get("java_share").asDouble(),
        machine.get("processor").asText(),
        machine.get("libraries").get("kernels").asText(),
        machine.get("palimpsest").asText());
  }

  private static String timings(JsonNode t) {
    return String.format(
        Locale.ROOT,
        "%.0f (%.0f–%.0f)",
        t.get("median").asDouble(),
        t.get("low").asDouble(),
        t.get("high").asDouble());
  }

  private static String endToEndRow(JsonNode r) {
    JsonNode shape = r.get("shape");
    JsonNode machine = r.get("environment");
    return String.format(
        Locale.ROOT,
        "| %d | %s | %s | %d | %d | %d | %d | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f (%.0f)"
            + " | %.2f (%.2f) | %s, %s | %s |",
        r.get("layers").asLong(),
        r.get("hookpoint").asText(),
        r.path("precision").asText("fp32"),
        r.get("context_length").asLong(),
        shape.get("latents").asLong(),
        shape.get("batch").asLong(),
        shape.get("threads").asLong(),
        r.get("forward_ms").asDouble(),
        r.get("update_ms").asDouble(),
        r.get("tokens_per_second").asDouble(),
        r.get("full_forward_ms").asDouble(),
        r.get("head_ms").asDouble(),
        r.get("eager_update_ms").asDouble(),
        r.get("eager_tokens_per_second").asDouble(),
        r.get("eager_with_head_tokens_per_second").asDouble(),
        r.get("eager_over_step").asDouble(),
        r.get("eager_with_head_over_step").asDouble(),
        machine.get("processor").asText(),
        machine.get("libraries").get("kernels").asText(),
        machine.get("palimpsest").asText());
  }

  private static String jmhRow(Map<String, JsonNode> runs, String file) {
    JsonNode any = runs.values().iterator().next();
    JsonNode shape = any.get("params");
    boolean trained = any.get("benchmark").asText().contains("Trained");
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %d | %s |",
        trained ? "trained coder, embedded model" : "synthetic",
        shape.path("width").asText(trained ? "128" : ""),
        shape.get("latents").asText(),
        shape.get("k").asText(),
        shape.get("batch").asText(),
        score(runs, "sgemm"),
        score(runs, "encode"),
        ratio(runs, "encode", "sgemm"),
        score(runs, "decode"),
        score(runs, "step"),
        score(runs, "eagerStep"),
        ratio(runs, "eagerStep", "step"),
        any.get("forks").asLong(),
        file.replaceFirst("jmh-([0-9a-f]+).*", "$1"));
  }

  private static String score(Map<String, JsonNode> runs, String name) {
    if (!runs.containsKey(name)) {
      return "";
    }
    JsonNode metric = runs.get(name).get("primaryMetric");
    return String.format(
        Locale.ROOT,
        "%.1f (%.1f)",
        metric.get("score").asDouble(),
        metric.get("scoreError").asDouble());
  }

  private static String ratio(Map<String, JsonNode> runs, String above, String below) {
    if (!runs.containsKey(above) || !runs.containsKey(below)) {
      return "";
    }
    return String.format(
        Locale.ROOT,
        "%.2f",
        runs.get(above).get("primaryMetric").get("score").asDouble()
            / runs.get(below).get("primaryMetric").get("score").asDouble());
  }
}
