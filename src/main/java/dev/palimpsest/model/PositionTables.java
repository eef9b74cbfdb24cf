package dev.palimpsest.model;

import dev.palimpsest.tensor.Device;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalInt;
import org.bytedeco.pytorch.Tensor;

/**
 * Tables that depend on positions alone, made once for the longest sequence so far: cosines and
 * sines of rotary embeddings, masks of attention. Safe for concurrent passes.
 */
final class PositionTables implements AutoCloseable {
  /**
   * Cosines and sines of one rotary embedding.
   *
   * @param cosines [T, 1, width/2]
   * @param sines [T, 1, width/2]
   */
  record Angles(int length, Tensor cosines, Tensor sines) {}

  private final Map<Rotary, Angles> angles = new HashMap<>();
  private final Map<OptionalInt, Tensor> masks = new HashMap<>();
  private final Device device;

  PositionTables(Device device) {
    this.device = device;
  }

  /**
   * The table of a rotary embedding for a sequence of {@code length}: views of the caller's own.
   */
  synchronized Angles angles(Rotary rotary, int length) {
    Angles known = angles.get(rotary);
    if (known == null
        || (rotary.dependsOnLength() ? known.length != length : known.length < length)) {
      if (known != null) {
        known.cosines.close();
        known.sines.close();
      }
      known = make(rotary, length);
      angles.put(rotary, known);
    }
    return new Angles(length, known.cosines.narrow(0, 0, length), known.sines.narrow(0, 0, length));
  }

  private Angles make(Rotary rotary, int length) {
    float[] frequencies = rotary.frequencies(length);
    float[] cosines = new float[length * frequencies.length];
    float[] sines = new float[cosines.length];
    for (int position = 0, i = 0; position < length; position++) {
      for (float frequency : frequencies) {
        float angle = frequency * position;
        cosines[i] = (float) (Math.cos(angle) * rotary.amplitude());
        sines[i++] = (float) (Math.sin(angle) * rotary.amplitude());
      }
    }
    long half = frequencies.length;
    return new Angles(
        length, device.of(cosines, length, 1, half), device.of(sines, length, 1, half));
  }

  /**
   * What to add to attention scores [T, T]: 0 where the query (row) may see the key (column), else
   * -∞.
   *
   * @param window how many positions a query sees, itself included; empty: all up to itself
   * @return a view of the caller's own
   */
  synchronized Tensor mask(OptionalInt window, int length) {
    Tensor known = masks.get(window);
    if (known != null && known.size(0) == length) {
      return known.narrow(0, 0, length);
    }
    int reach = window.orElse(length);
    float[] mask = new float[length * length];
    for (int query = 0, i = 0; query < length; query++) {
      for (int key = 0; key < length; key++, i++) {
        mask[i] = key <= query && query - key < reach ? 0 : Float.NEGATIVE_INFINITY;
      }
    }
    if (known != null) {
      known.close();
    }
    Tensor made = device.of(mask, length, length);
    masks.put(window, made);
    return made.narrow(0, 0, length);
  }

  @Override
  public synchronized void close() {
    angles
        .values()
        .forEach(
            table -> {
              table.cosines.close();
              table.sines.close();
            });
    masks.values().forEach(Tensor::close);
    angles.clear();
    masks.clear();
  }
}
