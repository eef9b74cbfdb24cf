package dev.palimpsest.jinja;

/**
 * What a rendering may use up. A template comes with a model from anywhere: without an end to its
 * steps and its text it could keep a machine busy, or fill its memory, for ever.
 */
final class Bounds {
  /** Statements executed, expressions evaluated and items gone through. */
  private static final int STEPS = 2_000_000;

  /** Characters of a text, and items of a list. */
  private static final long LENGTH = 4_000_000;

  /** Macros within macros. */
  private static final int DEPTH = 50;

  private int steps;
  private long copied;
  private int depth;

  void step() {
    steps(1);
  }

  void steps(long count) {
    steps = (int) Math.min(Integer.MAX_VALUE, steps + count);
    if (steps > STEPS) {
      throw new TemplateException("more than " + STEPS + " steps: it might never end");
    }
  }

  /** Counts the text that was made, so that making much of it again and again has an end too. */
  String made(String text) {
    requireLength(text.length());
    copied += text.length();
    if (copied > 64 * LENGTH) {
      throw new TemplateException("too much text made: it might never end");
    }
    return text;
  }

  void enter() {
    if (++depth > DEPTH) {
      throw new TemplateException("macros nested deeper than " + DEPTH);
    }
  }

  void leave() {
    depth--;
  }

  static void requireLength(long length) {
    if (length > LENGTH) {
      throw new TemplateException("a text or list longer than " + LENGTH);
    }
  }
}
