package dev.palimpsest.model;

import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * A model's weights in native memory, one copy each: embedding, head and projections in the model's
 * precision, all else in float32.
 *
 * @param embedding [V, d]
 * @param positions learned positions [P, d], if any
 * @param blocks one a layer
 * @param finalNorm before the head
 * @param head what comes after it
 * @param owned everything to be freed
 */
record Weights(
    Tensor embedding,
    Optional<Tensor> positions,
    List<Block> blocks,
    Norm finalNorm,
    Head head,
    List<Pointer> owned)
    implements AutoCloseable {

  /**
   * The weights of one block.
   *
   * @param attentionNorm before attention
   * @param queryKeyValue d to (all queries, all keys, all values), head by head
   * @param queryNorm over each query head, if any
   * @param keyNorm over each key head, if any
   * @param attentionOut from the heads back to d
   * @param attentionOutNorm on what attention adds, if any
   * @param mlpNorm before the feed-forward network
   * @param mlpIn d to the hidden units; where gated, the gates first, then the units
   * @param mlpOut from the hidden units back to d
   * @param mlpOutNorm on what the network adds, if any
   */
  record Block(
      Norm attentionNorm,
      Linear queryKeyValue,
      Optional<Norm> queryNorm,
      Optional<Norm> keyNorm,
      Linear attentionOut,
      Optional<Norm> attentionOutNorm,
      Norm mlpNorm,
      Linear mlpIn,
      Linear mlpOut,
      Optional<Norm> mlpOutNorm) {}

  /** A normalisation over the last dimension. */
  sealed interface Norm {
    /** A new tensor of {@code x}'s shape. */
    Tensor apply(Tensor x);
  }

  /** (x - mean) / √(variance + ε) · weight + bias. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record LayerNorm(long[] width, TensorOptional weight, TensorOptional bias, double epsilon)
      implements Norm {
    @Override
    public Tensor apply(Tensor x) {
      return torch.layer_norm(x, width, weight, bias, epsilon, false);
    }
  }

  /** x / √(mean of squares + ε) · weight. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record RmsNorm(long[] width, TensorOptional weight, DoubleOptional epsilon) implements Norm {
    @Override
    public Tensor apply(Tensor x) {
      return torch.rms_norm(x, width, weight, epsilon);
    }
  }

  @Override
  public void close() {
    owned.forEach(Pointer::close);
  }
}
