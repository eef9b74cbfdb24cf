package dev.palimpsest.simulate;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Scores as JSON Lines, one latent a line. */
public final class ScoreStore {
  private ScoreStore() {}

  /** Replaces the file in one step. */
  public static void write(Path file, List<LatentScore> scores) {
    StringBuilder lines = new StringBuilder();
    for (LatentScore score : scores) {
      lines.append(Json.line(score)).append('\n');
    }
    AtomicFiles.writeString(file, lines.toString());
  }

  /**
   * @throws PalimpsestException naming file and line of what is not a score
   */
  public static List<LatentScore> read(Path file) {
    List<LatentScore> scores = new ArrayList<>();
    try (StateLines lines = StateLines.open(file)) {
      int last = -1;
      for (Optional<LatentScore> next = lines.next(LatentScore.class);
          next.isPresent();
          next = lines.next(LatentScore.class)) {
        if (next.get().latent() <= last) {
          throw lines.fault("latent " + next.get().latent() + " does not come after " + last);
        }
        last = next.get().latent();
        scores.add(next.get());
      }
    }
    return scores;
  }

  /**
   * The figure that ranks latents, for all of them.
   *
   * @return [latents] balanced accuracy; NaN where there is no score
   */
  public static double[] balancedAccuracy(List<LatentScore> scores, int latents) {
    double[] accuracy = new double[latents];
    Arrays.fill(accuracy, Double.NaN);
    for (LatentScore score : scores) {
      if (score.latent() < latents) {
        accuracy[score.latent()] = score.balancedAccuracy();
      }
    }
    return accuracy;
  }
}
