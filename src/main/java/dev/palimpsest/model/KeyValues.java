package dev.palimpsest.model;

import dev.palimpsest.tensor.Tensors;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;

/**
 * The attention keys and values of one pass, so that another can recompute a single later position
 * without the ones before it: what precedes a position does not depend on it.
 */
public final class KeyValues implements AutoCloseable {
  private final int firstLayer;
  private final Map<Integer, Pair> layers = new HashMap<>();

  /**
   * What one block's attention sees.
   *
   * @param keys [rows, T, key-value heads, c], normalised and turned to their positions
   * @param values [rows, T, key-value heads, c]
   */
  record Pair(Tensor keys, Tensor values) {}

  /**
   * @param firstLayer blocks before this one are not remembered
   */
  public KeyValues(int firstLayer) {
    this.firstLayer = firstLayer;
  }

  /** Copies what a block's attention sees. */
  void put(int layer, Tensor keys, Tensor values) {
    if (layer >= firstLayer) {
      Pair pair = new Pair(Tensors.keep(keys.clone()), Tensors.keep(values.clone()));
      Optional.ofNullable(layers.put(layer, pair)).ifPresent(KeyValues::free);
    }
  }

  /**
   * The same of some rows, in a new order; the caller closes it.
   *
   * @param chosen int64 [J]; a row may come several times
   */
  public KeyValues rows(Tensor chosen) {
    KeyValues some = new KeyValues(firstLayer);
    layers.forEach(
        (layer, pair) ->
            some.layers.put(
                layer,
                new Pair(
                    Tensors.keep(pair.keys.index_select(0, chosen)),
                    Tensors.keep(pair.values.index_select(0, chosen)))));
    return some;
  }

  /** What a block's attention saw. */
  Pair get(int layer) {
    return Optional.ofNullable(layers.get(layer))
        .orElseThrow(
            () -> new IllegalStateException("no keys and values are remembered of layer " + layer));
  }

  @Override
  public void close() {
    layers.values().forEach(KeyValues::free);
    layers.clear();
  }

  private static void free(Pair pair) {
    pair.keys.close();
    pair.values.close();
  }
}
