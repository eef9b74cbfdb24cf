package dev.palimpsest.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The seed of an experiment; of the commands that begin one. */
final class SeedOption {
  @Option(
      names = "--seed",
      paramLabel = "S",
      description =
          "Seed of everything that is drawn. A run directory keeps the seed it was begun with.")
  private @Nullable Long seed;

  /** The setting, as KEY=VALUE. */
  List<String> assignments() {
    return seed == null ? List.of() : List.of("seed=" + seed);
  }
}
