package dev.palimpsest.cli;

import dev.palimpsest.base.PalimpsestException;
import java.nio.file.InvalidPathException;
import picocli.CommandLine;

/** What a person is told of a failure, and the exit status that goes with it. */
final class FailureLine {
  private FailureLine() {}

  /** One sentence, without the stack trace. */
  static String of(Throwable failure) {
    if (failure instanceof PalimpsestException) {
      return String.valueOf(failure.getMessage());
    }
    if (failure instanceof InvalidPathException path) {
      return "'" + path.getInput() + "' is not a path: " + path.getReason();
    }
    if (failure instanceof OutOfMemoryError) {
      return "out of memory ("
          + failure.getMessage()
          + "): this process may use "
          + Runtime.getRuntime().maxMemory() / (1 << 20)
          + " MiB of Java's heap; PALIMPSEST_JAVA_OPTS=-Xmx4g, say, gives it more";
    }
    if (failure instanceof StackOverflowError) {
      return "something is nested too deeply (stack overflow)";
    }
    if (failure instanceof ExceptionInInitializerError || failure instanceof NoClassDefFoundError) {
      Throwable cause = failure.getCause();
      return "a part of the program cannot be loaded: "
          + described(cause == null ? failure : cause);
    }
    if (failure instanceof UnsatisfiedLinkError) {
      return "a native library cannot be loaded: " + failure.getMessage();
    }
    return "unexpected " + described(failure) + " (PALIMPSEST_DEBUG=1 shows where)";
  }

  /** The process's exit status: a path that cannot be one is wrong usage. */
  static int exitCode(Throwable failure) {
    if (failure instanceof PalimpsestException known) {
      return known.exitCode();
    }
    return failure instanceof InvalidPathException
        ? CommandLine.ExitCode.USAGE
        : CommandLine.ExitCode.SOFTWARE;
  }

  private static String described(Throwable failure) {
    return failure.getClass().getSimpleName()
        + ": "
        + (failure.getMessage() == null ? "no message" : failure.getMessage());
  }
}
