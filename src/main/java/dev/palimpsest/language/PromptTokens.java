package dev.palimpsest.language;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** From prompts to token ids, as the model's own tokenizer and template have it. */
final class PromptTokens {
  private final Path folder;
  private final Tokenizer tokenizer;
  private final OptionalInt beginning;
  private final Optional<ChatTemplate> template;
  private final int vocabularySize;

  /**
   * @param vocabularySize the model's, which a tokenizer's may exceed
   */
  PromptTokens(Path folder, Tokenizer tokenizer, int vocabularySize) {
    this.folder = folder;
    this.tokenizer = tokenizer;
    this.vocabularySize = vocabularySize;
    TokenizerSettings settings = TokenizerSettings.read(folder);
    beginning = Beginning.of(folder, settings, tokenizer);
    template = ChatTemplate.of(folder, settings);
  }

  /**
   * The ids of a prompt: of a text with the model's beginning-of-text token before it, once, where
   * its tokenizer puts one there; of a conversation as the template writes it, with nothing added.
   *
   * @throws UsageException for a prompt without tokens, or a conversation where there is no
   *     template
   */
  int[] of(Prompt prompt, int index) {
    int[] ids = prompt instanceof Prompt.Chat chat ? ids(chat.messages()) : ids(prompt);
    if (ids.length == 0) {
      throw new UsageException("prompt " + index + " is empty: there is nothing to go on from");
    }
    for (int id : ids) {
      if (id >= vocabularySize) {
        throw new PalimpsestException(
            "prompt "
                + index
                + ": token '"
                + tokenizer.rawToken(id)
                + "' has id "
                + id
                + ", the model's vocabulary has "
                + vocabularySize);
      }
    }
    return ids;
  }

  private int[] ids(List<Prompt.Message> messages) {
    ChatTemplate chat =
        template.orElseThrow(
            () ->
                new UsageException(
                    folder
                        + " has no chat template (chat_template.jinja, or chat_template in"
                        + " tokenizer_config.json): give a plain prompt"));
    return tokenizer.encode(chat.render(messages));
  }

  private int[] ids(Prompt prompt) {
    int[] ids = tokenizer.encode(((Prompt.Text) prompt).text());
    boolean there = ids.length > 0 && beginning.isPresent() && ids[0] == beginning.getAsInt();
    return beginning.isEmpty() || there
        ? ids
        : IntStream.concat(IntStream.of(beginning.getAsInt()), IntStream.of(ids)).toArray();
  }

  /**
   * The token of a label.
   *
   * @throws UsageException where the text is not exactly one token
   */
  int label(String text) {
    OptionalInt id = tokenizer.tokenReading(text);
    if (id.isEmpty() || id.getAsInt() >= vocabularySize) {
      throw new UsageException(
          "label '"
              + text
              + "' is no single token of this model; its tokenizer splits it into "
              + tokenizer.pieces(tokenizer.encode(text)).stream()
                  .map(piece -> "'" + piece.text() + "'")
                  .toList());
    }
    return id.getAsInt();
  }
}
