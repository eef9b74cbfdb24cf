package dev.palimpsest.train;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.file.Path;
import java.util.Map;

/**
 * A trainer between two updates, as a safetensors file with a checksum: {@code parameters.*},
 * {@code first.*} and {@code second.*}, the firing record, and the scalars below as metadata.
 *
 * @param optimizer whose moments these are
 * @param step updates done
 * @param tokens rows trained on
 * @param decoderIsNormalized whether the decoder's rows are ready for the next forward
 */
record TrainerState(Optimizer optimizer, long step, long tokens, boolean decoderIsNormalized) {
  private static final String PARAMETERS = "parameters.";

  void write(Path file, ParameterSet parameters, OptimizerState state, FiringRecord firings) {
    SafeTensorsWriter writer =
        new SafeTensorsWriter()
            .sealed()
            .metadata("optimizer", optimizer.label())
            .metadata("step", Long.toString(step))
            .metadata("tokens", Long.toString(tokens))
            .metadata("decoder_is_normalized", Boolean.toString(decoderIsNormalized));
    parameters.addTo(writer, PARAMETERS);
    state.addTo(writer);
    firings.addTo(writer);
    writer.write(file);
  }

  /**
   * Reads all of a file, whose checksum is compared first.
   *
   * @throws PalimpsestException naming file and fault; arrays may then be half read
   */
  static TrainerState read(
      Path file,
      Optimizer expected,
      ParameterSet parameters,
      OptimizerState state,
      FiringRecord firings) {
    try (SafeTensors tensors = SafeTensors.openSealed(file)) {
      Map<String, String> metadata = tensors.metadata();
      String optimizer = text(file, metadata, "optimizer");
      if (!optimizer.equals(expected.label())) {
        throw new PalimpsestException(
            file
                + ": state of optimizer "
                + Quoted.of(optimizer)
                + ", expected "
                + expected.label());
      }
      TrainerState read =
          new TrainerState(
              expected,
              number(file, metadata, "step"),
              number(file, metadata, "tokens"),
              Boolean.parseBoolean(text(file, metadata, "decoder_is_normalized")));
      parameters.readFrom(tensors, PARAMETERS);
      state.readFrom(tensors);
      firings.readFrom(tensors, read.tokens());
      return read;
    }
  }

  private static long number(Path file, Map<String, String> metadata, String key) {
    String text = text(file, metadata, key);
    if (!text.matches("\\d{1,18}")) {
      throw notANumber(file, key, text);
    }
    return Long.parseLong(text);
  }

  private static PalimpsestException notANumber(Path file, String key, String text) {
    return new PalimpsestException(
        file
            + ": metadata "
            + key
            + " is '"
            + Quoted.of(text)
            + "', expected a whole number not below 0");
  }

  private static String text(Path file, Map<String, String> metadata, String key) {
    String value = metadata.get(key);
    if (value == null) {
      throw new PalimpsestException(file + ": no metadata '" + key + "', so not a trainer's state");
    }
    return value;
  }
}
