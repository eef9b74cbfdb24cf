package dev.palimpsest.cli;

import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
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
      defaultValue = "bf16",
      description = "Of a coder's products on a GPU; on the CPU they are always fp32.")
  private String precision = "bf16";

  /** The word given. */
  String device() {
    return device;
  }

  /** The word given. */
  String precision() {
    return precision;
  }

  /**
   * The device.
   *
   * @throws dev.palimpsest.base.DeviceUnavailableException where it cannot be used
   */
  Devices.Choice choose() {
    return Devices.choose(device, Precision.labelled(precision));
  }
}
