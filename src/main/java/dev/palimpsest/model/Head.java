package dev.palimpsest.model;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;

/**
 * From the normalised residual stream to logits. On the host its weights are packed for our own
 * kernel when they are first used, so that the bits of a row's logits depend on that row alone.
 */
final class Head implements AutoCloseable {
  private final ModelConfig config;
  private final Tensor weight;
  private final Device device;
  private final Precision precision;
  private final List<Pointer> owned = new ArrayList<>();
  private Optional<Linear> packed = Optional.empty();

  /**
   * @param weight the unembedding [V, d], which must outlive this object
   */
  Head(ModelConfig config, Tensor weight, Device device, Precision precision) {
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

  private synchronized Linear packed() {
    if (packed.isEmpty()) {
      try (PointerScope scope = new PointerScope()) {
        packed =
            Optional.of(Linear.packed(device, precision, weight, false, Optional.empty(), owned));
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
