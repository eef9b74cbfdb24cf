package dev.palimpsest.model;

import dev.palimpsest.kernels.CausalAttention;
import dev.palimpsest.kernels.CausalAttention.Heads;
import dev.palimpsest.kernels.HostWorkspaces;
import dev.palimpsest.kernels.Sequences;
import dev.palimpsest.tensor.BlasThreads;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.OptionalInt;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * What attention does between its projections: softmax(scale · q kᵀ) v over the positions each
 * query may see. On the host by our own kernel, which reads heads where they lie; by libtorch on
 * other devices, where scores are capped, and for a last query alone. B rows, T queries, S
 * positions, H heads of c channels, K heads of keys.
 */
final class AttentionMixer {
  private final ModelConfig config;
  private final PositionTables tables;
  private final Device device;

  AttentionMixer(ModelConfig config, PositionTables tables, Device device) {
    this.config = config;
    this.tables = tables;
    this.device = device;
  }

  /**
   * Mixes values.
   *
   * @param q [B, T, H, c], T = S, or 1: the last position alone
   * @param k [B, S, K, c]
   * @param v [B, S, K, c]
   * @return [B, T, H · c]
   */
  Tensor mix(int layer, Tensor q, Tensor k, Tensor v) {
    if (device.isHost() && config.attentionSoftcap().isEmpty() && q.size(1) == k.size(1)) {
      return byOurKernel(layer, q, k, v);
    }
    Tensor mixed =
        BlasThreads.forSmallProducts(
            () ->
                byLibtorch(
                    layer,
                    q.transpose(1, 2),
                    perQueryHead(k).transpose(1, 2),
                    perQueryHead(v).transpose(1, 2)));
    return mixed.transpose(1, 2).reshape(q.size(0), q.size(1), config.queryWidth());
  }

  /**
   * The same for tokens that come after others: bit for bit what {@link #mix} gives for the whole
   * sequences, where that is our own kernel.
   *
   * @param q [1, N, H, c]
   * @param pass has the keys and values
   * @param few whether the queries are only those that the pass wants
   * @return [1, N, H · c]
   */
  Tensor mixAfter(int layer, Tensor q, ExtensionPass pass, boolean few) {
    if (!device.isHost() || config.attentionSoftcap().isPresent()) {
      return pass.each(
          layer,
          q,
          few,
          (queries, keys, values) ->
              BlasThreads.forSmallProducts(
                      () ->
                          byLibtorch(
                              layer,
                              queries.transpose(1, 2),
                              perQueryHead(keys).transpose(1, 2),
                              perQueryHead(values).transpose(1, 2)))
                  .transpose(1, 2)
                  .reshape(1, queries.size(1), config.queryWidth()));
    }
    Tensor result = result(1, q.size(1));
    try (Sequences sequences = pass.sequences(layer, few)) {
      HostWorkspaces.lend(
          workspace ->
              kernel(layer, 1, pass.longest())
                  .applyAfter(heads(q), sequences, device.data(result), workspace));
    }
    return result;
  }

  private Tensor byOurKernel(int layer, Tensor q, Tensor k, Tensor v) {
    Tensor result = result(q.size(0), q.size(1));
    HostWorkspaces.lend(
        workspace ->
            kernel(layer, q.size(0), q.size(1))
                .apply(heads(q), heads(k), heads(v), device.data(result), workspace));
    return result;
  }

  private Tensor result(long rows, long length) {
    return Tensors.lend(device.empty(torch.ScalarType.Float, rows, length, config.queryWidth()));
  }

  private CausalAttention kernel(int layer, long rows, long length) {
    return new CausalAttention(
        rows,
        length,
        config.heads(),
        config.keyValueHeads(),
        config.headWidth(),
        config.windows().get(layer).orElse(0),
        config.attentionScale().get(layer));
  }

  private Heads heads(Tensor x) {
    return new Heads(device.data(x), x.stride(0), x.stride(1), x.stride(2));
  }

  /**
   * Repeats each key-value head for the query heads that share it: [B, S, K, c] to [B, S, H, c].
   */
  private Tensor perQueryHead(Tensor x) {
    long sharing = config.heads() / config.keyValueHeads();
    return sharing == 1
        ? x
        : x.unsqueeze(3)
            .expand(x.size(0), x.size(1), config.keyValueHeads(), sharing, config.headWidth())
            .reshape(x.size(0), x.size(1), config.heads(), config.headWidth());
  }

  /**
   * {@link #mix} of [B, H, T, c] and twice [B, H, S, c] to [B, H, T, c]; queries are those of the
   * last T positions.
   */
  private Tensor byLibtorch(int layer, Tensor q, Tensor k, Tensor v) {
    int length = (int) k.size(2);
    double scale = config.attentionScale().get(layer);
    OptionalInt window = config.windows().get(layer);
    if (q.size(2) == 1) {
      int reach = Math.min(length, window.orElse(length));
      return mixLast(
          q, k.narrow(2, length - reach, reach), v.narrow(2, length - reach, reach), scale);
    }
    if (window.isPresent() && window.getAsInt() >= length) {
      window = OptionalInt.empty();
    }
    long queries = q.size(2);
    if (config.attentionSoftcap().isPresent()) {
      Tensor scores = torch.matmul(q, k.transpose(2, 3)).mul_(new Scalar(scale));
      softcap(scores, config.attentionSoftcap().getAsDouble());
      Tensor mask = tables.mask(window, length).narrow(0, length - queries, queries);
      return torch.matmul(torch.softmax(scores.add_(mask), -1), v);
    }
    boolean masked = window.isPresent() || queries < length;
    TensorOptional mask =
        masked
            ? new TensorOptional(tables.mask(window, length).narrow(0, length - queries, queries))
            : new TensorOptional();
    return torch.scaled_dot_product_attention(
        q, k, v, mask, 0, !masked, new DoubleOptional(scale), false);
  }

  /** {@link #byLibtorch} for one query that sees all keys. */
  private Tensor mixLast(Tensor q, Tensor k, Tensor v, double scale) {
    Tensor scores = torch.matmul(q, k.transpose(2, 3)).mul_(new Scalar(scale));
    config.attentionSoftcap().ifPresent(cap -> softcap(scores, cap));
    return torch.matmul(torch.softmax(scores, -1), v);
  }

  /** c tanh(x/c), in place (Gemma 2). */
  static void softcap(Tensor x, double cap) {
    x.div_(new Scalar(cap)).tanh_().mul_(new Scalar(cap));
  }
}
