package dev.palimpsest.cli;

import dev.palimpsest.base.Json;
import dev.palimpsest.experiment.LatentView;
import dev.palimpsest.report.LatentPage;
import dev.palimpsest.report.TerminalView;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows one latent on the terminal. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description =
        "Shows one latent: contexts with its activation shaded, histogram, the tokens it promotes and demotes,"
            + " explanation and scores.")
final class InspectCommand implements Callable<Integer> {
  /** When to use colours. */
  enum Colour {
    /** On a terminal that can, unless NO_COLOR is set. */
    AUTO,
    /** Always. */
    ALWAYS,
    /** Never: active tokens are set between signs. */
    NEVER
  }

  @Parameters(
      index = "0",
      paramLabel = "RUN_OR_CODER",
      description =
          "A run directory, or a coder's folder (with cfg.json and sae.safetensors); contexts and words are found"
              + " where the coder lies in a run directory.")
  private Path place;

  @Parameters(index = "1", paramLabel = "LATENT", description = "Number of the latent, from 0.")
  private int latent;

  @Option(
      names = {"--hookpoint", "--hook"},
      paramLabel = "H",
      description = "Which coder of a run directory; default: the first of its configuration.")
  private @Nullable String hookpoint;

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description = "Model folder or 'embedded'; default: the run's.")
  private @Nullable String model;

  @Option(
      names = {"--color", "--colour"},
      paramLabel = "WHEN",
      defaultValue = "auto",
      description = "auto, always or never (default: ${DEFAULT-VALUE}).")
  private Colour colour;

  @Option(names = "--json", description = "Print one JSON object with the page on stdout.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    LatentPage page =
        LatentView.page(place, latent, Optional.ofNullable(hookpoint), Optional.ofNullable(model));
    PrintWriter out = spec.commandLine().getOut();
    if (json) {
      out.println(Json.line(page));
    } else {
      out.print(new TerminalView(useColours()).render(page));
      out.flush();
    }
    return 0;
  }

  private boolean useColours() {
    return switch (colour) {
      case ALWAYS -> true;
      case NEVER -> false;
      case AUTO -> Ansi.AUTO.enabled();
    };
  }
}
