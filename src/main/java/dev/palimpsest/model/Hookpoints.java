package dev.palimpsest.model;

import dev.palimpsest.base.UsageException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The names of a model's hookpoints, known from its configuration alone, without its weights.
 *
 * <p>They are those of the Hugging Face model's modules without its prefix: {@code layers.6.mlp},
 * {@code layers.6}, {@code h.3.attn}. Names with the prefix ({@code gpt_neox.layers.6.mlp}) mean
 * the same. Patterns stand for all names that they match: {@code *} for any characters but a full
 * stop, {@code ?} for one, {@code [0-3]} for one of a set, {@code {mlp,attention}} for one of some
 * words.
 */
public final class Hookpoints {
  private final Family family;
  private final int layers;
  private final Map<String, Hookpoint> byName;

  private Hookpoints(Family family, int layers, Map<String, Hookpoint> byName) {
    this.family = family;
    this.layers = layers;
    this.byName = byName;
  }

  /** Those of a model. */
  public static Hookpoints of(ModelConfig config) {
    Map<String, Hookpoint> byName = new LinkedHashMap<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      for (Hookpoint.Site site : Hookpoint.Site.values()) {
        Hookpoint hookpoint = new Hookpoint(layer, site);
        byName.put(config.family().nameOf(hookpoint), hookpoint);
      }
    }
    return new Hookpoints(config.family(), config.layers(), Collections.unmodifiableMap(byName));
  }

  /** All names, layer by layer. */
  public List<String> names() {
    return List.copyOf(byName.keySet());
  }

  /** Whether a word is a pattern rather than a name. */
  public static boolean isPattern(String word) {
    return word.chars().anyMatch(character -> "*?[{".indexOf(character) >= 0);
  }

  /**
   * The names that a word stands for: a name's own form without the prefix, or all that a pattern
   * matches, layer by layer.
   *
   * @throws UsageException where there is none
   */
  public List<String> named(String word) {
    if (!isPattern(word)) {
      resolve(word);
      return List.of(bare(word));
    }
    Pattern pattern = compiled(bare(word));
    List<String> found =
        byName.keySet().stream().filter(name -> pattern.matcher(name).matches()).toList();
    if (found.isEmpty()) {
      throw none("no hookpoint matches '" + word + "'");
    }
    return found;
  }

  /** The module of a name. */
  Hookpoint resolve(String name) {
    return Optional.ofNullable(byName.get(bare(name)))
        .orElseThrow(() -> none("no hookpoint '" + name + "'"));
  }

  private String bare(String name) {
    return name.startsWith(family.prefix()) ? name.substring(family.prefix().length()) : name;
  }

  private UsageException none(String what) {
    return new UsageException(
        what
            + ": this "
            + family.modelType()
            + " has "
            + String.join(", ", names().subList(0, 3))
            + " and so on to layer "
            + (layers - 1));
  }

  private static Pattern compiled(String glob) {
    StringBuilder regex = new StringBuilder();
    boolean words = false;
    boolean set = false;
    for (int i = 0; i < glob.length(); i++) {
      char character = glob.charAt(i);
      String plain = Pattern.quote(String.valueOf(character));
      if (set) {
        set = character != ']';
        regex.append(character == ']' || character == '-' ? String.valueOf(character) : plain);
        continue;
      }
      switch (character) {
        case '*' -> regex.append("[^.]*");
        case '?' -> regex.append("[^.]");
        case '[' -> {
          set = true;
          regex.append('[');
        }
        case '{' -> {
          if (words) {
            throw malformed(glob);
          }
          words = true;
          regex.append("(?:");
        }
        case '}' -> {
          if (!words) {
            throw malformed(glob);
          }
          words = false;
          regex.append(')');
        }
        case ',' -> regex.append(words ? "|" : plain);
        default -> regex.append(plain);
      }
    }
    if (words || set) {
      throw malformed(glob);
    }
    try {
      return Pattern.compile(regex.toString());
    } catch (java.util.regex.PatternSyntaxException failure) {
      UsageException problem = malformed(glob);
      problem.initCause(failure);
      throw problem;
    }
  }

  private static UsageException malformed(String glob) {
    return new UsageException(
        "hookpoint pattern '" + glob + "': expected *, ?, [0-3] or {mlp,attention}, each closed");
  }
}
