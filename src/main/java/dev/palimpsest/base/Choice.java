package dev.palimpsest.base;

import java.util.Arrays;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Words that settings and options may have, each for one of a few things. */
public final class Choice {
  private Choice() {}

  /**
   * The thing that a word stands for.
   *
   * @param all things, in the order in which a message names them
   * @param label of each, its word
   * @param found the word given
   * @param what the message calls it, such as "unknown calibration"
   * @throws UsageException naming the word found and those expected
   */
  public static <T> T of(T[] all, Function<T, String> label, String found, String what) {
    return Arrays.stream(all)
        .filter(one -> label.apply(one).equals(found))
        .findFirst()
        .orElseThrow(
            () ->
                new UsageException(
                    what
                        + " '"
                        + Quoted.of(found)
                        + "', expected one of "
                        + Arrays.stream(all).map(label).collect(Collectors.joining(", "))));
  }
}
