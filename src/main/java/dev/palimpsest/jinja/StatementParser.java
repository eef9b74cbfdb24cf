package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** From segments to statements. */
final class StatementParser {
  private static final int DEEPEST = 100;

  private final List<Segment> segments;
  private int at;
  private int depth;

  StatementParser(List<Segment> segments) {
    this.segments = segments;
  }

  /** The whole template. */
  List<Statement> parse() {
    List<Statement> body = body();
    if (at < segments.size()) {
      Segment extra = segments.get(at);
      throw new TemplateException("unexpected '" + keyword(extra) + "'").at(extra.line());
    }
    return body;
  }

  /** Statements up to one of the keywords, which is not taken, or the end. */
  private List<Statement> body(String... until) {
    if (++depth > DEEPEST) {
      throw new TemplateException("statements nested deeper than " + DEEPEST + " levels")
          .at(segments.get(Math.min(at, segments.size() - 1)).line());
    }
    List<Statement> statements = new ArrayList<>();
    while (at < segments.size()) {
      Segment segment = segments.get(at);
      if (segment.kind() == Segment.Kind.STATEMENT
          && (Arrays.asList(until).contains(keyword(segment)) || isEnd(keyword(segment)))) {
        break;
      }
      at++;
      try {
        statements.add(statement(segment));
      } catch (TemplateException wrong) {
        throw wrong.at(segment.line());
      }
    }
    depth--;
    return statements;
  }

  private static boolean isEnd(String keyword) {
    return keyword.startsWith("end") || keyword.equals("else") || keyword.equals("elif");
  }

  private static String keyword(Segment segment) {
    return segment.content().split("[^a-zA-Z]", 2)[0];
  }

  private Statement statement(Segment segment) {
    int line = segment.line();
    if (segment.kind() == Segment.Kind.TEXT) {
      return new Statement.Text(segment.content());
    }
    Tokens tokens = new Tokens(segment.content());
    ExpressionParser parser = new ExpressionParser(tokens);
    if (segment.kind() == Segment.Kind.OUTPUT) {
      Expression value = parser.tuple();
      tokens.expectEnd();
      return new Statement.Output(value, line);
    }
    String keyword = tokens.name();
    return switch (keyword) {
      case "if" -> conditional(parser, tokens, line);
      case "for" -> loop(parser, tokens, line);
      case "set" -> assignment(parser, tokens, line);
      case "macro" -> macro(parser, tokens, line);
      case "filter" -> {
        Statement.Filtering filter = filtering(parser, tokens);
        yield new Statement.Filtered(filter, closed(tokens, "endfilter"), line);
      }
      case "generation" -> new Statement.Plain(closed(tokens, "endgeneration"));
      case "break", "continue" -> {
        tokens.expectEnd();
        yield new Statement.Jump(keyword.equals("break"));
      }
      default -> throw new TemplateException("statement '" + keyword + "' is not known here");
    };
  }

  /** The body up to the keyword that closes it; the head ends here. */
  private List<Statement> closed(Tokens head, String end) {
    head.expectEnd();
    List<Statement> body = body(end);
    close(end);
    return body;
  }

  private void close(String end) {
    if (at >= segments.size() || !keyword(segments.get(at)).equals(end)) {
      throw new TemplateException(
          "expected '"
              + end
              + "', found "
              + (at < segments.size()
                  ? "'" + keyword(segments.get(at)) + "' in line " + segments.get(at).line()
                  : "the end"));
    }
    at++;
  }

  private Statement conditional(ExpressionParser first, Tokens head, int line) {
    List<Statement.Branch> branches = new ArrayList<>();
    Expression condition = first.tuple();
    head.expectEnd();
    while (true) {
      branches.add(new Statement.Branch(condition, body("elif", "else", "endif")));
      if (at >= segments.size() || !keyword(segments.get(at)).equals("elif")) {
        break;
      }
      Tokens tokens = new Tokens(segments.get(at++).content());
      tokens.name();
      condition = new ExpressionParser(tokens).tuple();
      tokens.expectEnd();
    }
    List<Statement> otherwise = otherwise("endif");
    close("endif");
    return new Statement.If(branches, otherwise, line);
  }

  private List<Statement> otherwise(String end) {
    if (at < segments.size() && keyword(segments.get(at)).equals("else")) {
      at++;
      return body(end);
    }
    return List.of();
  }

  private Statement loop(ExpressionParser parser, Tokens tokens, int line) {
    List<String> targets = targets(tokens);
    tokens.expect("in");
    Expression items = parser.or();
    if (tokens.isNext(",")) {
      List<Expression> all = new ArrayList<>(List.of(items));
      while (tokens.take(",")) {
        all.add(parser.or());
      }
      items = new Expression.Listing(all, true);
    }
    Optional<Expression> condition =
        tokens.take("if") ? Optional.of(parser.expression()) : Optional.empty();
    tokens.expectEnd();
    List<Statement> body = body("else", "endfor");
    List<Statement> otherwise = otherwise("endfor");
    close("endfor");
    return new Statement.For(targets, items, condition, body, otherwise, line);
  }

  private static List<String> targets(Tokens tokens) {
    boolean parenthesis = tokens.take("(");
    List<String> targets = new ArrayList<>(List.of(tokens.name()));
    while (tokens.take(",")) {
      targets.add(tokens.name());
    }
    if (parenthesis) {
      tokens.expect(")");
    }
    return targets;
  }

  private Statement assignment(ExpressionParser parser, Tokens tokens, int line) {
    List<String> targets = targets(tokens);
    if (targets.size() == 1 && tokens.take(".")) {
      String member = tokens.name();
      tokens.expect("=");
      Expression value = parser.tuple();
      tokens.expectEnd();
      return new Statement.SetMember(targets.get(0), member, value, line);
    }
    if (tokens.take("=")) {
      Expression value = parser.tuple();
      tokens.expectEnd();
      return new Statement.Set(targets, value, line);
    }
    Optional<Statement.Filtering> filter =
        tokens.take("|") ? Optional.of(filtering(parser, tokens)) : Optional.empty();
    return new Statement.Capture(targets.get(0), filter, closed(tokens, "endset"), line);
  }

  private static Statement.Filtering filtering(ExpressionParser parser, Tokens tokens) {
    String name = tokens.name();
    return new Statement.Filtering(
        name, tokens.isNext("(") ? parser.arguments() : Expression.Arguments.NONE);
  }

  private Statement macro(ExpressionParser parser, Tokens tokens, int line) {
    String name = tokens.name();
    List<String> parameters = new ArrayList<>();
    Map<String, Expression> defaults = new LinkedHashMap<>();
    tokens.expect("(");
    while (!tokens.take(")")) {
      String parameter = tokens.name();
      parameters.add(parameter);
      if (tokens.take("=")) {
        defaults.put(parameter, parser.expression());
      }
      if (!tokens.isNext(")")) {
        tokens.expect(",");
      }
    }
    return new Statement.Macro(name, parameters, defaults, closed(tokens, "endmacro"), line);
  }
}
