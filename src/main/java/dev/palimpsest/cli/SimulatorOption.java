package dev.palimpsest.cli;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Who simulates. */
final class SimulatorOption {
  @Option(
      names = "--simulator",
      paramLabel = "lexical|FOLDER|URL",
      description = {
        "Who rates tokens by the explanations: the program for the controlled English, a language",
        "model's folder, or a server's address (the setting simulate.simulator)."
      })
  private Optional<String> simulator = Optional.empty();

  List<String> assignments() {
    return simulator.map(who -> List.of("simulate.simulator=" + who)).orElse(List.of());
  }
}
