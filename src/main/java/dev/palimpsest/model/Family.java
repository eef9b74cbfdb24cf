package dev.palimpsest.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The architectures there are, with what does not depend on the size: kinds of module and names of
 * tensors.
 */
public enum Family {
  /** GPT-NeoX (Black et al. 2022): Pythia. */
  GPT_NEOX("gpt_neox", "gpt_neox.", "layers", "attention", Norms.LAYER, false),
  /** GPT-2 (Radford et al. 2019). */
  GPT2("gpt2", "transformer.", "h", "attn", Norms.LAYER, false),
  /** Llama 1 to 3 (Touvron et al. 2023). */
  LLAMA("llama", "model.", "layers", "self_attn", Norms.RMS, true),
  /** Qwen 2 and 2.5. */
  QWEN2("qwen2", "model.", "layers", "self_attn", Norms.RMS, true),
  /** Qwen 3: normalised queries and keys. */
  QWEN3("qwen3", "model.", "layers", "self_attn", Norms.RMS, true),
  /** Gemma 2: norms before and after each module, capped scores and logits. */
  GEMMA2("gemma2", "model.", "layers", "self_attn", Norms.RMS_PLUS_ONE, true),
  /** Mistral (Jiang et al. 2023). */
  MISTRAL("mistral", "model.", "layers", "self_attn", Norms.RMS, true);

  /** The kinds of normalisation. */
  enum Norms {
    /** Mean and variance, with weight and bias. */
    LAYER,
    /** Root mean square, with weight. */
    RMS,
    /** Root mean square, multiplied by 1 + weight. */
    RMS_PLUS_ONE
  }

  private final String modelType;
  private final String prefix;
  private final String layerList;
  private final String attention;
  private final Norms norms;
  private final boolean gated;

  Family(
      String modelType,
      String prefix,
      String layerList,
      String attention,
      Norms norms,
      boolean gated) {
    this.modelType = modelType;
    this.prefix = prefix;
    this.layerList = layerList;
    this.attention = attention;
    this.norms = norms;
    this.gated = gated;
  }

  /** {@code model_type} in {@code config.json}. */
  public String modelType() {
    return modelType;
  }

  /** What full module names begin with, such as {@code "gpt_neox."}. */
  String prefix() {
    return prefix;
  }

  Norms norms() {
    return norms;
  }

  /** Whether the feed-forward network is down(act(gate x) · up x) rather than out(act(in x)). */
  boolean gated() {
    return gated;
  }

  /**
   * Whether the reference calls attention with one plain tensor, so that its input is recorded like
   * an MLP's.
   */
  boolean attentionHasPlainInput() {
    return this == GPT_NEOX || this == GPT2;
  }

  /** The name of a hookpoint, without the prefix. */
  String nameOf(Hookpoint hookpoint) {
    String layer = layerList + "." + hookpoint.layer();
    return switch (hookpoint.site()) {
      case LAYER -> layer;
      case ATTENTION -> layer + "." + attention;
      case MLP -> layer + ".mlp";
    };
  }

  static Optional<Family> ofModelType(String modelType) {
    return Arrays.stream(values()).filter(f -> f.modelType.equals(modelType)).findFirst();
  }

  static String supported() {
    return List.of(values()).stream().map(Family::modelType).collect(Collectors.joining(", "));
  }
}
