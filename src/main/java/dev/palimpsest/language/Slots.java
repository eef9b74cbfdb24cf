package dev.palimpsest.language;

import java.util.ArrayList;
import java.util.List;

/** Where slots begin among tokens. */
public final class Slots {
  private Slots() {}

  /**
   * The tokens that begin a slot: those that follow a token that ends in a tab, and read, with
   * those after them, as the slot.
   *
   * @param texts of the tokens
   * @return ascending
   */
  public static List<Integer> in(List<String> texts, String slot) {
    List<Integer> found = new ArrayList<>();
    for (int i = 1; i < texts.size(); i++) {
      if (texts.get(i - 1).endsWith("\t") && reads(texts, i, slot)) {
        found.add(i);
      }
    }
    return found;
  }

  private static boolean reads(List<String> texts, int from, String slot) {
    StringBuilder read = new StringBuilder();
    for (int i = from; i < texts.size() && read.length() < slot.length(); i++) {
      read.append(texts.get(i));
    }
    return read.length() >= slot.length() && read.substring(0, slot.length()).equals(slot);
  }
}
