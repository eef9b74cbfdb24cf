package dev.palimpsest.coder;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.file.Path;
import java.util.Arrays;

/** A coder's folder as sparsify lays it out: {@code cfg.json} and {@code sae.safetensors}. */
final class CoderFiles {
  static final String NAME = "sae.safetensors";

  /** What a folder holds. */
  record Loaded(CoderConfig config, ParameterSet parameters) {}

  private CoderFiles() {}

  /**
   * Reads a folder; any real dtype becomes float32.
   *
   * @param where the weights go
   * @throws PalimpsestException naming file, tensor or key, found and expected
   */
  static Loaded read(Path folder, Memory where) {
    Path file = folder.resolve(NAME);
    try (SafeTensors tensors = SafeTensors.openChecked(file)) {
      long[] encoder = tensors.info(ParameterSet.ENCODER).shape();
      if (encoder.length != 2) {
        throw new PalimpsestException(
            file
                + ": tensor '"
                + ParameterSet.ENCODER
                + "' has shape "
                + Arrays.toString(encoder)
                + ", expected [latents, width]");
      }
      boolean skip = tensors.contains(ParameterSet.SKIP);
      CoderConfig config =
          CoderConfigFile.read(folder.resolve(CoderConfigFile.NAME), encoder, skip);
      if (skip && !config.skipConnection()) {
        throw new PalimpsestException(
            file
                + ": tensor '"
                + ParameterSet.SKIP
                + "' is present, but "
                + CoderConfigFile.NAME
                + " says skip_connection is false");
      }
      tensors.expectShape(ParameterSet.ENCODER, config.numLatents(), config.width());
      if (config.skipConnection()) { // before memory is taken for it
        tensors.expectShape(ParameterSet.SKIP, config.width(), config.width());
      }
      ParameterSet parameters = new ParameterSet(config, where);
      try {
        parameters.readFrom(tensors, "");
      } catch (RuntimeException failure) {
        parameters.close();
        throw failure;
      }
      return new Loaded(config, parameters);
    }
  }

  /**
   * Writes both files, each whole or not at all; {@code cfg.json} last, as it marks the folder as a
   * coder.
   */
  static void write(Path folder, CoderConfig config, ParameterSet parameters) {
    // A checksum in the metadata, which sparsify passes over: a flipped bit must not compute on.
    SafeTensorsWriter writer = new SafeTensorsWriter().sealed();
    parameters.addTo(writer, "");
    writer.write(folder.resolve(NAME));
    CoderConfigFile.write(folder.resolve(CoderConfigFile.NAME), config);
  }
}
