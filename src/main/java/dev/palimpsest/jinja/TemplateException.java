package dev.palimpsest.jinja;

import dev.palimpsest.base.PalimpsestException;

/** A template that is wrong, asks for what there is not, or would not end. */
public final class TemplateException extends PalimpsestException {
  private static final long serialVersionUID = 1;

  TemplateException(String message) {
    super(message);
  }

  /** With the line at fault put before the message, unless one is there. */
  TemplateException at(int line) {
    String message = String.valueOf(getMessage());
    return message.startsWith("line ")
        ? this
        : new TemplateException("line " + line + ": " + message);
  }
}
