package dev.palimpsest.cli;

import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Who explains. */
final class ExplainerOption {
  @Option(
      names = "--explainer",
      paramLabel = "lexical|FOLDER|URL",
      description = {
        "Who explains: the program for the controlled English, a language model's folder, or a",
        "server's address (the setting explain.explainer; docs/language-models.md)."
      })
  private Optional<String> explainer = Optional.empty();

  List<String> assignments() {
    return explainer.map(who -> List.of("explain.explainer=" + who)).orElse(List.of());
  }
}
