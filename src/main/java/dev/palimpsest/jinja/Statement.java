package dev.palimpsest.jinja;

import dev.palimpsest.jinja.Expression.Arguments;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A part of a template, parsed. */
sealed interface Statement {
  /** Text as it stands. */
  record Text(String text) implements Statement {}

  /** {@code {{ value }}}. */
  record Output(Expression value, int line) implements Statement {}

  /** {@code if}, {@code elif} and {@code else}: the first branch whose condition holds. */
  record If(List<Branch> branches, List<Statement> otherwise, int line) implements Statement {}

  /** A condition and what it guards. */
  record Branch(Expression condition, List<Statement> body) {}

  /** {@code for targets in items if condition}; {@code otherwise} where there are none. */
  record For(
      List<String> targets,
      Expression items,
      Optional<Expression> condition,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {}

  /** {@code set targets = value}. */
  record Set(List<String> targets, Expression value, int line) implements Statement {}

  /** {@code set object.name = value}, of a namespace. */
  record SetMember(String object, String name, Expression value, int line) implements Statement {}

  /** {@code set name}body{@code endset}: the body's text. */
  record Capture(String name, Optional<Filtering> filter, List<Statement> body, int line)
      implements Statement {}

  /** {@code filter name}body{@code endfilter}. */
  record Filtered(Filtering filter, List<Statement> body, int line) implements Statement {}

  /** The filter of a body's text. */
  record Filtering(String name, Arguments arguments) {}

  /** {@code macro name(parameters)}; defaults by name. */
  record Macro(
      String name,
      List<String> parameters,
      Map<String, Expression> defaults,
      List<Statement> body,
      int line)
      implements Statement {}

  /** What changes nothing about its body: {@code generation}. */
  record Plain(List<Statement> body) implements Statement {}

  /** {@code break} or {@code continue}. */
  record Jump(boolean ends) implements Statement {}
}
