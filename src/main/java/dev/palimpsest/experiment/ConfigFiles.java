package dev.palimpsest.experiment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Reads experiment files: an option of the command line beats the file, the file beats {@code
 * defaults.yaml}, and a key that the defaults do not know is an error that names it.
 */
public final class ConfigFiles {
  private static final String CODERS = "coders";
  private static final String CODER_DEFAULTS = "coder_defaults";

  private static final ObjectMapper SETTINGS =
      Json.YAML.copy().registerModule(new SettingNumbers());

  private static final ObjectNode DEFAULTS = resource("defaults.yaml");

  private ConfigFiles() {}

  /** The defaults alone, as a tree to lay settings over. */
  static ObjectNode defaults() {
    return DEFAULTS.deepCopy();
  }

  /** A ready-made experiment among the resources, laid over the defaults. */
  static ObjectNode builtIn(String name) {
    return laidOver(defaults(), resource(name + ".yaml"), name + ".yaml", "");
  }

  /**
   * An experiment's file laid over the defaults.
   *
   * @throws PalimpsestException if it cannot be read or parsed
   * @throws UsageException naming an unknown key or a value of the wrong kind
   */
  static ObjectNode read(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UsageException("no experiment file " + file);
    }
    JsonNode tree = Json.readYaml(file, JsonNode.class);
    if (tree == null || !tree.isObject()) {
      throw new UsageException(file + ": expected a mapping of settings, found " + kind(tree));
    }
    return laidOver(defaults(), (ObjectNode) tree, file.toString(), "");
  }

  /** Gives every coder the settings it leaves out and binds the tree to records. */
  static ExperimentConfig resolve(ObjectNode tree, String source) {
    ObjectNode complete = tree.deepCopy();
    JsonNode coderDefaults = complete.remove(CODER_DEFAULTS);
    ArrayNode coders = complete.putArray(CODERS);
    for (JsonNode coder : tree.path(CODERS)) {
      if (!coder.isObject() || !coder.path("hookpoint").isTextual()) {
        throw new UsageException(
            source + ": each of 'coders' needs a 'hookpoint', found " + Quoted.of(coder));
      }
      ObjectNode full =
          coderDefaults == null ? Json.YAML.createObjectNode() : coderDefaults.deepCopy();
      full.setAll((ObjectNode) coder);
      coders.add(full);
    }
    try {
      return SETTINGS.treeToValue(complete, ExperimentConfig.class);
    } catch (JsonProcessingException failure) {
      throw new UsageException(source + ": " + JsonFaults.describe(failure));
    }
  }

  /** Reads back a run directory's {@code config.yaml}. */
  static ExperimentConfig readResolved(Path file) {
    return resolve(read(file), file.toString());
  }

  /** Writes the resolved configuration. */
  static void write(ExperimentConfig config, Path file) {
    try {
      AtomicFiles.writeString(file, Json.YAML.writeValueAsString(config));
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException(failure);
    }
  }

  /** Sets one dotted key, e.g. {@code train.tokens}; the value is read as YAML. */
  static void set(ObjectNode tree, String assignment) {
    int equals = assignment.indexOf('=');
    if (equals < 1) {
      throw new UsageException(
          "--set " + Quoted.of(assignment) + ": expected KEY=VALUE, e.g. train.tokens=1000000");
    }
    String key = assignment.substring(0, equals);
    JsonNode value;
    try {
      value = Json.YAML.readTree(assignment.substring(equals + 1));
    } catch (JsonProcessingException failure) {
      throw new UsageException(
          "--set " + Quoted.of(assignment) + ": " + JsonFaults.describe(failure));
    }
    ObjectNode overlay = Json.YAML.createObjectNode();
    ObjectNode place = overlay;
    String[] names = key.split("\\.", -1);
    for (int i = 0; i < names.length - 1; i++) {
      place = place.putObject(names[i]);
    }
    place.set(names[names.length - 1], value);
    ObjectNode merged = laidOver(tree, overlay, "--set " + Quoted.of(assignment), "");
    tree.setAll(merged);
  }

  /** {@code over} laid over a copy of {@code base}, as a file is laid over the defaults. */
  static ObjectNode laidOver(ObjectNode base, ObjectNode over, String source) {
    return laidOver(base, over, source, "");
  }

  /**
   * {@code over} laid over a copy of {@code base}; lists and the coders' entries are replaced
   * whole.
   */
  private static ObjectNode laidOver(
      ObjectNode base, ObjectNode over, String source, String prefix) {
    ObjectNode result = base.deepCopy();
    for (Map.Entry<String, JsonNode> entry : over.properties()) {
      String key = entry.getKey();
      JsonNode known = base.get(key);
      if (known == null) {
        throw new UsageException(
            source
                + ": unknown setting '"
                + Quoted.of(prefix + key)
                + "'; known here: "
                + names(base));
      }
      if (entry.getValue().isNull() && !mayBeAbsent(prefix + key)) {
        throw new UsageException(source + ": '" + Quoted.of(prefix + key) + "' has no value");
      }
      if (Interpreter.SETTINGS.contains(prefix + key)) {
        result.set(key, Interpreter.laidOver(known, entry.getValue()));
      } else if (known.isObject()) {
        if (!entry.getValue().isObject()) {
          throw new UsageException(
              source
                  + ": '"
                  + Quoted.of(prefix + key)
                  + "' is a group of settings, found "
                  + Quoted.of(entry.getValue()));
        }
        result.set(
            key,
            laidOver(
                (ObjectNode) known, (ObjectNode) entry.getValue(), source, prefix + key + "."));
      } else {
        result.set(key, entry.getValue());
      }
    }
    return result;
  }

  /** Whether no value is one: where the defaults have none. */
  private static boolean mayBeAbsent(String setting) {
    return DEFAULTS.at("/" + setting.replace('.', '/')).isNull();
  }

  private static String names(ObjectNode tree) {
    StringBuilder names = new StringBuilder();
    tree.fieldNames()
        .forEachRemaining(name -> names.append(names.length() == 0 ? "" : ", ").append(name));
    return names.toString();
  }

  private static String kind(@org.jspecify.annotations.Nullable JsonNode node) {
    return node == null
        ? "nothing"
        : node.getNodeType().toString().toLowerCase(java.util.Locale.ROOT);
  }

  private static ObjectNode resource(String name) {
    try (InputStream in = ConfigFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("resource " + name + " is missing from the build");
      }
      return (ObjectNode) Json.YAML.readTree(in);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }
}
