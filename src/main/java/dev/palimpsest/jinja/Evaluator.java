package dev.palimpsest.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The values of expressions. */
final class Evaluator {
  private final Bounds bounds;

  Evaluator(Bounds bounds) {
    this.bounds = bounds;
  }

  Object value(Expression expression, Scope scope) {
    bounds.step();
    if (expression instanceof Expression.Literal literal) {
      return literal.value();
    } else if (expression instanceof Expression.Name name) {
      return scope.get(name.name());
    } else if (expression instanceof Expression.Listing listing) {
      List<Object> items = all(listing.items(), scope);
      return listing.tuple() ? new Tuple(items) : items;
    } else if (expression instanceof Expression.Mapping mapping) {
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < mapping.keys().size(); i++) {
        Object key = value(mapping.keys().get(i), scope);
        Values.at(map, key); // refuses what cannot be one
        map.put(key, value(mapping.values().get(i), scope));
      }
      return map;
    } else if (expression instanceof Expression.Attribute attribute) {
      return member(value(attribute.object(), scope), attribute.name());
    } else if (expression instanceof Expression.Item item) {
      return item(value(item.object(), scope), value(item.key(), scope));
    } else if (expression instanceof Expression.Slice slice) {
      return slice(slice, scope);
    } else if (expression instanceof Expression.Call call) {
      return call(call, scope);
    } else if (expression instanceof Expression.Filter filter) {
      return filtered(filter.name(), value(filter.value(), scope), filter.arguments(), scope);
    } else if (expression instanceof Expression.Test test) {
      Object value = value(test.value(), scope);
      return test.negated()
          != Tests.holds(test.name(), value, all(test.arguments().positional(), scope));
    } else if (expression instanceof Expression.Unary unary) {
      return unary(unary, scope);
    } else if (expression instanceof Expression.Binary binary) {
      return binary(binary, scope);
    } else if (expression instanceof Expression.Comparison comparison) {
      return comparison(comparison, scope);
    } else if (expression instanceof Expression.Conditional conditional) {
      if (Values.isTrue(value(conditional.condition(), scope))) {
        return value(conditional.yes(), scope);
      }
      return conditional.no().isPresent()
          ? value(conditional.no().get(), scope)
          : Nothing.UNDEFINED;
    }
    throw new IllegalStateException("not an expression: " + expression);
  }

  Object filtered(String name, Object value, Expression.Arguments arguments, Scope scope) {
    bounds.steps(Math.max(1, Values.sizeOf(value) / 16));
    return checked(
        Filters.apply(
            name, value, all(arguments.positional(), scope), named(arguments.named(), scope)));
  }

  /** Counts what was made. */
  private Object checked(Object value) {
    if (value instanceof String text) {
      bounds.made(text);
    } else if (value instanceof List<?> list) {
      bounds.steps(list.size());
    }
    return value;
  }

  private List<Object> all(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>();
    expressions.forEach(expression -> values.add(value(expression, scope)));
    return values;
  }

  private Map<String, Object> named(Map<String, Expression> expressions, Scope scope) {
    Map<String, Object> values = new LinkedHashMap<>();
    expressions.forEach((name, expression) -> values.put(name, value(expression, scope)));
    return values;
  }

  private static Object member(Object object, String name) {
    if (object instanceof Map<?, ?> map) {
      Object found = map.get(name);
      return found == null ? Nothing.UNDEFINED : found;
    }
    if (object instanceof Values.Namespace namespace) {
      return namespace.members().getOrDefault(name, Nothing.UNDEFINED);
    }
    if (object == Nothing.UNDEFINED) {
      throw new TemplateException("'" + name + "' of something undefined");
    }
    return Nothing.UNDEFINED;
  }

  private static Object item(Object object, Object key) {
    if (key instanceof Long index && object instanceof List<?> list) {
      return Filters.at(list, index);
    }
    if (key instanceof Long index && object instanceof String) {
      return Filters.at(Values.items(object), index);
    }
    if (object instanceof Map<?, ?> map) {
      return Values.at(map, key);
    }
    return key instanceof String name ? member(object, name) : requireDefined(object);
  }

  private static Object requireDefined(Object object) {
    if (object == Nothing.UNDEFINED) {
      throw new TemplateException("an item of something undefined");
    }
    return Nothing.UNDEFINED;
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    Object object = value(slice.object(), scope);
    List<Object> items = Values.items(object);
    long step = slice.step().isPresent() ? Values.whole(value(slice.step().get(), scope)) : 1;
    if (step == 0) {
      throw new TemplateException("a slice with step 0");
    }
    long size = items.size();
    long low = step > 0 ? 0 : -1;
    long high = step > 0 ? size : size - 1;
    long from =
        slice.from().isPresent()
            ? place(Values.whole(value(slice.from().get(), scope)), size, low, high)
            : step > 0 ? low : high;
    long to =
        slice.to().isPresent()
            ? place(Values.whole(value(slice.to().get(), scope)), size, low, high)
            : step > 0 ? high : low;
    List<Object> chosen = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      bounds.step();
      chosen.add(items.get((int) i));
    }
    return object instanceof String
        ? String.join("", chosen.stream().map(Values::text).toList())
        : chosen;
  }

  private static long place(long index, long size, long low, long high) {
    return Math.min(high, Math.max(low, index < 0 ? index + size : index));
  }

  private Object call(Expression.Call call, Scope scope) {
    List<Object> positional = all(call.arguments().positional(), scope);
    Map<String, Object> named = named(call.arguments().named(), scope);
    if (call.callee() instanceof Expression.Attribute method) {
      Object object = value(method.object(), scope);
      Object own = object instanceof Map<?, ?> map ? map.get(method.name()) : null;
      if (own instanceof Values.Function function) {
        return checked(function.call(positional, named));
      }
      bounds.steps(Math.max(1, Values.sizeOf(object) / 16));
      return checked(Methods.call(object, method.name(), positional));
    }
    Object callee = value(call.callee(), scope);
    if (callee instanceof Values.Function function) {
      return checked(function.call(positional, named));
    }
    throw new TemplateException(
        (call.callee() instanceof Expression.Name name ? "'" + name.name() + "'" : "what is called")
            + " is no function here");
  }

  private Object unary(Expression.Unary unary, Scope scope) {
    Object value = value(unary.value(), scope);
    return switch (unary.operator()) {
      case "not" -> !Values.isTrue(value);
      case "-" -> value instanceof Long whole ? (Object) (-whole) : -Values.number(value);
      default -> value instanceof Long ? value : (Object) Values.number(value);
    };
  }

  private Object comparison(Expression.Comparison comparison, Scope scope) {
    Object left = value(comparison.first(), scope);
    for (int i = 0; i < comparison.rest().size(); i++) {
      Object right = value(comparison.rest().get(i), scope);
      bounds.steps(Math.max(1, Math.max(Values.sizeOf(left), Values.sizeOf(right)) / 16));
      boolean holds =
          switch (comparison.operators().get(i)) {
            case "==" -> Values.areEqual(left, right);
            case "!=" -> !Values.areEqual(left, right);
            case "<" -> Values.compare(left, right) < 0;
            case "<=" -> Values.compare(left, right) <= 0;
            case ">" -> Values.compare(left, right) > 0;
            case ">=" -> Values.compare(left, right) >= 0;
            case "in" -> Values.contains(right, left);
            default -> !Values.contains(right, left);
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }

  /**
   * A chain such as {@code a + b + c} leans to the left: it is walked without recursion, so that a
   * long one takes no stack.
   */
  private Object binary(Expression.Binary last, Scope scope) {
    Deque<Expression.Binary> chain = new ArrayDeque<>();
    Expression first = last;
    while (first instanceof Expression.Binary binary) {
      bounds.step();
      chain.push(binary);
      first = binary.left();
    }
    Object left = value(first, scope);
    for (Expression.Binary binary : chain) {
      left =
          switch (binary.operator()) {
            case "and" -> Values.isTrue(left) ? value(binary.right(), scope) : left;
            case "or" -> Values.isTrue(left) ? left : value(binary.right(), scope);
            default ->
                checked(Arithmetic.of(binary.operator(), left, value(binary.right(), scope)));
          };
    }
    return left;
  }
}
