package dev.palimpsest.cli;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.UserFolders;
import dev.palimpsest.report.TokenText;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/**
 * The {@code palimpsest} command: parses, dispatches, and turns failures into one line and an exit
 * status.
 */
@Command(
    name = Palimpsest.NAME,
    description =
        "Rewrites a component of a transformer in natural language and measures what survives.",
    mixinStandardHelpOptions = true,
    versionProvider = Palimpsest.Version.class,
    subcommands = {
      DemoCommand.class,
      RunCommand.class,
      CacheActivationsCommand.class,
      TrainCommand.class,
      StageCommand.Cache.class,
      StageCommand.Explain.class,
      StageCommand.Score.class,
      StageCommand.Simulate.class,
      StageCommand.Rewrite.class,
      ReportCommand.class,
      ResultsCommand.class,
      InspectCommand.class,
      TextsCommand.class,
      EvalCommand.class,
      AskCommand.class,
      ActivationsCommand.class,
      EncodeCommand.class,
      ShuffleWeightsCommand.class,
      DoctorCommand.class,
      BenchCommand.class,
      HelpCommand.class,
      CompletionCommand.class,
      ManCommand.class,
    },
    footer = {
      "",
      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such device.",
      "Every command takes --help; --json prints one machine-readable object on stdout; progress"
          + " goes to stderr.",
      "In the environment, PALIMPSEST_DEBUG=1 adds stack traces to failures, and"
          + " PALIMPSEST_INSTRUCTIONS=SET limits our kernels on the CPU, or lets them use amx (as"
          + " bench --instructions)."
    })
public final class Palimpsest {
  /** The command's name. */
  static final String NAME = "palimpsest";

  /** What a shell reports of a process ended by Ctrl-C. */
  private static final int INTERRUPTED = 130;

  /** More of a message would bury what came before. */
  private static final int LONGEST_LINE = 2000;

  private static volatile boolean finished;

  /** The process's entry point. */
  public static void main(String[] arguments) {
    // Ended by a signal in the midst of a product, the libraries' own exit handlers may wait for
    // ever. Every file
    // appears whole or not at all, so nothing is lost by leaving at once.
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (!finished) {
                    String newLine = Boolean.getBoolean("palimpsest.terminal") ? "\n" : "";
                    System.err.println(newLine + Interruption.line(arguments));
                    System.err.flush();
                    Runtime.getRuntime().halt(INTERRUPTED);
                  }
                },
                "leave at once"));
    int exit = prepared() ? run(arguments) : CommandLine.ExitCode.SOFTWARE;
    finished = true;
    System.exit(exit);
  }

  private static boolean prepared() {
    try {
      UserFolders.tellLibraries();
      return true;
    } catch (PalimpsestException failure) {
      utf8(System.err).println("palimpsest: " + oneLine(failure.getMessage()));
      return false;
    }
  }

  /**
   * Runs one command in this process and returns its exit status; prints to the process's streams.
   */
  public static int run(String... arguments) {
    return run(utf8(System.out), utf8(System.err), arguments);
  }

  /** Runs one command in this process with streams of the caller's: what tests use. */
  public static int run(PrintWriter out, PrintWriter err, String... arguments) {
    CommandLine line = commandLine().setOut(out).setErr(err);
    if (arguments.length == 0) {
      line.usage(err);
      return CommandLine.ExitCode.USAGE;
    }
    return execute(line, arguments);
  }

  /**
   * Executes; whatever is thrown becomes one line and an exit status, {@link Error}s too, which the
   * library lets through: heap or stack exhausted, a native library that does not load.
   */
  static int execute(CommandLine line, String... arguments) {
    try {
      InstructionsVariable.apply(Optional.ofNullable(System.getenv(InstructionsVariable.NAME)));
      return line.execute(arguments);
    } catch (Throwable failure) {
      return failed(failure, line);
    }
  }

  /** The command with all its subcommands, as they are parsed and documented. */
  static CommandLine commandLine() {
    return CommandGroups.shownIn(Numbers.registeredIn(new CommandLine(new Palimpsest())))
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Palimpsest::wrongUsage)
        .setExecutionExceptionHandler((failure, command, parsed) -> failed(failure, command));
  }

  private static PrintWriter utf8(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), true);
  }

  private static int wrongUsage(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    String message = oneLine(UsageFault.describe(failure, arguments));
    command
        .getErr()
        .println(
            "palimpsest: "
                + message
                + " (see '"
                + command.getCommandSpec().qualifiedName()
                + " --help')");
    return CommandLine.ExitCode.USAGE;
  }

  private static int failed(Throwable failure, CommandLine command) {
    command.getErr().println("palimpsest: " + oneLine(FailureLine.of(failure)));
    if (System.getenv("PALIMPSEST_DEBUG") != null) {
      failure.printStackTrace(command.getErr());
    }
    return FailureLine.exitCode(failure);
  }

  private static String oneLine(@org.jspecify.annotations.Nullable String message) {
    // Visible: a message may quote a file that would otherwise speak to the terminal.
    return message == null
        ? "no message"
        : Quoted.shortened(
            TokenText.visible(message.strip().replaceAll("\\s*\\R\\s*", " | ")), LONGEST_LINE);
  }

  /** The version from the build, with the commit where the build knew it. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"palimpsest " + dev.palimpsest.base.BuildInfo.get().describe()};
    }
  }
}
