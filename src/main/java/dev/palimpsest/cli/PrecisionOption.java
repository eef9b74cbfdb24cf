package dev.palimpsest.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** In what an experiment's models and coders compute; of the commands that compute. */
final class PrecisionOption {
  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      description =
          "Of the language model's dense layers (default: fp32), and of coders' products on a GPU"
              + " (default: bf16; on the CPU they are always fp32).")
  private @Nullable String precision;

  /** The settings, as KEY=VALUE. */
  List<String> assignments() {
    return precision == null
        ? List.of()
        : List.of("precision=" + precision, "model_precision=" + precision);
  }
}
