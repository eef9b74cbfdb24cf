package dev.palimpsest.cli;

import dev.palimpsest.base.WholeNumbers;
import java.util.OptionalLong;
import picocli.CommandLine;
import picocli.CommandLine.TypeConversionException;

/** How every command reads numbers: whole ones also as {@code 1e6} and {@code 10_000}. */
final class Numbers {
  private Numbers() {}

  /** Makes a command and all its subcommands read numbers so. */
  static CommandLine registeredIn(CommandLine line) {
    return line.registerConverter(long.class, Numbers::wholeLong)
        .registerConverter(Long.class, Numbers::wholeLong)
        .registerConverter(int.class, Numbers::wholeInt)
        .registerConverter(Integer.class, Numbers::wholeInt)
        .registerConverter(double.class, Numbers::number)
        .registerConverter(Double.class, Numbers::number);
  }

  static long wholeLong(String text) {
    OptionalLong number = WholeNumbers.parse(text);
    if (number.isEmpty()) {
      throw new TypeConversionException("'" + text + "' is not " + WholeNumbers.EXPECTED);
    }
    return number.getAsLong();
  }

  private static double number(String text) {
    try {
      double number = Double.parseDouble(text);
      if (Double.isFinite(number)) {
        return number;
      }
    } catch (NumberFormatException failure) {
      // Said below, as of what is infinite.
    }
    throw new TypeConversionException("'" + text + "' is not a number such as 0.05");
  }

  private static int wholeInt(String text) {
    long number = wholeLong(text);
    if (number != (int) number) {
      throw new TypeConversionException("'" + text + "' does not fit 32 bits");
    }
    return (int) number;
  }
}
