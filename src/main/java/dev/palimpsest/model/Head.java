package dev.palimpsest.model;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * From the normalised residual stream to logits. On the host its weights are packed for our own
 * kernel when they are first used, so that the bits of a row's logits depend on that row alone;
 * what they were packed from is then given back, unless it is needed elsewhere.
 */
final class Head implements AutoCloseable {
  /** Rows of a panel of packed weights. */
  private static final int PANEL = 32;

  private final ModelConfig config;
  private Tensor weight;
  private final Device device;
  private final Precision precision;
  private final List<Pointer> owned = new ArrayList<>();
  private Optional<Linear> packed = Optional.empty();
  private boolean kept;

  /**
   * @param weight the unembedding [V, d]; closed once it is packed, unless it is kept
   * @param kept whether it is the embedding, too
   */
  Head(ModelConfig config, Tensor weight, boolean kept, Device device, Precision precision) {
    this.kept = kept;
    this.config = config;
    this.weight = weight;
    this.device = device;
    this.precision = precision;
  }

  /** Logits [..., V] of [..., d]; of the open scope. */
  Tensor logits(Tensor x) {
    Tensor logits =
        device.isHost()
            ? packed().apply(x)
            : new Linear.OnDevice(weight, new TensorOptional()).apply(x);
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
    if (!kept && packed.isPresent()) {
      try (PointerScope scope = new PointerScope()) {
        weight = Tensors.keep(unpacked((Tensor) owned.get(0)));
        owned.add(weight);
      }
    }
    kept = true;
    return weight;
  }

  /** Takes apart what {@link Linear#packed} made: panels of 32 rows, in bf16 of pairs. */
  private Tensor unpacked(Tensor bytes) {
    long rows = config.vocabularySize();
    long width = config.width();
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
            Optional.of(Linear.packed(device, precision, weight, false, Optional.empty(), owned));
      }
      if (!kept) {
        weight.close();
      }
    }
    return packed.get();
  }

  @Override
  public synchronized void close() {
    owned.forEach(Pointer::close);
    owned.clear();
    packed = Optional.empty();
  }
}
