package dev.palimpsest.prompted;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.jinja.Template;
import dev.palimpsest.jinja.TemplateException;
import dev.palimpsest.language.Prompt;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A prompt with places to fill in: a YAML list of turns, each with a role and a content in the
 * language of chat templates ({@code {{ explanation }}}).
 */
public final class PromptForm {
  private static final long LONGEST = 1 << 20;

  private final String source;
  private final String digest;
  private final List<Turn> turns = new ArrayList<>();

  private record Given(String role, String content) {}

  private record Turn(String role, Template content) {}

  private PromptForm(String source, String text) {
    this.source = source;
    digest = FileDigests.ofText(text);
    try {
      List<Given> given = Json.YAML.readValue(text, new TypeReference<List<Given>>() {});
      for (Given turn : given == null ? List.<Given>of() : given) {
        if (turn == null || turn.role == null || turn.content == null) {
          throw new PalimpsestException(source + ": each turn needs a role and a content");
        }
        turns.add(new Turn(turn.role, Template.of(turn.content)));
      }
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(source + ": " + JsonFaults.describeWithPlace(fault), fault);
    } catch (TemplateException fault) {
      throw new PalimpsestException(source + ": " + fault.getMessage(), fault);
    }
    if (turns.isEmpty()) {
      throw new PalimpsestException(source + ": expected a list of turns, found none");
    }
  }

  /**
   * A person's prompt, else the one that comes with the program.
   *
   * @param file of the person's, if there is one
   * @param name of the program's, such as {@code explain.paper}
   * @throws PalimpsestException naming the file, and what is wrong with it
   */
  public static PromptForm of(Optional<String> file, String name) {
    return file.map(PromptForm::read).orElseGet(() -> builtIn(name));
  }

  private static PromptForm read(String file) {
    Path path = Path.of(file);
    try {
      if (!Files.isRegularFile(path)) {
        throw new UsageException("no prompt file " + file);
      }
      if (Files.size(path) > LONGEST) {
        throw new PalimpsestException(file + ": larger than a prompt can be");
      }
      return new PromptForm(file, Files.readString(path));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static PromptForm builtIn(String name) {
    String file = name + ".yaml";
    try (InputStream in = PromptForm.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("resource " + file + " is missing from the build");
      }
      return new PromptForm(file, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  /** Of its text: what was asked with another is asked anew. */
  public String digest() {
    return digest;
  }

  /**
   * Fills the places in.
   *
   * @param chat whether a conversation is wanted; else the turns are joined, a blank line between
   *     them, and the model goes on after the last
   * @throws PalimpsestException naming the file and line of a place that there is nothing for
   */
  public Prompt filled(Map<String, Object> places, boolean chat) {
    List<Prompt.Message> messages = new ArrayList<>();
    for (Turn turn : turns) {
      try {
        messages.add(new Prompt.Message(turn.role, turn.content.render(places).strip()));
      } catch (TemplateException fault) {
        throw new PalimpsestException(source + ": " + fault.getMessage(), fault);
      }
    }
    if (chat) {
      return new Prompt.Chat(messages);
    }
    return new Prompt.Text(
        String.join("\n\n", messages.stream().map(Prompt.Message::content).toList()) + "\n");
  }
}
