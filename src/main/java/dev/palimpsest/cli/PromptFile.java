package dev.palimpsest.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.language.Prompt;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Prompts of a file, a JSON object a line: a prompt, or the messages of a conversation. */
final class PromptFile {
  private PromptFile() {}

  /**
   * Reads all prompts.
   *
   * @throws PalimpsestException naming file and line, what was found and what was expected
   */
  static List<Prompt> read(Path file) {
    List<Prompt> prompts = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          prompts.add(prompt(line, file + ", line " + number));
        }
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    if (prompts.isEmpty()) {
      throw new PalimpsestException(file + ": no prompts");
    }
    return prompts;
  }

  private static Prompt prompt(String line, String place) {
    JsonNode node;
    try {
      node = Json.MAPPER.readTree(line);
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(
          place
              + ": "
              + (fault instanceof JsonMappingException ? "not JSON" : JsonFaults.describe(fault)),
          fault);
    }
    JsonNode text = node.path("prompt");
    JsonNode messages = node.path("messages");
    if (text.isTextual() && messages.isMissingNode()) {
      return new Prompt.Text(text.textValue());
    }
    if (messages.isArray() && !messages.isEmpty() && text.isMissingNode()) {
      List<Prompt.Message> turns = new ArrayList<>();
      for (JsonNode message : messages) {
        JsonNode role = message.path("role");
        JsonNode content = message.path("content");
        if (!role.isTextual() || !content.isTextual()) {
          throw new PalimpsestException(
              place + ": a message has no role and content that are texts");
        }
        turns.add(new Prompt.Message(role.textValue(), content.textValue()));
      }
      return new Prompt.Chat(turns);
    }
    throw new PalimpsestException(
        place + ": expected {\"prompt\": TEXT} or {\"messages\": [{\"role\", \"content\"}, …]}");
  }
}
