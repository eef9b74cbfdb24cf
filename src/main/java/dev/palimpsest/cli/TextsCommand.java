package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.experiment.TextExchange;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code palimpsest texts}: a run's explanations to and from other programs' files. */
@Command(
    name = "texts",
    mixinStandardHelpOptions = true,
    description = {
      "Writes a run's explanations as files of delphi's or Neuronpedia's, or reads such files.",
      "What is read takes the place of the same latents' explanations and counts as a person's;",
      "score, simulate and rewrite then measure it."
    })
final class TextsCommand implements Callable<Integer> {
  @Parameters(paramLabel = "RUN", description = "Run directory.")
  private Path run;

  @Option(
      names = "--form",
      required = true,
      paramLabel = "delphi|neuronpedia",
      description =
          "delphi: a folder with a file <hookpoint>_latent<number>.txt a latent; neuronpedia: a"
              + " JSON list of explanations.")
  private String form;

  @Option(names = "--to", paramLabel = "PLACE", description = "Write there.")
  private Optional<Path> to = Optional.empty();

  @Option(names = "--from", paramLabel = "PLACE", description = "Read from there.")
  private Optional<Path> from = Optional.empty();

  @Option(
      names = "--hookpoint",
      paramLabel = "H",
      description = "Which coder of the run; the first unless given.")
  private Optional<String> hookpoint = Optional.empty();

  @Mixin private OutputOptions output;
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (to.isPresent() == from.isPresent()) {
      throw new UsageException("give --to or --from, one of them");
    }
    TextExchange exchange = new TextExchange(run, hookpoint);
    Path place = to.or(() -> from).orElseThrow();
    int count = to.isPresent() ? exchange.write(form(), place) : exchange.read(form(), place);
    output.print(
        spec.commandLine().getOut(),
        Map.of("explanations", count, "place", place.toString()),
        String.format(
            Locale.ROOT,
            "%,d explanations %s %s",
            count,
            to.isPresent() ? "written to" : "read from",
            place));
    return 0;
  }

  private TextExchange.Form form() {
    return switch (form) {
      case "delphi" -> TextExchange.Form.DELPHI;
      case "neuronpedia" -> TextExchange.Form.NEURONPEDIA;
      default ->
          throw new UsageException("--form is '" + form + "', expected delphi or neuronpedia");
    };
  }
}
