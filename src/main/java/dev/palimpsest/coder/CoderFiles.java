package dev.palimpsest.coder;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A coder's folder as sparsify lays it out: {@code cfg.json} and {@code sae.safetensors}, with the
 * bytes that sparsify writes. Beside them are their checksums (see {@link CoderSeal}).
 */
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
    CoderSeal.require(folder);
    try (SafeTensors tensors = SafeTensors.open(file)) {
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
   * Writes a folder's files, each whole or not at all; {@code cfg.json} last, as it marks the
   * folder as a coder.
   */
  static void write(Path folder, CoderConfig config, ParameterSet parameters) {
    SafeTensorsWriter writer = new SafeTensorsWriter();
    parameters.addTo(writer, "");
    CoderSeal.remove(folder);
    writer.write(folder.resolve(NAME));
    CoderConfigFile.write(folder.resolve(CoderConfigFile.NAME), config);
    CoderSeal.write(folder);
  }

  /**
   * Copies a folder's files.
   *
   * @throws PalimpsestException naming the file that cannot be read or written
   */
  static void copy(Path from, Path to) {
    try {
      CoderSeal.require(from);
      Files.createDirectories(to);
      CoderSeal.remove(to);
      AtomicFiles.copy(from.resolve(NAME), to.resolve(NAME));
      AtomicFiles.copy(from.resolve(CoderConfigFile.NAME), to.resolve(CoderConfigFile.NAME));
      CoderSeal.write(to);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot copy the coder " + from + " to " + to + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }
}
