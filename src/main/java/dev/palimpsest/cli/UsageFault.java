package dev.palimpsest.cli;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is wrong with a command line, in a person's words instead of the library's. */
final class UsageFault {
  private static final Pattern CHOICE =
      Pattern.compile("expected one of \\[(.*)\\] \\(case-insensitive\\) but was '(.*)'");

  /** "Invalid value for option '--x' (N): what is wrong with it". */
  private static final Pattern VALUE = Pattern.compile("(?s)Invalid value for .*?: (.*)");

  private static final Pattern NO_VALUE =
      Pattern.compile("Missing required parameter for option '([^']*)' \\(([^)]*)\\).*");

  private UsageFault() {}

  /**
   * A sentence that names what was found and what was expected.
   *
   * @param arguments as they were typed
   */
  static String describe(ParameterException failure, String[] arguments) {
    CommandLine command = failure.getCommandLine();
    if (failure instanceof UnmatchedArgumentException
        || failure instanceof MissingParameterException) {
      for (String argument : arguments) {
        // A misspelt required option is reported as missing, and what follows an unknown one as
        // unknown too: the name is what a person looks for.
        String name = argument.split("=", 2)[0];
        if (name.startsWith("--")
            && name.length() > 2
            && !command.getCommandSpec().optionsMap().containsKey(name)) {
          return unmatched(command, name);
        }
      }
    }
    if (failure instanceof UnmatchedArgumentException unmatched
        && !unmatched.getUnmatched().isEmpty()) {
      return unmatched(command, unmatched.getUnmatched().get(0));
    }
    String message = String.valueOf(failure.getMessage());
    if (failure instanceof OverwrittenOptionException twice) {
      return name(twice.getOverwritten()) + " is given twice";
    }
    Matcher valueless = NO_VALUE.matcher(message);
    if (valueless.matches()) {
      return valueless.group(1) + " needs a value, " + valueless.group(2);
    }
    Matcher value = VALUE.matcher(message);
    ArgSpec argument = failure.getArgSpec();
    return argument != null && value.matches()
        ? name(argument) + ": " + plain(value.group(1))
        : message;
  }

  private static String unmatched(CommandLine command, String argument) {
    List<String> similar =
        new UnmatchedArgumentException(command, List.of(argument)).getSuggestions();
    String hint = similar.isEmpty() ? "" : "; did you mean " + String.join(" or ", similar) + "?";
    if (argument.startsWith("-") && argument.length() > 1) {
      return "there is no option '" + argument + "'" + hint;
    }
    return command.getSubcommands().isEmpty()
        ? "'" + argument + "' is one argument too many"
        : "there is no command '" + argument + "'" + hint;
  }

  private static String name(@Nullable ArgSpec argument) {
    if (argument instanceof OptionSpec option) {
      return option.longestName();
    }
    return argument == null ? "an option" : argument.paramLabel();
  }

  private static String plain(String fault) {
    Matcher choice = CHOICE.matcher(fault);
    if (choice.matches()) {
      return "found '"
          + choice.group(2)
          + "', expected one of "
          + choice.group(1).toLowerCase(Locale.ROOT);
    }
    return fault.replace("is not a boolean", "is neither true nor false");
  }
}
