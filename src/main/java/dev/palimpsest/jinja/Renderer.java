package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Executes statements. */
final class Renderer {
  private final Bounds bounds = new Bounds();
  private final Evaluator evaluator = new Evaluator(bounds);
  private final Scope globals;

  /** How a body ended. */
  private enum Outcome {
    END,
    BREAK,
    CONTINUE
  }

  Renderer(Map<String, Object> variables) {
    Map<String, Object> all = new HashMap<>(Globals.FUNCTIONS);
    all.putAll(variables);
    globals = new Scope(all);
  }

  String render(List<Statement> template) {
    StringBuilder out = new StringBuilder();
    run(template, globals, out);
    return out.toString();
  }

  private Outcome run(List<Statement> body, Scope scope, StringBuilder out) {
    for (Statement statement : body) {
      bounds.step();
      Outcome outcome = run(statement, scope, out);
      if (outcome != Outcome.END) {
        return outcome;
      }
    }
    return Outcome.END;
  }

  private Outcome run(Statement statement, Scope scope, StringBuilder out) {
    if (statement instanceof Statement.Text text) {
      print(text.text(), out);
    } else if (statement instanceof Statement.Output output) {
      print(at(output.line(), () -> Values.text(evaluator.value(output.value(), scope))), out);
    } else if (statement instanceof Statement.If choice) {
      return choose(choice, scope, out);
    } else if (statement instanceof Statement.For loop) {
      loop(loop, scope, out);
    } else if (statement instanceof Statement.Set set) {
      Object value = at(set.line(), () -> evaluator.value(set.value(), scope));
      at(set.line(), () -> assign(set.targets(), value, scope));
    } else if (statement instanceof Statement.SetMember set) {
      at(set.line(), () -> setMember(set, scope));
    } else if (statement instanceof Statement.Capture capture) {
      String text = text(capture.body(), new Scope(scope));
      scope.set(
          capture.name(),
          capture.filter().isEmpty()
              ? text
              : at(capture.line(), () -> filtered(capture.filter().get(), text, scope)));
    } else if (statement instanceof Statement.Filtered filtered) {
      String text = text(filtered.body(), new Scope(scope));
      print(at(filtered.line(), () -> Values.text(filtered(filtered.filter(), text, scope))), out);
    } else if (statement instanceof Statement.Macro macro) {
      scope.set(macro.name(), function(macro, scope));
    } else if (statement instanceof Statement.Plain plain) {
      return run(plain.body(), scope, out);
    } else if (statement instanceof Statement.Jump jump) {
      return jump.ends() ? Outcome.BREAK : Outcome.CONTINUE;
    }
    return Outcome.END;
  }

  private Object filtered(Statement.Filtering filter, String text, Scope scope) {
    return evaluator.filtered(filter.name(), text, filter.arguments(), scope);
  }

  private void print(String text, StringBuilder out) {
    bounds.made(text);
    Bounds.requireLength((long) out.length() + text.length());
    out.append(text);
  }

  private String text(List<Statement> body, Scope scope) {
    StringBuilder text = new StringBuilder();
    run(body, scope, text);
    return bounds.made(text.toString());
  }

  private Outcome choose(Statement.If choice, Scope scope, StringBuilder out) {
    for (Statement.Branch branch : choice.branches()) {
      if (at(choice.line(), () -> Values.isTrue(evaluator.value(branch.condition(), scope)))) {
        return run(branch.body(), scope, out);
      }
    }
    return run(choice.otherwise(), scope, out);
  }

  private void loop(Statement.For loop, Scope scope, StringBuilder out) {
    List<Object> items = at(loop.line(), () -> Values.items(evaluator.value(loop.items(), scope)));
    if (loop.condition().isPresent()) {
      List<Object> chosen = new ArrayList<>();
      for (Object item : items) {
        Scope own = new Scope(scope);
        at(loop.line(), () -> assign(loop.targets(), item, own));
        if (at(loop.line(), () -> Values.isTrue(evaluator.value(loop.condition().get(), own)))) {
          chosen.add(item);
        }
      }
      items = chosen;
    }
    if (items.isEmpty()) {
      run(loop.otherwise(), new Scope(scope), out);
      return;
    }
    for (int i = 0; i < items.size(); i++) {
      bounds.step();
      Scope own = new Scope(scope);
      Object item = items.get(i);
      at(loop.line(), () -> assign(loop.targets(), item, own));
      own.set("loop", place(i, items));
      if (run(loop.body(), own, out) == Outcome.BREAK) {
        break;
      }
    }
  }

  /** What a loop's body knows of its place. */
  private static Map<String, Object> place(int i, List<Object> items) {
    int size = items.size();
    Map<String, Object> loop = new HashMap<>();
    loop.put("index0", (long) i);
    loop.put("index", i + 1L);
    loop.put("revindex0", size - 1L - i);
    loop.put("revindex", (long) size - i);
    loop.put("first", i == 0);
    loop.put("last", i == size - 1);
    loop.put("length", (long) size);
    loop.put("previtem", i == 0 ? Nothing.UNDEFINED : items.get(i - 1));
    loop.put("nextitem", i == size - 1 ? Nothing.UNDEFINED : items.get(i + 1));
    Values.Function cycle =
        (given, named) -> given.isEmpty() ? Nothing.UNDEFINED : given.get(i % given.size());
    loop.put("cycle", cycle);
    return loop;
  }

  private static Object assign(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.get(0), value);
      return value;
    }
    List<Object> parts = Values.items(value);
    if (parts.size() != targets.size()) {
      throw new TemplateException(
          parts.size() + " values for the " + targets.size() + " names " + targets);
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
    return value;
  }

  private Object setMember(Statement.SetMember set, Scope scope) {
    if (!(scope.get(set.object()) instanceof Values.Namespace namespace)) {
      throw new TemplateException("'" + set.object() + "' is no namespace: it cannot be changed");
    }
    Object value = evaluator.value(set.value(), scope);
    namespace.members().put(set.name(), value);
    return value;
  }

  private Values.Function function(Statement.Macro macro, Scope defined) {
    return (positional, named) -> {
      bounds.enter();
      Scope own = new Scope(defined);
      for (int i = 0; i < macro.parameters().size(); i++) {
        String parameter = macro.parameters().get(i);
        Expression otherwise = macro.defaults().get(parameter);
        own.set(
            parameter,
            i < positional.size()
                ? positional.get(i)
                : named.containsKey(parameter)
                    ? named.get(parameter)
                    : otherwise != null ? evaluator.value(otherwise, own) : Nothing.UNDEFINED);
      }
      String text = text(macro.body(), own);
      bounds.leave();
      return text;
    };
  }

  private interface Work<T> {
    T run();
  }

  /** Names the line of what fails. */
  private static <T> T at(int line, Work<T> work) {
    try {
      return work.run();
    } catch (TemplateException wrong) {
      throw wrong.at(line);
    }
  }
}
