package dev.palimpsest.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Variables; a loop's and a macro's own hide those around them and end with it. */
final class Scope {
  private final Optional<Scope> around;
  private final Map<String, Object> variables = new HashMap<>();

  Scope(Map<String, Object> variables) {
    this.around = Optional.empty();
    this.variables.putAll(variables);
  }

  Scope(Scope around) {
    this.around = Optional.of(around);
  }

  Object get(String name) {
    Object own = variables.get(name);
    return own != null ? own : around.map(scope -> scope.get(name)).orElse(Nothing.UNDEFINED);
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }
}
