package dev.palimpsest.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Makes a {@link ModelConfig} of a Hugging Face {@code config.json}, of transformers 5 or older.
 * Absent keys have the defaults of transformers' own configuration classes, which differ by family.
 */
final class ModelConfigReader {
  private static final String SLIDING = "sliding_attention";
  private static final String FULL = "full_attention";

  /** Beyond any model; keeps what is made per layer, and products of sizes, within bounds. */
  private static final int MOST_LAYERS = 4096;

  private static final int MOST_HEADS = 1 << 14;
  private static final int WIDEST_HEAD = 1 << 12;
  private static final int WIDEST = 1 << 22;
  private static final int MOST_TOKENS = 1 << 26;

  private final ConfigJson json;
  private final Family family;
  private final int layers;

  private ModelConfigReader(ConfigJson json, Family family) {
    this.json = json;
    this.family = family;
    this.layers =
        json.sizeUpTo(
            MOST_LAYERS,
            family == Family.GPT2 ? either("n_layer", "num_hidden_layers") : "num_hidden_layers");
  }

  static ModelConfig read(Path file) {
    JsonNode root = Json.read(file, JsonNode.class);
    if (!root.isObject()) {
      throw new PalimpsestException(file + ": expected a JSON object");
    }
    ConfigJson json = new ConfigJson(file, "", root);
    Family family =
        Family.ofModelType(json.text("model_type", ""))
            .orElseThrow(
                () ->
                    json.fault("model_type", "one of the supported types: " + Family.supported()));
    ModelConfigReader reader = new ModelConfigReader(json, family);
    return family == Family.GPT2 ? reader.gpt2() : reader.withRotary();
  }

  private ModelConfig gpt2() {
    int width = json.sizeUpTo(WIDEST, either("n_embd", "hidden_size"));
    String headsKey = either("n_head", "num_attention_heads");
    int heads = json.sizeUpTo(MOST_HEADS, headsKey);
    int headWidth = headWidth(width, heads, headsKey);
    double scale = json.flag("scale_attn_weights", true) ? 1 / Math.sqrt(headWidth) : 1;
    boolean byLayer = json.flag("scale_attn_by_inverse_layer_idx", false);
    List<Double> scales = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      scales.add(byLayer ? scale / (layer + 1) : scale);
    }
    return new ModelConfig(
        family,
        layers,
        width,
        heads,
        heads,
        headWidth,
        json.sizeUpTo(4 * WIDEST, "n_inner", 4 * width),
        json.sizeUpTo(MOST_TOKENS, "vocab_size"),
        json.size(either("n_positions", "max_position_embeddings"), 1024),
        json.positive("layer_norm_epsilon", 1e-5),
        activation("activation_function", "gelu_new"),
        false,
        true,
        true,
        true,
        json.flag("tie_word_embeddings", true),
        1,
        List.copyOf(scales),
        OptionalDouble.empty(),
        OptionalDouble.empty(),
        Collections.nCopies(layers, OptionalInt.empty()),
        List.of());
  }

  private ModelConfig withRotary() {
    boolean neox = family == Family.GPT_NEOX;
    boolean gemma = family == Family.GEMMA2;
    int width = json.sizeUpTo(WIDEST, "hidden_size");
    int heads = json.sizeUpTo(MOST_HEADS, "num_attention_heads");
    int headWidth =
        neox ? headWidth(width, heads, "num_attention_heads") : headWidthOf(width, heads);
    int keyValueHeads = neox ? heads : keyValueHeads(heads);
    int maxPositions = json.size("max_position_embeddings", defaultMaxPositions());
    if (gemma && json.flag("use_bidirectional_attention", false)) {
      throw json.fault("use_bidirectional_attention", "false (attention must be causal)");
    }
    double queryScalar = gemma ? json.positive("query_pre_attn_scalar", 256) : headWidth;
    boolean attentionBias = family != Family.MISTRAL && json.flag("attention_bias", neox);
    List<String> layerTypes = layerTypes();
    return new ModelConfig(
        family,
        layers,
        width,
        heads,
        keyValueHeads,
        headWidth,
        json.sizeUpTo(4 * WIDEST, "intermediate_size"),
        json.sizeUpTo(MOST_TOKENS, "vocab_size"),
        maxPositions,
        neox ? json.positive("layer_norm_eps", 1e-5) : json.positive("rms_norm_eps", 1e-6),
        gemma
            ? activation("hidden_activation", "gelu_pytorch_tanh")
            : activation("hidden_act", neox ? "gelu" : "silu"),
        neox && json.flag("use_parallel_residual", true),
        family == Family.QWEN2 || attentionBias,
        family != Family.QWEN2 && attentionBias,
        neox || (family == Family.LLAMA && json.flag("mlp_bias", false)),
        json.flag("tie_word_embeddings", gemma),
        gemma ? (float) Math.sqrt(width) : 1,
        Collections.nCopies(layers, 1 / Math.sqrt(queryScalar)),
        softcap("attn_logit_softcapping", 50),
        softcap("final_logit_softcapping", 30),
        windows(layerTypes),
        new RotaryReader(json, family, headWidth, maxPositions).perLayer(layerTypes));
  }

  private int headWidth(int width, int heads, String headsKey) {
    if (width % heads != 0) {
      throw json.fault(headsKey, "a divisor of the width, " + width);
    }
    return width / heads;
  }

  private int headWidthOf(int width, int heads) {
    return switch (family) {
      case QWEN3 -> json.sizeUpTo(WIDEST_HEAD, "head_dim", 128);
      case GEMMA2 -> json.sizeUpTo(WIDEST_HEAD, "head_dim", 256);
      default ->
          json.has("head_dim")
              ? json.sizeUpTo(WIDEST_HEAD, "head_dim")
              : headWidth(width, heads, "num_attention_heads");
    };
  }

  private int keyValueHeads(int heads) {
    int whenAbsent =
        switch (family) {
          case QWEN2, QWEN3 -> 32;
          case GEMMA2 -> 4;
          case MISTRAL -> 8;
          default -> heads;
        };
    String key = "num_key_value_heads";
    int count = json.size(key, json.mentions(key) ? heads : whenAbsent);
    if (heads % count != 0) {
      throw new PalimpsestException(
          json.file()
              + ": "
              + count
              + " key-value heads, expected a divisor of "
              + heads
              + " query heads");
    }
    return count;
  }

  private int defaultMaxPositions() {
    return switch (family) {
      case QWEN2, QWEN3 -> 32768;
      case GEMMA2 -> 8192;
      case MISTRAL -> 131072;
      default -> 2048;
    };
  }

  private Activation activation(String key, String fallback) {
    return Activation.labelled(json.text(key, fallback))
        .orElseThrow(() -> json.fault(key, "one of " + Activation.labels()));
  }

  private OptionalDouble softcap(String key, double whenAbsent) {
    if (family != Family.GEMMA2 || (json.mentions(key) && !json.has(key))) {
      return OptionalDouble.empty();
    }
    return OptionalDouble.of(json.positive(key, whenAbsent));
  }

  /** What each layer is called in {@code layer_types}: given, or by the family's rule. */
  private List<String> layerTypes() {
    boolean listed = family == Family.QWEN2 || family == Family.QWEN3 || family == Family.GEMMA2;
    if (listed && json.has("layer_types")) {
      return listedLayerTypes();
    }
    boolean qwenSlides = json.flag("use_sliding_window", false) && slidingWindow().isPresent();
    int fullLayers = json.optionalSize("max_window_layers").orElse(28);
    List<String> types = new ArrayList<>();
    for (int layer = 0; layer < layers; layer++) {
      boolean slides =
          switch (family) {
            case QWEN2, QWEN3 -> qwenSlides && layer >= fullLayers;
            case GEMMA2 -> layer % 2 == 0;
            case MISTRAL -> slidingWindow().isPresent();
            default -> false;
          };
      types.add(slides ? SLIDING : FULL);
    }
    return types;
  }

  private List<String> listedLayerTypes() {
    JsonNode node = json.node().get("layer_types");
    List<String> types = new ArrayList<>();
    node.forEach(type -> types.add(type.asText()));
    if (types.size() != layers || !List.of(SLIDING, FULL).containsAll(types)) {
      throw json.fault("layer_types", layers + " times " + SLIDING + " or " + FULL);
    }
    return types;
  }

  private OptionalInt slidingWindow() {
    return json.mentions("sliding_window")
        ? json.optionalSize("sliding_window")
        : OptionalInt.of(4096);
  }

  private List<OptionalInt> windows(List<String> layerTypes) {
    OptionalInt window = slidingWindow();
    boolean switchedOff =
        (family == Family.QWEN2 || family == Family.QWEN3)
            && !json.flag("use_sliding_window", false);
    if (layerTypes.contains(SLIDING) && (window.isEmpty() || switchedOff)) {
      throw json.fault("layer_types", "no " + SLIDING + " where no sliding window is switched on");
    }
    return layerTypes.stream()
        .map(type -> type.equals(SLIDING) ? window : OptionalInt.empty())
        .toList();
  }

  private String either(String key, String alias) {
    return json.has(key) || !json.has(alias) ? key : alias;
  }
}
