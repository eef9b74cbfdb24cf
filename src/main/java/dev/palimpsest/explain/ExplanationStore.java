package dev.palimpsest.explain;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Explanations as JSON Lines, one latent a line, meant to be edited by hand: later stages read
 * whatever texts the file then holds. Latents that have no line are unexplained, and are predicted
 * to be silent.
 */
public final class ExplanationStore {
  private ExplanationStore() {}

  /** Replaces the file in one step; lines stand in the order given. */
  public static void write(Path file, List<Explanation> explanations) {
    StringBuilder lines = new StringBuilder();
    for (Explanation explanation : explanations) {
      lines.append(Json.line(explanation)).append('\n');
    }
    AtomicFiles.writeString(file, lines.toString());
  }

  /**
   * Reads all lines; blank ones are skipped.
   *
   * @throws PalimpsestException naming file and line when a line is not an explanation, or explains
   *     a latent again
   */
  public static List<Explanation> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    List<Explanation> explanations = new ArrayList<>(lines.size());
    Set<Integer> seen = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      Explanation explanation = parse(file, i + 1, lines.get(i));
      if (!seen.add(explanation.latent())) {
        throw new PalimpsestException(
            file + " line " + (i + 1) + ": latent " + explanation.latent() + " is explained twice");
      }
      explanations.add(explanation);
    }
    return explanations;
  }

  @SuppressWarnings(
      "ConstantValue") // Jackson leaves a missing field null whatever the annotations say
  private static Explanation parse(Path file, int line, String json) {
    try {
      Explanation explanation = Json.MAPPER.readValue(json, Explanation.class);
      if (explanation == null || explanation.text() == null || explanation.latent() < 0) {
        throw new PalimpsestException(
            file + " line " + line + ": expected an object with latent (0 or more) and text");
      }
      return explanation;
    } catch (JsonProcessingException failure) {
      throw new PalimpsestException(
          file + " line " + line + ": " + failure.getOriginalMessage(), failure);
    }
  }
}
