package dev.palimpsest.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;

/**
 * What makes a run this run and no other: its configuration and the content of its text. Kept
 * beside the checkpoints, so that a run is never continued with other settings.
 *
 * @param config as resolved
 * @param corpus the text's fingerprint
 */
record RunIdentity(TrainConfig config, String corpus) {
  /**
   * Settings that may change between a run and its continuation: they do not touch what is trained.
   */
  private static final List<String> FREE = List.of("checkpoint_every", "data");

  /** Writes the file of a new run. */
  void write(Path file) {
    AtomicFiles.writeString(file, Json.pretty(this));
  }

  /**
   * Makes sure that the run begun in a folder, if any, is this one.
   *
   * @throws UsageException naming the settings that differ
   */
  void requireSame(Path file, Path out) {
    if (!Files.exists(file)) {
      return;
    }
    JsonNode before = Json.read(file, JsonNode.class);
    JsonNode now = Json.MAPPER.valueToTree(this);
    List<String> differences = new ArrayList<>();
    if (!before.path("corpus").equals(now.path("corpus"))) {
      differences.add("the text");
    }
    compare("", before.path("config"), now.path("config"), differences);
    if (!differences.isEmpty()) {
      throw new UsageException(
          out
              + " holds a run with other settings ("
              + String.join("; ", differences)
              + "): choose another --out, or start anew with --overwrite");
    }
  }

  /** The hookpoints of the run that a file describes. */
  static List<String> hookpoints(Path file) {
    List<String> names = new ArrayList<>();
    for (JsonNode coder : Json.read(file, JsonNode.class).path("config").path("coders")) {
      names.add(coder.path("hookpoint").asText());
    }
    return names;
  }

  private static void compare(
      String prefix, JsonNode before, JsonNode now, List<String> differences) {
    TreeSet<String> names = new TreeSet<>();
    before.fieldNames().forEachRemaining(names::add);
    now.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      JsonNode old = before.path(name);
      JsonNode current = now.path(name);
      if ((prefix.isEmpty() && FREE.contains(name)) || same(old, current)) {
        continue;
      }
      if (old instanceof ObjectNode && current instanceof ObjectNode) {
        compare(prefix + name + ".", old, current, differences);
      } else {
        differences.add(prefix + name + " was " + old + ", is " + current);
      }
    }
  }

  /** Equal as text: a number read back may have another Java type than the one that was written. */
  private static boolean same(JsonNode a, JsonNode b) {
    return Objects.equals(a.toString(), b.toString());
  }
}
