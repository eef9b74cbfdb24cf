package dev.palimpsest.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Knows of every stage of a run what it was made from: its settings, the digests of what it read,
 * the digests of what it left. A stage is up to date exactly when all three agree with what is
 * there now. Names and places of files do not matter, and neither does the command by which a stage
 * was run.
 *
 * <p>An entry is {@code stages/NAME.json}; the same run leaves the same bytes there, as the seconds
 * that stages took lie apart, in {@code stages/times.json}. An entry that cannot be read counts as
 * absent: its stage is done again.
 */
public final class StageLedger {
  private static final String TIMES = "times.json";
  private static final ObjectWriter SORTED =
      Json.MAPPER
          .writerWithDefaultPrettyPrinter()
          .with(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  private final RunDirectory run;
  private final FileDigests digests;

  /**
   * @param run the run directory
   * @param digests of its files and its inputs
   */
  public StageLedger(RunDirectory run, FileDigests digests) {
    this.run = run;
    this.digests = digests;
  }

  /**
   * A stage to come, or one to be looked at.
   *
   * @param name unique in the run
   * @param settings what it depends on besides files, by name; shown in messages
   * @param inputs digests of what it reads, by what it is called in messages ("the coder"); empty
   *     for what is not there
   * @param outputs files, and folders with all their files, that it leaves
   * @param editable those of them that a person may change without the stage being out of date
   */
  public record Stage(
      String name,
      Map<String, ?> settings,
      Map<String, String> inputs,
      List<Path> outputs,
      List<Path> editable) {
    /** Copies the lists. */
    public Stage {
      outputs = List.copyOf(outputs);
      editable = List.copyOf(editable);
    }

    /** All that decides what the stage leaves, the same words in every process. */
    public Map<String, String> source() {
      Map<String, String> source = new TreeMap<>(inputs);
      source.put("settings", sorted(settings).toString());
      return source;
    }

    /** A stage of whose outputs a person changes none. */
    public Stage(
        String name, Map<String, ?> settings, Map<String, String> inputs, List<Path> outputs) {
      this(name, settings, inputs, outputs, List.of());
    }
  }

  /**
   * A finished stage.
   *
   * @param stage its name
   * @param settings it was run with
   * @param inputs digests of what it read
   * @param outputs digests of what it left, by path in the run directory
   * @param summary what it found
   * @param seconds it took
   */
  public record Entry(
      String stage,
      JsonNode settings,
      Map<String, String> inputs,
      Map<String, String> outputs,
      JsonNode summary,
      double seconds) {}

  /** Where a stage stands. */
  public enum Standing {
    /** Done, from what is there now. */
    CURRENT,
    /** Done, but from something else than what is there now. */
    STALE,
    /** Not done, or what it left is gone. */
    MISSING
  }

  /**
   * Where a stage stands, and why.
   *
   * @param standing whether it can be used
   * @param reason what has changed, as part of a sentence; empty where it is current
   */
  public record Verdict(Standing standing, String reason) {
    /** Whether nothing has to be done. */
    public boolean isCurrent() {
      return standing == Standing.CURRENT;
    }
  }

  /** Looks whether a stage is up to date. */
  public Verdict judge(Stage stage) {
    Optional<Entry> before = entry(stage.name());
    if (before.isEmpty()) {
      return new Verdict(
          Standing.MISSING,
          Files.exists(file(stage.name()))
              ? "its record " + relative(file(stage.name())) + " is damaged"
              : "it has not been run");
    }
    for (Path output : stage.outputs()) {
      if (!Files.exists(output)) {
        return new Verdict(Standing.MISSING, relative(output) + " is gone");
      }
    }
    Entry entry = before.get();
    List<String> changes =
        new ArrayList<>(Differences.between(entry.settings(), tree(stage.settings())));
    for (Map.Entry<String, String> input : new TreeMap<>(stage.inputs()).entrySet()) {
      // What is no longer there, such as a cache removed for its size, has not been changed.
      boolean there = !input.getValue().isEmpty();
      if (there && !input.getValue().equals(entry.inputs().get(input.getKey()))) {
        changes.add(input.getKey() + " changed");
      }
    }
    Map<String, String> now = digestsOf(stage.outputs());
    for (Map.Entry<String, String> left : new TreeMap<>(entry.outputs()).entrySet()) {
      String file = left.getKey();
      boolean free = stage.editable().stream().map(this::relative).anyMatch(file::equals);
      if (!free && !left.getValue().equals(now.get(file))) {
        changes.add(
            file + (now.containsKey(file) ? " was changed by hand or damaged" : " is gone"));
      }
    }
    return changes.isEmpty()
        ? new Verdict(Standing.CURRENT, "")
        : new Verdict(Standing.STALE, String.join("; ", changes));
  }

  /** Whether what a finished stage has left is no longer what it left. */
  public boolean isDamaged(Stage stage) {
    return entry(stage.name())
        .map(entry -> !entry.outputs().equals(digestsOf(stage.outputs())))
        .orElse(false);
  }

  /**
   * Copies a file over an output that is no longer what the stage left, if the file is that to the
   * byte.
   */
  public void restore(Stage stage, Path from, Path output) {
    Optional<String> left = entry(stage.name()).map(entry -> entry.outputs().get(relative(output)));
    if (left.isPresent() && !left.equals(digestNow(output)) && left.equals(digestNow(from))) {
      AtomicFiles.copy(from, output);
    }
  }

  private Optional<String> digestNow(Path file) {
    return Optional.ofNullable(digestsOf(List.of(file)).get(relative(file)));
  }

  /**
   * Runs a stage unless it is up to date.
   *
   * @param again whether it is run even so
   * @param work does the stage and returns its summary; what is in it must not depend on time
   * @param log hears what happens
   */
  public Entry ensure(Stage stage, boolean again, Supplier<?> work, RunLog log) {
    if (!again && judge(stage).isCurrent()) {
      Entry before = entry(stage.name()).orElseThrow();
      log.skipped(stage.name(), before.seconds());
      return before;
    }
    log.started(stage.name());
    long start = System.nanoTime();
    Object summary = work.get();
    double seconds = (System.nanoTime() - start) * 1e-9;
    Entry entry = record(stage, summary, seconds);
    log.finished(stage.name(), seconds);
    return entry;
  }

  /** Notes that a stage has been done. */
  public Entry record(Stage stage, Object summary, double seconds) {
    Entry entry =
        new Entry(
            stage.name(),
            tree(stage.settings()),
            new TreeMap<>(stage.inputs()),
            digestsOf(stage.outputs()),
            sorted(summary),
            seconds);
    TreeMap<String, Double> times = new TreeMap<>(times());
    times.put(stage.name(), seconds);
    AtomicFiles.writeString(run.stages().resolve(TIMES), Json.pretty(times));
    ObjectNode written = Json.MAPPER.createObjectNode();
    written.put("stage", entry.stage()).set("settings", entry.settings());
    entry.inputs().forEach(written.putObject("inputs")::put);
    entry.outputs().forEach(written.putObject("outputs")::put);
    written.set("summary", entry.summary());
    AtomicFiles.writeString(file(stage.name()), Json.pretty(written));
    digests.save();
    return entry;
  }

  /** What is known of a stage; empty where it has not been finished. */
  public Optional<Entry> entry(String stage) {
    return Files.isRegularFile(file(stage)) ? read(file(stage)) : Optional.empty();
  }

  /** Every finished stage, by name. */
  public List<Entry> finished() {
    if (!Files.isDirectory(run.stages())) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(run.stages())) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .sorted()
          .flatMap(file -> read(file).stream())
          .toList();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot list " + run.stages() + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Entries that are there and cannot be read: their stages count as not done. */
  public List<Path> damaged() {
    if (!Files.isDirectory(run.stages())) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(run.stages())) {
      return files
          .filter(file -> file.toString().endsWith(".json"))
          .filter(file -> !file.equals(run.inputs()) && !file.equals(run.digests()))
          .filter(file -> !file.endsWith(TIMES) && read(file).isEmpty())
          .sorted()
          .toList();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot list " + run.stages() + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** One digest of all that an output, a file or a folder, holds now; empty where it is gone. */
  public String digest(Path output) {
    Map<String, String> found = digestsOf(List.of(output));
    return found.isEmpty() ? "" : FileDigests.ofText(String.join("\n", found.values()));
  }

  private Optional<Entry> read(Path file) {
    JsonNode tree;
    try {
      tree = Json.MAPPER.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException damaged) {
      return Optional.empty();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    // Compared as text: a damaged name may be no path at all.
    if (tree == null
        || !String.valueOf(file.getFileName()).equals(tree.path("stage").asText("") + ".json")) {
      return Optional.empty();
    }
    Optional<Map<String, String>> inputs = texts(tree.path("inputs"));
    Optional<Map<String, String>> outputs = texts(tree.path("outputs"));
    if (!tree.path("settings").isObject() || inputs.isEmpty() || outputs.isEmpty()) {
      return Optional.empty();
    }
    String stage = tree.path("stage").asText();
    return Optional.of(
        new Entry(
            stage,
            tree.path("settings"),
            inputs.get(),
            outputs.get(),
            tree.path("summary"),
            times().getOrDefault(stage, 0.0)));
  }

  private static Optional<Map<String, String>> texts(JsonNode object) {
    Map<String, String> texts = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : object.properties()) {
      if (!entry.getValue().isTextual()) {
        return Optional.empty();
      }
      texts.put(entry.getKey(), entry.getValue().textValue());
    }
    return object.isObject() ? Optional.of(texts) : Optional.empty();
  }

  private Map<String, Double> times() {
    Path file = run.stages().resolve(TIMES);
    if (!Files.isRegularFile(file)) {
      return Map.of();
    }
    try {
      Map<String, Double> times =
          Json.MAPPER.readValue(Files.readAllBytes(file), new TypeReference<>() {});
      return times == null || times.containsValue(null) ? Map.of() : times;
    } catch (JsonProcessingException damaged) {
      return Map.of();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private Map<String, String> digestsOf(List<Path> outputs) {
    Map<String, String> found = new TreeMap<>();
    for (Path output : outputs) {
      if (Files.isDirectory(output)) {
        try (Stream<Path> inside = Files.walk(output)) {
          inside
              .filter(Files::isRegularFile)
              .forEach(file -> found.put(relative(file), digests.of(file)));
        } catch (IOException failure) {
          throw new PalimpsestException(
              "cannot list " + output + ": " + AtomicFiles.describe(failure), failure);
        }
      } else if (Files.isRegularFile(output)) {
        found.put(relative(output), digests.of(output));
      }
    }
    return found;
  }

  private String relative(Path file) {
    return run.root().relativize(file).toString();
  }

  private Path file(String stage) {
    return run.stages().resolve(stage + ".json");
  }

  private static JsonNode tree(Map<String, ?> settings) {
    return sorted(settings);
  }

  /** As JSON whose keys do not stand in an order that differs from one process to the next. */
  private static JsonNode sorted(Object value) {
    try {
      return Json.MAPPER.readTree(SORTED.writeValueAsString(value));
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException("not representable as JSON: " + value, failure);
    }
  }
}
