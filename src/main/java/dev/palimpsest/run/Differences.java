package dev.palimpsest.run;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Says in words in which settings two trees differ. */
public final class Differences {
  private static final int LONGEST = 100;
  private static final int TOLD = 3;

  private Differences() {}

  /** "cache.tokens was 8192, is 4096" for every setting that differs, by name. */
  public static List<String> between(JsonNode before, JsonNode now) {
    List<String> found = new ArrayList<>();
    compare("", before, now, found);
    return found;
  }

  /** The first few as part of a sentence, with the number of the others. */
  public static String some(List<String> differences) {
    int told = differences.size() <= TOLD + 1 ? differences.size() : TOLD;
    String text = String.join("; ", differences.subList(0, told));
    int left = differences.size() - told;
    return left == 0 ? text : text + "; and " + left + " more";
  }

  private static void compare(String prefix, JsonNode before, JsonNode now, List<String> found) {
    TreeSet<String> names = new TreeSet<>();
    before.fieldNames().forEachRemaining(names::add);
    now.fieldNames().forEachRemaining(names::add);
    for (String name : names) {
      JsonNode old = before.path(name);
      JsonNode current = now.path(name);
      // As text: a number read back may have another Java type than the one that was written.
      if (old.toString().equals(current.toString())) {
        continue;
      }
      if (old.isObject() && current.isObject()) {
        compare(prefix + name + ".", old, current, found);
      } else {
        found.add(prefix + name + " was " + shown(old) + ", is " + shown(current));
      }
    }
  }

  private static String shown(JsonNode value) {
    String text = value.isMissingNode() ? "not set" : value.toString();
    return text.length() <= LONGEST ? text : text.substring(0, LONGEST) + "…";
  }
}
