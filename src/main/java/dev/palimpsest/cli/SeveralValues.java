package dev.palimpsest.cli;

import dev.palimpsest.model.ModelSource;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Stack;
import java.util.regex.Pattern;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/**
 * Options that take one value or several: {@code --hookpoint A B MODEL} means A and B, and leaves
 * MODEL to the command. The first value is taken as it is; a further one only where it looks like a
 * value of this option, and not like a model. The option may also be given several times, with one
 * value each. Values are added to the field's list, which must start empty.
 *
 * @param <T> of a value
 */
abstract class SeveralValues<T> implements IParameterConsumer {
  /** The value that a word stands for. */
  abstract T convert(String word);

  /** Whether a word after the first is one more value. */
  abstract boolean isOneMore(String word);

  @Override
  public void consumeParameters(Stack<String> words, ArgSpec argument, CommandSpec command) {
    String name = ((OptionSpec) argument).longestName();
    if (words.isEmpty() || isOption(words.peek(), command)) {
      throw new ParameterException(
          command.commandLine(),
          "Missing required parameter for option '" + name + "' (" + argument.paramLabel() + ")");
    }
    List<Object> values = new ArrayList<>();
    if (argument.getValue() instanceof Collection<?> before) {
      values.addAll(before);
    }
    try {
      values.add(convert(words.pop()));
      while (!words.isEmpty()
          && !isOption(words.peek(), command)
          && !isModel(words.peek())
          && isOneMore(words.peek())) {
        values.add(convert(words.pop()));
      }
    } catch (TypeConversionException failure) {
      throw new ParameterException(
          command.commandLine(),
          "Invalid value for option '" + name + "': " + failure.getMessage(),
          failure,
          argument,
          "");
    }
    argument.setValue(values);
  }

  private static boolean isOption(String word, CommandSpec command) {
    int equals = word.indexOf('=');
    return command.findOption(equals < 0 ? word : word.substring(0, equals)) != null
        || word.equals("--");
  }

  private static boolean isModel(String word) {
    return word.equals(ModelSource.EMBEDDED)
        || asPath(word).stream().anyMatch(path -> Files.isRegularFile(path.resolve("config.json")));
  }

  private static List<Path> asPath(String word) {
    try {
      return List.of(Path.of(word));
    } catch (InvalidPathException notAPath) {
      return List.of();
    }
  }

  /** Names of modules, or patterns of them. */
  static final class Hookpoints extends SeveralValues<String> {
    private static final Pattern MODULE =
        Pattern.compile("[A-Za-z_*?\\[{][\\w*?\\[\\]{},-]*(?:\\.[\\w*?\\[\\]{},-]+)+");

    @Override
    String convert(String word) {
      return word;
    }

    @Override
    boolean isOneMore(String word) {
      return MODULE.matcher(word).matches();
    }
  }

  /** Text files. */
  static final class Texts extends SeveralValues<String> {
    private static final Pattern TEXT =
        Pattern.compile(".*\\.(?:txt|jsonl|ndjson|json|bin)(?:\\.gz)?");

    @Override
    String convert(String word) {
      return word;
    }

    @Override
    boolean isOneMore(String word) {
      return TEXT.matcher(word.toLowerCase(Locale.ROOT)).matches()
          || asPath(word).stream().anyMatch(Files::isRegularFile);
    }
  }

  /** Whole numbers. */
  static final class WholeNumbers extends SeveralValues<Long> {
    @Override
    Long convert(String word) {
      return Numbers.wholeLong(word);
    }

    @Override
    boolean isOneMore(String word) {
      return dev.palimpsest.base.WholeNumbers.parse(word).isPresent();
    }
  }
}
