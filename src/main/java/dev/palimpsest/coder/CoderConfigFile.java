package dev.palimpsest.coder;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.Activation;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * {@code cfg.json} as sparsify writes it. Missing keys take sparsify's defaults, unknown keys are
 * ignored, and sizes that are not stated come from the encoder's shape.
 */
final class CoderConfigFile {
  static final String NAME = "cfg.json";

  private CoderConfigFile() {}

  /**
   * @param file the {@code cfg.json}
   * @param encoderShape [M, d] of the encoder weight beside it, for sizes the file does not state
   * @param hasSkip whether there is a W_skip beside it, for a file that does not state it
   * @throws PalimpsestException naming file, key, found and expected
   */
  static CoderConfig read(Path file, long[] encoderShape, boolean hasSkip) {
    JsonNode root = Json.read(file, JsonNode.class);
    if (!root.isObject()) {
      throw new PalimpsestException(file + ": expected a JSON object, found " + root.getNodeType());
    }
    Keys keys = new Keys(file, root);
    if (keys.flag("signed", false)) {
      throw new PalimpsestException(
          file + ": signed is true, but only coders with non-negative latents are supported");
    }
    int width = keys.integer("d_in").orElse((int) Math.min(encoderShape[1], Integer.MAX_VALUE));
    OptionalInt expansion = keys.integer("expansion_factor");
    int factor = expansion.orElse(CoderConfig.DEFAULT_EXPANSION_FACTOR);
    long latents = keys.integer("num_latents").orElse(0);
    if (latents == 0) {
      latents = expansion.isPresent() ? (long) width * factor : encoderShape[0];
    }
    if (latents > Integer.MAX_VALUE) {
      throw new PalimpsestException(
          file
              + ": expansion_factor "
              + factor
              + " of d_in "
              + width
              + " makes "
              + latents
              + " latents, expected fewer than 2^31");
    }
    try {
      return new CoderConfig(
          keys.activation(),
          width,
          (int) latents,
          keys.integer("k").orElse(CoderConfig.DEFAULT_K),
          factor,
          keys.flag("normalize_decoder", true),
          keys.flag("multi_topk", false),
          keys.flag("skip_connection", hasSkip),
          keys.flag("transcode", false));
    } catch (UsageException invalid) {
      throw new PalimpsestException(file + ": " + invalid.getMessage(), invalid);
    }
  }

  /**
   * Writes the file atomically: sparsify's keys in its order and spacing, so that its own files
   * round-trip.
   */
  static void write(Path file, CoderConfig config) {
    AtomicFiles.writeString(
        file,
        "{\"activation\": \""
            + config.activation().name().toLowerCase(Locale.ROOT)
            + "\", \"expansion_factor\": "
            + config.expansionFactor()
            + ", \"normalize_decoder\": "
            + config.normalizeDecoder()
            + ", \"num_latents\": "
            + config.numLatents()
            + ", \"k\": "
            + config.k()
            + ", \"multi_topk\": "
            + config.multiTopk()
            + ", \"skip_connection\": "
            + config.skipConnection()
            + ", \"transcode\": "
            + config.transcode()
            + ", \"d_in\": "
            + config.width()
            + "}");
  }

  /**
   * Typed look-ups whose errors name the file and the key. A key that is null counts as missing.
   */
  private record Keys(Path file, JsonNode root) {
    boolean flag(String key, boolean fallback) {
      JsonNode node = root.path(key);
      if (isMissing(node)) {
        return fallback;
      }
      if (!node.isBoolean()) {
        throw wrong(key, "true or false", node);
      }
      return node.booleanValue();
    }

    OptionalInt integer(String key) {
      JsonNode node = root.path(key);
      if (isMissing(node)) {
        return OptionalInt.empty();
      }
      if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
        throw wrong(key, "a whole number below 2^31", node);
      }
      return OptionalInt.of(node.intValue());
    }

    Activation activation() {
      JsonNode node = root.path("activation");
      if (isMissing(node)) {
        return Activation.TOPK;
      }
      return switch (node.asText()) {
        case "topk" -> Activation.TOPK;
        case "groupmax" -> Activation.GROUPMAX;
        default -> throw wrong("activation", "\"topk\" or \"groupmax\"", node);
      };
    }

    private static boolean isMissing(JsonNode node) {
      return node.isMissingNode() || node.isNull();
    }

    private PalimpsestException wrong(String key, String expected, JsonNode found) {
      return new PalimpsestException(
          file + ": " + key + " is " + Quoted.of(found) + ", expected " + expected);
    }
  }
}
