package dev.palimpsest.activations;

import dev.palimpsest.base.StateFiles;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A small activation cache that no model has made, and its reader. */
public final class ActivationFuzzing {
  private ActivationFuzzing() {}

  /** Four windows of three tokens in two shards. */
  public static void write(Path folder) {
    CachePlan plan =
        new CachePlan(
            CachePlan.FORMAT,
            new ModelDigest(Map.of("model.safetensors", "ab")),
            "cd",
            1,
            "train",
            3,
            4,
            9,
            2,
            List.of("layers.1.mlp.input", "layers.1.mlp.output"),
            "fp32",
            "fp32",
            List.of(3),
            2);
    StateFiles.writeSealed(folder.resolve(ActivationCache.PLAN), plan);
    for (int shard = 0; shard < plan.shards(); shard++) {
      float[] values = new float[plan.windowsIn(shard) * plan.windowElements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = 100 * shard + i;
      }
      new SafeTensorsWriter()
          .sealed()
          .metadata(ActivationCache.OF, plan.digest())
          .metadata(ActivationCache.NUMBER, "" + shard)
          .add(ActivationCache.TENSOR, plan.type().dtype(), plan.shardShape(shard), values)
          .write(folder.resolve(CachePlan.fileName(shard)));
    }
  }

  /** Opens the cache and reads all of it. */
  public static void read(Path folder) {
    ActivationCache cache = ActivationCache.open(folder);
    float[] row = new float[1];
    for (long slot = 0; slot < cache.windows(); slot++) {
      cache.read(slot, 0, 0, 1, row);
    }
  }
}
