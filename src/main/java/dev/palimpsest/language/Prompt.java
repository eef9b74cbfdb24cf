package dev.palimpsest.language;

import java.util.List;

/** What a model is given. */
public sealed interface Prompt {
  /** A text that the model goes on from. */
  record Text(String text) implements Prompt {}

  /** A conversation, put into the model's own form by its chat template. */
  record Chat(List<Message> messages) implements Prompt {
    /** Copies the list. */
    public Chat {
      messages = List.copyOf(messages);
    }
  }

  /**
   * One turn.
   *
   * @param role {@code system}, {@code user} or {@code assistant}
   */
  record Message(String role, String content) {}
}
