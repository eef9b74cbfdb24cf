package dev.palimpsest.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * A piece of a template: plain text, an expression to print, or a statement.
 *
 * @param content without the braces and without the marks for blanks
 * @param line where it begins, from 1
 */
record Segment(Kind kind, String content, int line) {
  enum Kind {
    TEXT,
    OUTPUT,
    STATEMENT
  }

  /**
   * Cuts a template. As where chat templates are rendered elsewhere, the newline behind a statement
   * goes ({@code trim_blocks}), and so do blanks between the beginning of a line and a statement
   * ({@code lstrip_blocks}); {@code -} beside a brace takes all blanks on that side, {@code +}
   * keeps them. One newline at the template's end goes too.
   */
  static List<Segment> of(String template) {
    return new Cutter(template.replace("\r\n", "\n").replace('\r', '\n')).cut();
  }

  private static final class Cutter {
    private final String source;
    private final List<Segment> segments = new ArrayList<>();
    private int at;
    private int counted;
    private int line = 1;
    private boolean trimLeft;
    private boolean trimNewline;

    Cutter(String source) {
      this.source = source.endsWith("\n") ? source.substring(0, source.length() - 1) : source;
    }

    List<Segment> cut() {
      while (at < source.length()) {
        int open = nextOpening(at);
        text(open);
        at = open;
        if (open < source.length()) {
          tag(open);
        }
      }
      return segments;
    }

    private int nextOpening(int from) {
      for (int i = source.indexOf('{', from); i >= 0; i = source.indexOf('{', i + 1)) {
        if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
          return i;
        }
      }
      return source.length();
    }

    /** The text up to a tag, without the blanks that this and the tag before take away. */
    private void text(int open) {
      int from = at;
      if (trimLeft) {
        while (from < open && Character.isWhitespace(source.charAt(from))) {
          from++;
        }
      } else if (trimNewline && from < open && source.charAt(from) == '\n') {
        from++;
      }
      int to = open;
      char mark = open + 2 < source.length() ? source.charAt(open + 2) : ' ';
      boolean block = open < source.length() && source.charAt(open + 1) != '{';
      if (open < source.length() && mark == '-') {
        while (to > from && Character.isWhitespace(source.charAt(to - 1))) {
          to--;
        }
      } else if (block && mark != '+') {
        int blank = to;
        while (blank > from
            && source.charAt(blank - 1) != '\n'
            && isBlank(source.charAt(blank - 1))) {
          blank--;
        }
        boolean lineBegins = blank == 0 || source.charAt(blank - 1) == '\n';
        to = lineBegins ? blank : to;
      }
      if (to > from) {
        segments.add(new Segment(Kind.TEXT, source.substring(from, to), line(from)));
      }
    }

    private static boolean isBlank(char c) {
      return c != '\n' && Character.isWhitespace(c);
    }

    private void tag(int open) {
      char kind = source.charAt(open + 1);
      String ending = kind == '{' ? "}}" : kind == '%' ? "%}" : "#}";
      int from = open + 2;
      if (from < source.length() && "-+".indexOf(source.charAt(from)) >= 0) {
        from++;
      }
      int close = kind == '#' ? source.indexOf(ending, from) : closing(from, ending);
      if (close < 0) {
        throw new TemplateException("a tag that does not end").at(line(open));
      }
      int to = close;
      trimLeft = to > from && source.charAt(to - 1) == '-';
      boolean keeps = to > from && source.charAt(to - 1) == '+';
      trimNewline = kind != '{' && !keeps;
      to -= trimLeft || keeps ? 1 : 0;
      at = close + 2;
      String content = source.substring(from, Math.max(from, to)).strip();
      if (kind == '%' && content.equals("raw")) {
        raw(open);
      } else if (kind != '#') {
        segments.add(new Segment(kind == '{' ? Kind.OUTPUT : Kind.STATEMENT, content, line(open)));
      }
    }

    /** The end of a tag: not one within a string. In braces, {@code }}} may also end a mapping. */
    private int closing(int from, String ending) {
      int depth = 0;
      for (int i = from; i + 1 < source.length(); i++) {
        char c = source.charAt(i);
        if (c == '\'' || c == '"') {
          i = endOfString(i);
        } else if (depth == 0 && source.startsWith(ending, i)) {
          return i;
        } else if (c == '{') {
          depth++;
        } else if (c == '}' && depth > 0) {
          depth--;
        }
      }
      return -1;
    }

    private int endOfString(int from) {
      for (int i = from + 1; i < source.length(); i++) {
        if (source.charAt(i) == '\\') {
          i++;
        } else if (source.charAt(i) == source.charAt(from)) {
          return i;
        }
      }
      return source.length();
    }

    private void raw(int open) {
      java.util.regex.Matcher end =
          java.util.regex.Pattern.compile("\\{%[-+]?\\s*endraw\\s*[-+]?%}").matcher(source);
      if (!end.find(at)) {
        throw new TemplateException("'raw' without 'endraw'").at(line(open));
      }
      segments.add(new Segment(Kind.TEXT, source.substring(at, end.start()), line(at)));
      at = end.end();
      trimLeft = false;
      trimNewline = true;
    }

    /** Positions are asked for in ascending order, or nearly so. */
    private int line(int position) {
      for (; counted < position; counted++) {
        line += source.charAt(counted) == '\n' ? 1 : 0;
      }
      return line;
    }
  }
}
