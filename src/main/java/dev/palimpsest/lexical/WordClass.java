package dev.palimpsest.lexical;

import java.util.List;

/**
 * Words that behave alike; explanations say {@code dog-like} for any of them.
 *
 * @param name a typical member, letters only; no two classes of a glossary share one
 * @param tokens ids of the members, the most typical first
 */
public record WordClass(String name, List<Integer> tokens) {
  /** Copies the members. */
  public WordClass {
    tokens = List.copyOf(tokens);
  }
}
