package dev.palimpsest.model;

import dev.palimpsest.tensor.Device;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;

/**
 * The different tokens of a batch. What the first block computes of a token alone (its projection
 * to queries, keys and values; beside parallel attention also its feed-forward network) is the same
 * wherever the token stands, so it is computed once for each: half the rows or fewer in a text. Our
 * kernels' results for a row do not depend on the other rows, so not a bit changes.
 *
 * @param rows int64 [n]: where each different token stands first, in the flattened batch
 * @param places int64 [B T]: which of them stands at each place
 */
record DistinctTokens(Tensor rows, Tensor places) implements AutoCloseable {
  /** Below this share of repeated tokens, copying costs more than it saves. */
  private static final double WORTHWHILE = 0.1;

  /**
   * Looks for repeated tokens.
   *
   * @return empty where they are too few, or the device is not the host
   */
  static Optional<DistinctTokens> of(TokenBatch batch, int vocabularySize, Device device) {
    if (!device.isHost()) {
      return Optional.empty();
    }
    int[] ids = batch.ids();
    int[] numbers = new int[vocabularySize]; // one more than the token's own
    long[] rows = new long[ids.length];
    long[] places = new long[ids.length];
    int count = 0;
    for (int i = 0; i < ids.length; i++) {
      if (numbers[ids[i]] == 0) {
        rows[count] = i;
        numbers[ids[i]] = ++count;
      }
      places[i] = numbers[ids[i]] - 1L;
    }
    if (ids.length - count < WORTHWHILE * ids.length) {
      return Optional.empty();
    }
    return Optional.of(
        new DistinctTokens(
            device.of(Arrays.copyOf(rows, count), count), device.of(places, ids.length)));
  }

  /**
   * Applies a function of single rows.
   *
   * @param x [B, T, d], equal for equal tokens
   * @param function from [1, n, d] to [1, n, width]
   * @return [B, T, width]
   */
  Tensor apply(Tensor x, UnaryOperator<Tensor> function) {
    Tensor few = x.view(-1, x.size(2)).index_select(0, rows).unsqueeze(0);
    Tensor result = function.apply(few).squeeze(0);
    return result.index_select(0, places).view(x.size(0), x.size(1), result.size(1));
  }

  @Override
  public void close() {
    rows.close();
    places.close();
  }
}
