import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Prints the recorded results of a folder as Markdown; run by bench/tables.sh from source. */
final class Tables {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Tables() {}

  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    System.out.println("# Results\n\nMade by `bench/tables.sh` from `bench/results`; do not edit.\n");
    System.out.println(
        "## `palimpsest bench`\n\n"
            + "Milliseconds: median (10th to 90th percentile).\n\n"
            + "| d | M | k | B | threads | product | encode | encode / product | step | eager step | eager / step"
            + " | tokens/s | memory / needed | Java's share | machine | commit |\n"
            + "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|");
    for (Path file : files(folder, "short-")) {
      System.out.println(shortRow(JSON.readTree(file.toFile())));
    }
    List<Path> jmh = files(folder, "jmh-");
    if (!jmh.isEmpty()) {
      System.out.println(
          "\n## JMH\n\n| benchmark | d | M | k | B | ms | ± (99.9 %) | forks | file |\n"
              + "|---|--:|--:|--:|--:|--:|--:|--:|---|");
    }
    for (Path file : jmh) {
      for (JsonNode run : JSON.readTree(file.toFile())) {
        System.out.println(jmhRow(run, file.getFileName().toString()));
      }
    }
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
        "| %d | %d | %d | %d | %d | %s | %s | %.2f | %s | %s | %.1f | %.0f | %.3f | %.1e | %s, %s | %s |",
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

  private static String jmhRow(JsonNode run, String file) {
    JsonNode shape = run.get("params");
    JsonNode result = run.get("primaryMetric");
    String name = run.get("benchmark").asText();
    return String.format(
        Locale.ROOT,
        "| %s | %s | %s | %s | %s | %.1f | %.1f | %d | %s |",
        name.substring(name.lastIndexOf('.') + 1),
        shape.get("width").asText(),
        shape.get("latents").asText(),
        shape.get("k").asText(),
        shape.get("batch").asText(),
        result.get("score").asDouble(),
        result.get("scoreError").asDouble(),
        run.get("forks").asLong(),
        file);
  }
}
