package dev.palimpsest.safetensors;

import dev.palimpsest.base.Quoted;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Turns "no such name" into something one can act on. */
final class NameHints {
  private static final int SHOWN = 3;

  private NameHints() {}

  /**
   * A fragment such as {@code "; it has 'x', 'y', … (12 in all)"}: the names that end most like the
   * one missed.
   */
  static String near(String missed, Collection<String> names) {
    if (names.isEmpty()) {
      return "; it has no tensors";
    }
    List<String> nearest =
        names.stream()
            .sorted(Comparator.comparingInt(name -> -commonSuffix(missed, name)))
            .limit(SHOWN)
            .toList();
    return "; it has "
        + nearest.stream()
            .map(name -> "'" + Quoted.of(name) + "'")
            .collect(Collectors.joining(", "))
        + (names.size() > SHOWN ? ", … (" + names.size() + " in all)" : "");
  }

  private static int commonSuffix(String a, String b) {
    int length = 0;
    while (length < Math.min(a.length(), b.length())
        && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
      length++;
    }
    return length;
  }
}
