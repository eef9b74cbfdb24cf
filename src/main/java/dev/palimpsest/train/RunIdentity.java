package dev.palimpsest.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.tensor.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What makes a run this run and no other: its configuration and the content of its model and its
 * text, wherever these lie. Kept beside the checkpoints, so that a run is never continued with
 * something else.
 *
 * @param config as resolved
 * @param model the content of the model's files
 * @param corpus the text's fingerprint
 * @param precision of the language model's dense layers
 * @param activations the cache that is read in place of running the model
 */
record RunIdentity(
    TrainConfig config,
    ModelDigest model,
    String corpus,
    String precision,
    Optional<String> activations) {
  /**
   * Settings that may change between a run and its continuation: they do not touch what is trained.
   */
  private static final List<String> FREE = List.of("checkpoint_every");

  private static final String TOKENS = "tokens";

  /** Characters of a value in a list of differences. */
  private static final int SHOWN = 60;

  private static final int MOST_SHOWN = 4;

  /** Writes the file of a new run. */
  void write(Path file) {
    AtomicFiles.writeString(file, Json.pretty(this));
  }

  /**
   * Makes sure that the run begun in a folder, if any, is this one, or one that this one goes on
   * from with more tokens.
   *
   * @param remedy what a person may do, for messages
   * @throws UsageException naming what differs
   */
  void requireSame(Path file, Path out, String remedy) {
    if (!Files.exists(file)) {
      return;
    }
    JsonNode before = read(file, remedy);
    JsonNode now = Json.MAPPER.valueToTree(this);
    List<String> differences = new ArrayList<>(model.differences(modelOf(before)));
    if (!before.path("corpus").equals(now.path("corpus"))) {
      differences.add("the text");
    }
    String precisionBefore = before.path("precision").asText(Precision.FP32.label());
    if (!precisionBefore.equals(precision)) {
      differences.add(
          "the model's precision was "
              + Quoted.shortened(precisionBefore, SHOWN)
              + ", is "
              + precision);
    }
    if (!before.path("activations").asText("").equals(now.path("activations").asText(""))) {
      differences.add(
          activations.isPresent()
              ? "not the activations of this cache"
              : "activations of a cache, not the model's own");
    }
    compare("", before.path("config"), now.path("config"), differences);
    boolean longer = differences.removeIf(line -> line.startsWith(TOKENS + " "));
    if (!differences.isEmpty()) {
      throw new UsageException(
          out + " holds a run of something else (" + shown(differences) + "): " + remedy);
    }
    if (longer) {
      requireExtensible(before.path("config").path(TOKENS).asLong(), out, remedy);
    }
  }

  private static String shown(List<String> differences) {
    String first =
        String.join("; ", differences.subList(0, Math.min(MOST_SHOWN, differences.size())));
    int more = differences.size() - MOST_SHOWN;
    return more > 0 ? first + "; and " + more + " more" : first;
  }

  /** Only under a rate that does not depend on the run's length is a longer run the same run. */
  private void requireExtensible(long before, Path out, String remedy) {
    String holds = out + " holds a run of " + before + " tokens";
    if (before > config.tokens()) {
      throw new UsageException(
          holds + ", which cannot be cut to " + config.tokens() + " any more: " + remedy);
    }
    if (!config.optimizer().optimizer().isScheduleFree()) {
      throw new UsageException(
          holds
              + ", over which the learning rate of "
              + config.optimizer().optimizer().label()
              + " falls to 0, so it cannot be extended to "
              + config.tokens()
              + ": "
              + remedy
              + " (signum's can be extended)");
    }
  }

  /**
   * The hookpoints of the run that a file describes, as far as it can be read: for a run that is to
   * be thrown away. Names that could lead out of a folder are left out.
   */
  static List<String> hookpoints(Path file) {
    List<String> names = new ArrayList<>();
    try {
      for (JsonNode coder : Json.read(file, JsonNode.class).path("config").path("coders")) {
        String name = coder.path("hookpoint").asText();
        if (name.matches("\\w+(\\.\\w+)*")) {
          names.add(name);
        }
      }
    } catch (PalimpsestException damaged) {
      names.clear();
    }
    return names;
  }

  private static JsonNode read(Path file, String remedy) {
    try {
      JsonNode identity = Json.read(file, JsonNode.class);
      if (!identity.path("model").path("files").isObject()) {
        throw new PalimpsestException(
            file + ": does not say which model was trained on: damaged, or of an older version");
      }
      return identity;
    } catch (PalimpsestException damaged) {
      throw new PalimpsestException(
          damaged.getMessage() + "; without it nobody knows what the run was made with: " + remedy,
          damaged);
    }
  }

  private static ModelDigest modelOf(JsonNode identity) {
    Map<String, String> digests = new TreeMap<>();
    identity
        .path("model")
        .path("files")
        .properties()
        .forEach(each -> digests.put(each.getKey(), each.getValue().asText()));
    return new ModelDigest(digests);
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
        differences.add(
            Quoted.of(prefix + name)
                + " was "
                + Quoted.shortened(old.toString(), SHOWN)
                + ", is "
                + Quoted.shortened(current.toString(), SHOWN));
      }
    }
  }

  /** Equal as text: a number read back may have another Java type than the one that was written. */
  private static boolean same(JsonNode a, JsonNode b) {
    return Objects.equals(a.toString(), b.toString());
  }
}
