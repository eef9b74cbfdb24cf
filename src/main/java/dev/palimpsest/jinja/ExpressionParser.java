package dev.palimpsest.jinja;

import dev.palimpsest.jinja.Expression.Arguments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/** Expressions by recursive descent, from the weakest binding to the strongest. */
final class ExpressionParser {
  private static final int DEEPEST = 100;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=", "in");

  private final Tokens tokens;
  private int depth;

  ExpressionParser(Tokens tokens) {
    this.tokens = tokens;
  }

  /** One expression; further ones after commas make a tuple. */
  Expression tuple() {
    Expression first = expression();
    if (!tokens.isNext(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.take(",")) {
      if (tokens.peek().kind() == Tokens.Kind.END) {
        break;
      }
      items.add(expression());
    }
    return new Expression.Listing(items, true);
  }

  Expression expression() {
    return nested(
        () -> {
          Expression value = or();
          while (tokens.take("if")) {
            Expression condition = or();
            Optional<Expression> otherwise =
                tokens.take("else") ? Optional.of(expression()) : Optional.empty();
            value = new Expression.Conditional(condition, value, otherwise);
          }
          return value;
        });
  }

  /** Without {@code if}, which in a loop's head has another meaning. */
  Expression or() {
    Expression left = and();
    while (tokens.take("or")) {
      left = new Expression.Binary("or", left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (tokens.take("and")) {
      left = new Expression.Binary("and", left, not());
    }
    return left;
  }

  private Expression not() {
    return tokens.take("not") ? nested(() -> new Expression.Unary("not", not())) : comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<String> operators = new ArrayList<>();
    List<Expression> rest = new ArrayList<>();
    while (true) {
      if (COMPARISONS.contains(tokens.peek().text())
          && tokens.peek().kind() != Tokens.Kind.STRING) {
        operators.add(tokens.next().text());
      } else if (tokens.isNext("not") && tokens.isSecond("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        return operators.isEmpty() ? first : new Expression.Comparison(first, operators, rest);
      }
      rest.add(sum());
    }
  }

  private Expression sum() {
    return leftToRight(() -> leftToRight(this::product, Set.of("~")), Set.of("+", "-"));
  }

  private Expression product() {
    return leftToRight(this::unary, Set.of("*", "/", "//", "%"));
  }

  private Expression leftToRight(Supplier<Expression> part, Set<String> operators) {
    Expression left = part.get();
    while (tokens.peek().kind() == Tokens.Kind.SIGN && operators.contains(tokens.peek().text())) {
      left = new Expression.Binary(tokens.next().text(), left, part.get());
    }
    return left;
  }

  private Expression unary() {
    if (tokens.isNext("-") || tokens.isNext("+")) {
      String operator = tokens.next().text();
      return nested(() -> new Expression.Unary(operator, unary()));
    }
    Expression value = filtered(postfix(primary()));
    if (tokens.take("**")) {
      Expression left = value;
      return nested(() -> new Expression.Binary("**", left, unary()));
    }
    return value;
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.take(".")) {
        Tokens.Token name = tokens.next();
        value =
            name.kind() == Tokens.Kind.WHOLE
                ? new Expression.Item(value, new Expression.Literal(Long.parseLong(name.text())))
                : new Expression.Attribute(value, requireName(name));
      } else if (tokens.take("[")) {
        value = subscript(value);
      } else if (tokens.isNext("(")) {
        value = new Expression.Call(value, arguments());
      } else {
        return value;
      }
    }
  }

  private static String requireName(Tokens.Token token) {
    if (token.kind() != Tokens.Kind.NAME) {
      throw new TemplateException("expected a name after '.', found '" + token.text() + "'");
    }
    return token.text();
  }

  private Expression subscript(Expression value) {
    Optional<Expression> from = tokens.isNext(":") ? Optional.empty() : Optional.of(expression());
    if (tokens.take("]")) {
      return new Expression.Item(value, from.orElseThrow());
    }
    tokens.expect(":");
    Optional<Expression> to =
        tokens.isNext(":") || tokens.isNext("]") ? Optional.empty() : Optional.of(expression());
    Optional<Expression> step = Optional.empty();
    if (tokens.take(":") && !tokens.isNext("]")) {
      step = Optional.of(expression());
    }
    tokens.expect("]");
    return new Expression.Slice(value, from, to, step);
  }

  /** Filters and tests, which bind alike. */
  private Expression filtered(Expression start) {
    Expression value = start;
    while (true) {
      if (tokens.take("|")) {
        String name = tokens.name();
        value =
            postfix(
                new Expression.Filter(
                    value, name, tokens.isNext("(") ? arguments() : Arguments.NONE));
      } else if (tokens.take("is")) {
        boolean negated = tokens.take("not");
        String name = tokens.name();
        value = new Expression.Test(value, name, testArguments(), negated);
      } else {
        return value;
      }
    }
  }

  /** In parentheses, or one value without them: {@code is divisibleby 3}. */
  private Arguments testArguments() {
    if (tokens.isNext("(")) {
      return arguments();
    }
    Tokens.Token next = tokens.peek();
    boolean value =
        switch (next.kind()) {
          case WHOLE, REAL, STRING -> true;
          case NAME -> !Set.of("and", "or", "else", "if", "is", "not", "in").contains(next.text());
          case SIGN -> next.text().equals("[") || next.text().equals("{");
          case END -> false;
        };
    return value ? new Arguments(List.of(postfix(primary())), Map.of()) : Arguments.NONE;
  }

  Arguments arguments() {
    tokens.expect("(");
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.take(")")) {
      if (tokens.peek().kind() == Tokens.Kind.NAME && tokens.isSecond("=")) {
        String name = tokens.name();
        tokens.expect("=");
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      if (!tokens.isNext(")")) {
        tokens.expect(",");
      }
    }
    return new Arguments(positional, named);
  }

  private Expression primary() {
    Tokens.Token token = tokens.next();
    return switch (token.kind()) {
      case NAME ->
          switch (token.text()) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(Nothing.NONE);
            default -> new Expression.Name(token.text());
          };
      case WHOLE -> new Expression.Literal(whole(token.text()));
      case REAL -> new Expression.Literal(Double.parseDouble(token.text()));
      case STRING -> new Expression.Literal(strings(token.text()));
      case SIGN -> bracketed(token.text());
      case END -> throw new TemplateException("expected an expression, found the end");
    };
  }

  private static long whole(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException tooLarge) {
      throw new TemplateException("the number " + digits + " is too large");
    }
  }

  /** Strings one after the other are one. */
  private String strings(String first) {
    StringBuilder all = new StringBuilder(first);
    while (tokens.peek().kind() == Tokens.Kind.STRING) {
      all.append(tokens.next().text());
    }
    return all.toString();
  }

  private Expression bracketed(String sign) {
    return nested(
        () ->
            switch (sign) {
              case "(" -> parenthesised();
              case "[" -> new Expression.Listing(items("]"), false);
              case "{" -> mapping();
              default ->
                  throw new TemplateException("expected an expression, found '" + sign + "'");
            });
  }

  private Expression parenthesised() {
    if (tokens.take(")")) {
      return new Expression.Listing(List.of(), true);
    }
    Expression first = expression();
    if (tokens.take(")")) {
      return first;
    }
    tokens.expect(",");
    List<Expression> items = new ArrayList<>(List.of(first));
    items.addAll(items(")"));
    return new Expression.Listing(items, true);
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!tokens.take(end)) {
      items.add(expression());
      if (!tokens.isNext(end)) {
        tokens.expect(",");
      }
    }
    return items;
  }

  private Expression mapping() {
    List<Expression> keys = new ArrayList<>();
    List<Expression> values = new ArrayList<>();
    while (!tokens.take("}")) {
      keys.add(expression());
      tokens.expect(":");
      values.add(expression());
      if (!tokens.isNext("}")) {
        tokens.expect(",");
      }
    }
    return new Expression.Mapping(keys, values);
  }

  private Expression nested(Supplier<Expression> part) {
    if (++depth > DEEPEST) {
      throw new TemplateException("nested deeper than " + DEEPEST + " levels");
    }
    Expression result = part.get();
    depth--;
    return result;
  }
}
