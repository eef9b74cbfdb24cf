package dev.palimpsest.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An expression, parsed. */
sealed interface Expression {
  /** A number, a string, true, false or none. */
  record Literal(Object value) implements Expression {}

  /** A variable. */
  record Name(String name) implements Expression {}

  /** {@code [a, b]}, or {@code (a, b)}: a tuple. */
  record Listing(List<Expression> items, boolean tuple) implements Expression {}

  /** {@code {key: value}}. */
  record Mapping(List<Expression> keys, List<Expression> values) implements Expression {}

  /** {@code object.name}. */
  record Attribute(Expression object, String name) implements Expression {}

  /** {@code object[key]}. */
  record Item(Expression object, Expression key) implements Expression {}

  /** {@code object[from:to:step]}. */
  record Slice(
      Expression object,
      Optional<Expression> from,
      Optional<Expression> to,
      Optional<Expression> step)
      implements Expression {}

  /** {@code callee(arguments, name=argument)}. */
  record Call(Expression callee, Arguments arguments) implements Expression {}

  /** {@code value | name(arguments)}. */
  record Filter(Expression value, String name, Arguments arguments) implements Expression {}

  /** {@code value is name arguments}. */
  record Test(Expression value, String name, Arguments arguments, boolean negated)
      implements Expression {}

  /** {@code not a}, {@code -a} or {@code +a}. */
  record Unary(String operator, Expression value) implements Expression {}

  /** Arithmetic, {@code and}, {@code or}, {@code ~}. */
  record Binary(String operator, Expression left, Expression right) implements Expression {}

  /** {@code a < b <= c}: true where all are. */
  record Comparison(Expression first, List<String> operators, List<Expression> rest)
      implements Expression {}

  /** {@code yes if condition else no}. */
  record Conditional(Expression condition, Expression yes, Optional<Expression> no)
      implements Expression {}

  /** What stands between the parentheses of a call. */
  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
  }
}
