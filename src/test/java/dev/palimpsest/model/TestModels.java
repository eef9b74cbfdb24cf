package dev.palimpsest.model;

import dev.palimpsest.safetensors.SafeTensors;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/** The tiny reference checkpoints among the test resources. */
public final class TestModels {
  private TestModels() {}

  /** The folder of a family's checkpoint. */
  public static Path golden(String name) {
    try {
      return Path.of(
              Objects.requireNonNull(
                      TestModels.class.getResource("/golden/models/" + name + "/config.json"))
                  .toURI())
          .resolveSibling("");
    } catch (URISyntaxException failure) {
      throw new AssertionError(failure);
    }
  }

  /** {@code input_ids} of a reference file. */
  public static TokenBatch inputIds(SafeTensors file) {
    long[] shape = file.info("input_ids").shape();
    int[] ids = Arrays.stream(file.longs("input_ids")).mapToInt(Math::toIntExact).toArray();
    return new TokenBatch((int) shape[0], (int) shape[1], ids);
  }
}
