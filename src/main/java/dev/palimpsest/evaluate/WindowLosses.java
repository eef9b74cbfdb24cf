package dev.palimpsest.evaluate;

import dev.palimpsest.base.Json;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.file.Path;
import java.util.List;

/**
 * The losses behind a loss table, window by window, for other statistics later: a safetensors file
 * with {@code ce} and {@code kl} [variants, windows] (f32, nats per token, means over the window's
 * counted tokens), {@code squared_error} [variants, windows] (f32, of what stands in the module's
 * place, likewise), {@code tokens} [windows] (counted tokens), {@code window} [windows] (index in
 * the evaluated split) and {@code document} [windows] (a number that the windows of one document
 * share: resample these, not windows); the metadata entry {@code variants} lists the rows' names as
 * JSON.
 */
public final class WindowLosses {
  private WindowLosses() {}

  /**
   * Writes the file, whole or not at all.
   *
   * @param variants names of the table's rows
   * @param windows index of each of the table's windows in its split
   */
  public static void write(Path file, List<String> variants, long[] windows, LossTable table) {
    int count = table.windows();
    float[] ce = new float[variants.size() * count];
    float[] kl = new float[variants.size() * count];
    float[] errors = new float[variants.size() * count];
    for (int v = 0; v < variants.size(); v++) {
      for (int w = 0; w < count; w++) {
        ce[v * count + w] = (float) (table.crossEntropy(v)[w] / table.tokens()[w]);
        kl[v * count + w] = (float) (table.divergence(v)[w] / table.tokens()[w]);
        errors[v * count + w] = (float) (table.squaredError(v)[w] / table.tokens()[w]);
      }
    }
    long[] shape = {variants.size(), count};
    new SafeTensorsWriter()
        .metadata("variants", Json.line(variants))
        .add("ce", shape, ce)
        .add("kl", shape, kl)
        .add("squared_error", shape, errors)
        .add("tokens", DType.I32, new long[] {count}, table.tokens())
        .add("window", new long[] {count}, windows)
        .add("document", new long[] {count}, table.documents())
        .write(file);
  }
}
