package dev.palimpsest.llm;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A server's key. It is never printed, and {@link #strike} takes it out of what others print. */
public final class Secret {
  /** Any server's key, where the settings name no other variable. */
  public static final String VARIABLE = "PALIMPSEST_API_KEY";

  private static final Map<String, String> CUSTOMARY =
      Map.of(
          "api.openai.com", "OPENAI_API_KEY",
          "api.together.xyz", "TOGETHER_API_KEY",
          "openrouter.ai", "OPENROUTER_API_KEY",
          "api.deepseek.com", "DEEPSEEK_API_KEY",
          "generativelanguage.googleapis.com", "GEMINI_API_KEY");

  private final String variable;
  private final String key;

  private Secret(String variable, String key) {
    this.variable = variable;
    this.key = key;
  }

  /**
   * The key for a server: of the variable named, else of {@value #VARIABLE}, else of the variable
   * that is customary for this host and for no other.
   *
   * @param environment usually {@code System::getenv}, which gives null for what is not set
   * @param named by the settings, if any
   */
  @SuppressWarnings("NullAway") // a map without an entry gives null, as getenv does
  static Secret find(UnaryOperator<String> environment, Optional<String> named, String host) {
    if (named.isPresent()) {
      return new Secret(named.get(), value(environment, named.get()));
    }
    String general = value(environment, VARIABLE);
    String customary = CUSTOMARY.getOrDefault(host.toLowerCase(Locale.ROOT), "");
    if (general.isEmpty() && !customary.isEmpty()) {
      return new Secret(customary, value(environment, customary));
    }
    return new Secret(VARIABLE, general);
  }

  @SuppressWarnings("ConstantValue") // getenv gives null
  private static String value(UnaryOperator<String> environment, String variable) {
    return Optional.ofNullable(environment.apply(variable)).orElse("").strip();
  }

  /** The environment variable that was looked at. */
  public String variable() {
    return variable;
  }

  boolean isEmpty() {
    return key.isEmpty();
  }

  /** The value of the header {@code Authorization}. */
  String bearer() {
    return "Bearer " + key;
  }

  /** A text with the key taken out, wherever a server has put it. */
  String strike(String text) {
    return key.isEmpty() ? text : text.replace(key, "…");
  }

  @Override
  public String toString() {
    return key.isEmpty() ? "no key" : "the key of " + variable;
  }
}
