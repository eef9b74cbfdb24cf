package dev.palimpsest.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds the rotary embedding in {@code config.json}: {@code rope_parameters} of transformers 5 (for
 * all layers, or one for every type of layer), or the older {@code rope_scaling}, {@code
 * rope_theta}, {@code rotary_emb_base}, {@code rotary_pct}.
 */
final class RotaryReader {
  private static final double DEFAULT_BASE = 10_000;

  private final ConfigJson config;
  private final Family family;
  private final int headWidth;
  private final int maxPositions;

  RotaryReader(ConfigJson config, Family family, int headWidth, int maxPositions) {
    this.config = config;
    this.family = family;
    this.headWidth = headWidth;
    this.maxPositions = maxPositions;
  }

  List<Rotary> perLayer(List<String> layerTypes) {
    ConfigJson nothing =
        new ConfigJson(
            config.file(),
            "",
            com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode());
    ConfigJson parameters =
        config.object("rope_scaling").or(() -> config.object("rope_parameters")).orElse(nothing);
    List<Rotary> rotary = new ArrayList<>();
    for (String type : layerTypes) {
      Optional<ConfigJson> ofType = parameters.object(type);
      rotary.add(ofType.map(p -> rotary(p, false)).orElseGet(() -> rotary(parameters, true)));
    }
    return List.copyOf(rotary);
  }

  private Rotary rotary(ConfigJson parameters, boolean forAllLayers) {
    boolean neox = family == Family.GPT_NEOX;
    double base =
        parameters.positive(
            "rope_theta",
            neox && config.has("rotary_emb_base")
                ? config.positive("rotary_emb_base")
                : config.positive("rope_theta", DEFAULT_BASE));
    double part =
        neox
            ? parameters.positive("partial_rotary_factor", config.positive("rotary_pct", 0.25))
            : 1;
    if (part > 1) {
      throw parameters.has("partial_rotary_factor")
          ? parameters.fault("partial_rotary_factor", "a share of the head's channels, at most 1")
          : config.fault("rotary_pct", "a share of the head's channels, at most 1");
    }
    int dimension = (int) (headWidth * part);
    int width = (dimension + 1) / 2 * 2;
    if (width > headWidth) {
      throw config.fault(
          parameters.has("partial_rotary_factor")
              ? "rope_parameters"
              : neox ? "rotary_pct" : "head_dim",
          "an even number of rotary channels within the head's " + headWidth);
    }
    return new Rotary(width, dimension, base, scaling(parameters, forAllLayers, width / 2));
  }

  private Rotary.Scaling scaling(ConfigJson p, boolean forAllLayers, int frequencies) {
    String type = p.text("rope_type", p.text("type", "default"));
    double trained =
        forAllLayers && config.has("original_max_position_embeddings")
            ? config.positive("original_max_position_embeddings")
            : p.positive("original_max_position_embeddings", maxPositions);
    return switch (type) {
      case "default" -> new Rotary.Unscaled();
      case "linear" -> new Rotary.Linear(p.positive("factor"));
      case "dynamic" -> new Rotary.Dynamic(p.positive("factor"), maxPositions);
      case "llama3" ->
          new Rotary.Llama3(
              p.positive("factor"),
              p.positive("low_freq_factor"),
              p.positive("high_freq_factor"),
              trained);
      case "yarn" -> yarn(p, trained);
      case "longrope" -> longRope(p, trained, frequencies);
      default ->
          throw p.fault(
              p.has("rope_type") ? "rope_type" : "type",
              "one of default, linear, dynamic, llama3, yarn, longrope");
    };
  }

  private Rotary.Yarn yarn(ConfigJson p, double trained) {
    double factor = p.has("factor") ? p.positive("factor") : maxPositions / trained;
    double scale = p.number("mscale", 0);
    double scaleAll = p.number("mscale_all_dim", 0);
    double attention =
        scale != 0 && scaleAll != 0
            ? yarnAmplitude(factor, scale) / yarnAmplitude(factor, scaleAll)
            : yarnAmplitude(factor, 1);
    return new Rotary.Yarn(
        factor,
        p.positive("attention_factor", attention),
        orDefault(p.number("beta_fast", 0), 32),
        orDefault(p.number("beta_slow", 0), 1),
        trained,
        p.flag("truncate", true));
  }

  private static double yarnAmplitude(double factor, double scale) {
    return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
  }

  private Rotary.LongRope longRope(ConfigJson p, double trained, int frequencies) {
    double factor = p.positive("factor", maxPositions / trained);
    double attention = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(trained));
    return new Rotary.LongRope(
        factors(p, "short_factor", frequencies),
        factors(p, "long_factor", frequencies),
        p.positive("attention_factor", attention),
        trained);
  }

  private static double[] factors(ConfigJson p, String key, int expected) {
    double[] factors = p.numbers(key);
    if (factors.length != expected) {
      throw p.fault(key, expected + " numbers");
    }
    return factors;
  }

  private static double orDefault(double value, double fallback) {
    return value == 0 ? fallback : value;
  }
}
