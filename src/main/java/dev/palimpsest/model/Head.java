package dev.palimpsest.model;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * From the normalised residual stream to logits. On the host by our own kernel, so that the bits of
 * a row's logits depend on that row alone: weights that are the head's alone are held packed for it
 * and in no other form, those of the embedding are packed when logits are first asked for.
 */
final class Head {
  /** Rows of a panel of packed weights. */
  private static final int PANEL = 32;

  private final ModelConfig config;
  private final Device device;
  private final Precision precision;
  private final List<Pointer> owned;
  private Optional<Tensor> weight;
  private Optional<Linear> packed = Optional.empty();

  private Head(
      ModelConfig config, Tensor weight, Device device, Precision precision, List<Pointer> owned) {
    this.config = config;
    this.weight = Optional.of(weight);
    this.device = device;
    this.precision = precision;
    this.owned = owned;
  }

  /**
   * A head that is the embedding, too.
   *
   * @param embedding [V, d], where the model lives; stays the caller's
   * @param owned receives what must be freed with the model, now or later
   */
  static Head tied(
      ModelConfig config,
      Tensor embedding,
      Device device,
      Precision precision,
      List<Pointer> owned) {
    return new Head(config, embedding, device, precision, owned);
  }

  /**
   * A head of its own.
   *
   * @param weight the unembedding [V, d], where the model lives; taken over
   * @param owned receives what must be freed with the model, now or later
   */
  static Head untied(
      ModelConfig config, Tensor weight, Device device, Precision precision, List<Pointer> owned) {
    Head head = new Head(config, weight, device, precision, owned);
    if (device.isHost()) {
      try (weight) {
        head.packed();
      }
      head.weight = Optional.empty();
    } else {
      owned.add(weight);
    }
    return head;
  }

  /** Logits [..., V] of [..., d]; of the open scope. */
  Tensor logits(Tensor x) {
    Tensor logits =
        device.isHost()
            ? packed().apply(x)
            : new Linear.OnDevice(weight(), new TensorOptional()).apply(x);
    config.logitSoftcap().ifPresent(cap -> AttentionMixer.softcap(logits, cap));
    return logits;
  }

  /** The layer that makes logits, where that is all there is to it and it is our own kernel. */
  Optional<DenseLayer> layer() {
    return device.isHost() && config.logitSoftcap().isEmpty() && packed() instanceof Linear.Packed p
        ? Optional.of(p.layer())
        : Optional.empty();
  }

  /** The unembedding [V, d], in the model's precision; belongs to the model. */
  synchronized Tensor weight() {
    if (weight.isEmpty()) {
      try (PointerScope scope = new PointerScope()) {
        Tensor unpacked = Tensors.keep(unpacked());
        owned.add(unpacked);
        weight = Optional.of(unpacked);
      }
    }
    return weight.get();
  }

  /** Takes apart what {@link Linear#packed} made: panels of 32 rows, in bf16 of pairs. */
  private Tensor unpacked() {
    long rows = config.vocabularySize();
    long width = config.width();
    Tensor bytes = ((Linear.Packed) packed()).bytes();
    Tensor all;
    if (precision == Precision.BF16) {
      long pairs = (width + 1) / 2;
      all =
          bytes
              .view(torch.ScalarType.BFloat16)
              .view(-1, pairs, PANEL, 2)
              .flip(3)
              .permute(0, 2, 1, 3)
              .reshape(-1, 2 * pairs);
    } else {
      all =
          bytes
              .view(torch.ScalarType.Float)
              .view(-1, width, PANEL)
              .permute(0, 2, 1)
              .reshape(-1, width);
    }
    return all.narrow(0, 0, rows).narrow(1, 0, width).contiguous();
  }

  private synchronized Linear packed() {
    if (packed.isEmpty()) {
      try (PointerScope scope = new PointerScope()) {
        packed =
            Optional.of(Linear.packed(device, precision, weight(), false, Optional.empty(), owned));
      }
    }
    return packed.get();
  }
}
