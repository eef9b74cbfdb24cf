package dev.palimpsest.simulate;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Calibrations as JSON Lines: a line about the whole, one line a latent, and a last line with their
 * checksum.
 */
public final class CalibrationStore {
  private CalibrationStore() {}

  /**
   * @param output mean output of the module [d]
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Head(int latents, long tokens, float[] output) {
    Head {
      if (latents < 1 || tokens < 0) {
        throw new IllegalArgumentException(
            latents + " latents and " + tokens + " tokens describe no calibrations");
      }
    }
  }

  /**
   * One latent; the activations of all maps belong to the same ratings. Files of before there were
   * hurdle and joint fits have none of them.
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  private record Line(
      int latent,
      float maximum,
      float mean,
      float density,
      boolean borrowed,
      float[] ratings,
      float[] quantile,
      float[] conditionalMean,
      Optional<float[]> hurdle,
      Optional<Float> scale,
      Optional<Float> offset) {}

  /** Replaces the file in one step. */
  public static void write(Path file, CalibrationSet set) {
    AtomicFiles.write(
        file,
        channel -> {
          StateLines.Writer lines = new StateLines.Writer(channel);
          lines.append(new Head(set.maxima().length, set.tokens(), set.means().output()));
          for (int i = 0; i < set.maxima().length; i++) {
            int latent = i;
            lines.append(
                new Line(
                    i,
                    set.maxima()[i],
                    set.means().latents()[i],
                    set.densities()[i],
                    set.borrowed()[i],
                    set.conditionalMean()[i].ratings(),
                    set.quantile()[i].activations(),
                    set.conditionalMean()[i].activations(),
                    set.hurdle().map(maps -> maps[latent].activations()),
                    set.joint().map(fit -> fit.scale()[latent]),
                    set.joint().map(fit -> fit.offset()[latent])));
          }
          lines.seal();
        });
  }

  /**
   * @throws PalimpsestException naming the file and what is wrong with it
   */
  public static CalibrationSet read(Path file) {
    try (StateLines lines = StateLines.open(file)) {
      Head head = lines.require(Head.class);
      // Lists grow with the lines that are there, whatever number the head names.
      List<Figures> figures = new ArrayList<>();
      List<CalibrationMap> quantile = new ArrayList<>();
      List<CalibrationMap> mean = new ArrayList<>();
      List<CalibrationMap> hurdle = new ArrayList<>();
      List<Float> scales = new ArrayList<>();
      List<Float> offsets = new ArrayList<>();
      for (int i = 0; i < head.latents(); i++) {
        Line line = lines.require(Line.class);
        if (line.latent() != i) {
          throw lines.fault("found latent " + line.latent() + ", expected " + i);
        }
        if (line.maximum() < 0 || line.mean() < 0 || line.density() < 0 || line.density() > 1) {
          throw lines.fault("'maximum', 'mean' and 'density' must be 0 or more, density at most 1");
        }
        quantile.add(map(lines, line.ratings(), line.quantile()));
        mean.add(map(lines, line.ratings(), line.conditionalMean()));
        line.hurdle().ifPresent(values -> hurdle.add(map(lines, line.ratings(), values)));
        line.scale().ifPresent(scales::add);
        line.offset().ifPresent(offsets::add);
        int known = scales.size();
        boolean mixed =
            (known != 0 && known != i + 1) || (!hurdle.isEmpty() && hurdle.size() != i + 1);
        if (mixed
            || known != offsets.size()
            || line.scale().filter(scale -> scale < 0).isPresent()) {
          throw lines.fault(
              "'hurdle', 'scale' and 'offset' must be of all latents or none, scales 0 or more");
        }
        figures.add(new Figures(line.maximum(), line.mean(), line.density(), line.borrowed()));
      }
      lines.requireSeal();
      return set(
          head,
          figures,
          quantile,
          mean,
          hurdle.isEmpty() ? Optional.empty() : Optional.of(hurdle.toArray(CalibrationMap[]::new)),
          scales.isEmpty()
              ? Optional.empty()
              : Optional.of(new JointFit(floats(scales), floats(offsets))));
    }
  }

  /** A line without its maps. */
  private record Figures(float maximum, float mean, float density, boolean borrowed) {}

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }

  private static CalibrationSet set(
      Head head,
      List<Figures> figures,
      List<CalibrationMap> quantile,
      List<CalibrationMap> mean,
      Optional<CalibrationMap[]> hurdle,
      Optional<JointFit> joint) {
    int latents = figures.size();
    float[] maxima = new float[latents];
    float[] means = new float[latents];
    float[] densities = new float[latents];
    boolean[] borrowed = new boolean[latents];
    for (int i = 0; i < latents; i++) {
      maxima[i] = figures.get(i).maximum();
      means[i] = figures.get(i).mean();
      densities[i] = figures.get(i).density();
      borrowed[i] = figures.get(i).borrowed();
    }
    return new CalibrationSet(
        head.tokens(),
        new CalibrationMeans(head.output(), means),
        maxima,
        densities,
        borrowed,
        quantile.toArray(CalibrationMap[]::new),
        mean.toArray(CalibrationMap[]::new),
        hurdle,
        joint);
  }

  private static CalibrationMap map(StateLines lines, float[] ratings, float[] activations) {
    if (ratings.length == 0 || ratings.length != activations.length) {
      throw lines.fault(
          "found "
              + ratings.length
              + " ratings and "
              + activations.length
              + " activations, expected as many, at least one");
    }
    for (int i = 0; i < ratings.length; i++) {
      boolean ascends =
          i == 0 || (ratings[i] > ratings[i - 1] && activations[i] >= activations[i - 1]);
      if (!ascends || activations[i] < 0) {
        throw lines.fault("ratings and activations must ascend, activations from 0 on");
      }
    }
    return new CalibrationMap(ratings, activations);
  }
}
