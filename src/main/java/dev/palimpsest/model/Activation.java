package dev.palimpsest.model;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The elementwise functions that {@code config.json} may name. */
@SuppressWarnings("ImmutableEnumChecker") // the lists and functions are immutable
public enum Activation {
  /** x Φ(x) (Hendrycks & Gimpel 2016). */
  GELU(List.of("gelu", "gelu_python"), torch::gelu_),
  /** GELU clipped to [-10, 10]. */
  GELU_CLIPPED(
      List.of("gelu_10"),
      x ->
          torch.clamp_(
              torch.gelu_(x),
              new ScalarOptional(new Scalar(-10.0)),
              new ScalarOptional(new Scalar(10.0)))),
  /** x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), under its many names. */
  GELU_TANH(
      List.of("gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"),
      x -> torch.gelu_(x, "tanh")),
  /** x σ(1.702 x). */
  QUICK_GELU(List.of("quick_gelu"), x -> x.mul_(torch.sigmoid_(x.mul(new Scalar(1.702))))),
  /** max(x, 0). */
  RELU(List.of("relu"), torch::relu_),
  /** max(x, 0)². */
  RELU_SQUARED(List.of("relu2"), x -> torch.square_(torch.relu_(x))),
  /** min(max(x, 0), 6). */
  RELU6(List.of("relu6"), torch::relu6_),
  /** x, or 0.01 x where negative. */
  LEAKY_RELU(List.of("leaky_relu"), torch::leaky_relu_),
  /** x σ(x). */
  SILU(List.of("silu", "swish"), torch::silu_),
  /** x tanh(ln(1 + eˣ)). */
  MISH(List.of("mish"), torch::mish_),
  /** tanh x. */
  TANH(List.of("tanh"), torch::tanh_),
  /** 1 / (1 + e⁻ˣ). */
  SIGMOID(List.of("sigmoid"), torch::sigmoid_),
  /** x min(max(x + 3, 0), 6) / 6. */
  HARD_SWISH(List.of("hardswish"), torch::hardswish_),
  /** √ln(1 + eˣ). */
  SQRT_SOFTPLUS(List.of("sqrtsoftplus"), x -> torch.sqrt_(torch.softplus(x))),
  /** (1 + erf((x - 0.707107) / (0.282095 √2))) / 2 (Ma et al. 2022). */
  LAPLACE(
      List.of("laplace"),
      x ->
          torch
              .erf_(x.sub_(new Scalar(0.707107)).div_(new Scalar(0.282095 * Math.sqrt(2))))
              .add_(new Scalar(1.0))
              .mul_(new Scalar(0.5))),
  /** x. */
  LINEAR(List.of("linear"), x -> x);

  private final List<String> labels;
  private final UnaryOperator<Tensor> function;

  Activation(List<String> labels, UnaryOperator<Tensor> function) {
    this.labels = labels;
    this.function = function;
  }

  /** Applies the function, overwriting {@code x} where it can; use the result only. */
  Tensor applyTo(Tensor x) {
    return function.apply(x);
  }

  /** The function of a configuration's name, or empty. */
  static Optional<Activation> labelled(String label) {
    return Arrays.stream(values()).filter(a -> a.labels.contains(label)).findFirst();
  }

  /** Every name there is. */
  static List<String> labels() {
    return Arrays.stream(values()).flatMap(a -> a.labels.stream()).sorted().toList();
  }
}
