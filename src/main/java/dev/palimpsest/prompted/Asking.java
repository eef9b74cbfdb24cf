package dev.palimpsest.prompted;

import dev.palimpsest.llm.Question;
import dev.palimpsest.llm.Respondent;
import java.util.Iterator;

/**
 * Whom to ask, and in which form.
 *
 * @param respondent answers; stays the caller's
 * @param name as in results
 * @param chat whether prompts are conversations
 */
public record Asking(Respondent respondent, String name, boolean chat) {
  /** For what needs no answers. */
  public static Asking nobody(String name) {
    return new Asking(new Nobody(), name, true);
  }

  /** Is never asked. */
  private static final class Nobody implements Respondent {
    @Override
    public void ask(Iterator<Question> questions, Replies replies) {
      if (questions.hasNext()) {
        throw new IllegalStateException("there is nobody to ask");
      }
    }

    @Override
    public String identity() {
      return "nobody";
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }
}
