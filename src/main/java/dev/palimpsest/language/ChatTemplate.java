package dev.palimpsest.language;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.jinja.Template;
import dev.palimpsest.jinja.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A model's own form of a conversation, as its folder gives it. */
final class ChatTemplate {
  private static final String FILE = "chat_template.jinja";
  private static final long LONGEST = 1 << 20;

  private final Path file;
  private final Template template;
  private final Map<String, String> tokens;

  private ChatTemplate(Path file, String source, Map<String, String> tokens) {
    this.file = file;
    this.tokens = tokens;
    try {
      template = Template.of(source);
    } catch (TemplateException wrong) {
      throw named(file, wrong);
    }
  }

  /**
   * {@code chat_template.jinja} of the folder, else {@code chat_template} of {@code
   * tokenizer_config.json} (where that holds several, the one called {@code default}).
   *
   * @throws PalimpsestException naming the file, where the template is wrong
   */
  static Optional<ChatTemplate> of(Path folder, TokenizerSettings settings) {
    Path file = folder.resolve(FILE);
    if (Files.exists(file)) {
      return Optional.of(new ChatTemplate(file, read(file), settings.tokens()));
    }
    return source(settings.root().path("chat_template"))
        .map(
            source ->
                new ChatTemplate(
                    folder.resolve("tokenizer_config.json"), source, settings.tokens()));
  }

  private static Optional<String> source(JsonNode node) {
    if (node.isTextual()) {
      return Optional.of(node.textValue());
    }
    for (JsonNode each : node) {
      if (each.path("name").asText().equals("default") && each.path("template").isTextual()) {
        return Optional.of(each.path("template").textValue());
      }
    }
    return Optional.empty();
  }

  private static String read(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw new PalimpsestException(file + ": larger than a chat template can be");
      }
      return Files.readString(file);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /**
   * The text of a conversation that the model is to go on with.
   *
   * @throws PalimpsestException naming the file and line, where the template refuses or fails
   */
  String render(List<Prompt.Message> messages) {
    List<Map<String, Object>> turns = new ArrayList<>();
    for (Prompt.Message message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    Map<String, Object> variables = new HashMap<>(tokens);
    variables.put("messages", turns);
    variables.put("tools", Template.none());
    variables.put("documents", Template.none());
    variables.put("add_generation_prompt", true);
    try {
      return template.render(variables);
    } catch (TemplateException wrong) {
      throw named(file, wrong);
    }
  }

  private static PalimpsestException named(Path file, TemplateException wrong) {
    return new PalimpsestException(
        file + ": chat template, " + Quoted.shortened(String.valueOf(wrong.getMessage()), 200),
        wrong);
  }
}
