package dev.palimpsest.cli;

import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The options that say where a command computes. */
final class DeviceOptions {
  @Option(
      names = "--device",
      paramLabel = "cpu|cuda|auto",
      defaultValue = "auto",
      description =
          "Where to compute; auto: on a GPU where one can be used. Which it is, is said on stderr.")
  private String device = "auto";

  @Option(
      names = "--precision",
      paramLabel = "bf16|fp32",
      showDefaultValue = CommandLine.Help.Visibility.NEVER,
      description =
          "Of the language model's dense layers (default: fp32), and of a coder's products on a GPU"
              + " (default: bf16; on the CPU they are always fp32).")
  private Optional<String> precision = Optional.empty();

  /** The word given. */
  String device() {
    return device;
  }

  /** The word for coders' products. */
  String precision() {
    return precision.orElse(Precision.BF16.label());
  }

  /** What a language model's dense layers compute in. */
  Precision modelPrecision() {
    return Precision.labelled(precision.orElse(Precision.FP32.label()));
  }

  /**
   * The device.
   *
   * @throws dev.palimpsest.base.DeviceUnavailableException where it cannot be used
   */
  Devices.Choice choose() {
    return Devices.choose(device, Precision.labelled(precision()));
  }
}
