package dev.palimpsest.prompted;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.StateLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Judges' scores as JSON Lines, a latent and scorer a line. */
public final class JudgedStore {
  private JudgedStore() {}

  /** Replaces the file in one step. */
  public static void write(Path file, List<JudgedScore> scores) {
    StringBuilder lines = new StringBuilder();
    scores.forEach(score -> lines.append(Json.line(score)).append('\n'));
    AtomicFiles.writeString(file, lines.toString());
  }

  /**
   * @throws dev.palimpsest.base.PalimpsestException naming file and line of what is not a score
   */
  public static List<JudgedScore> read(Path file) {
    List<JudgedScore> scores = new ArrayList<>();
    try (StateLines lines = StateLines.open(file)) {
      for (Optional<JudgedScore> next = lines.next(JudgedScore.class);
          next.isPresent();
          next = lines.next(JudgedScore.class)) {
        scores.add(next.get());
      }
    }
    return scores;
  }
}
