package dev.palimpsest.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A template, parsed; rendering it changes nothing, so it may be used by several threads. */
public final class Template {
  private static final int LONGEST = 1_000_000;

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /**
   * Parses a template.
   *
   * @throws TemplateException naming the line of what is wrong, or not known here
   */
  public static Template of(String source) {
    if (source.length() > LONGEST) {
      throw new TemplateException("a template longer than " + LONGEST + " characters");
    }
    return new Template(new StatementParser(Segment.of(source)).parse());
  }

  /**
   * The template's text.
   *
   * @param variables plain data: strings, whole numbers, doubles, truth values, lists and maps of
   *     such; null within lists and maps is Python's None
   * @throws TemplateException naming the line of what went wrong, or was not to end
   */
  public String render(Map<String, Object> variables) {
    Map<String, Object> values = new LinkedHashMap<>();
    variables.forEach((name, value) -> values.put(name, Values.of(value)));
    try {
      return new Renderer(values).render(statements);
    } catch (StackOverflowError deep) {
      throw new TemplateException("nested too deep");
    }
  }

  /** What stands for Python's None among {@link #render}'s variables. */
  public static Object none() {
    return Nothing.NONE;
  }
}
