package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Fits the calibrations: runs the model, the coder and the simulators over the calibration windows,
 * once for all of them.
 */
public final class SimulateStage {
  private SimulateStage() {}

  /**
   * A simulator to calibrate.
   *
   * @param file usually {@code simulations/<hookpoint>.<protocol>.jsonl}
   */
  public record Rated(Simulator simulator, Path file) {}

  /**
   * What a run of the stage did.
   *
   * @param tokens calibration tokens that counted
   * @param borrowed latents that fire too rarely and have the maps of all latents pooled
   * @param ratingsPerSecond (latent, token) ratings per second of the simulators, defaults included
   */
  public record Result(long tokens, int borrowed, double ratingsPerSecond) {}

  /** Tokens that a run will read. */
  public static long tokens(CalibrationText text, SimulateConfig config) {
    return (long) chosen(text, config).length * text.windows().contextLength();
  }

  private static long[] chosen(CalibrationText text, SimulateConfig config) {
    return LatentStream.choose(text.windows(), config.tokens(), config.seed());
  }

  /**
   * Fits and replaces the files, each in one step.
   *
   * @param stream model and coder
   * @param text of the calibrate split
   * @param rated the simulators, at least one; the result is of the first
   * @param maxima [M] each latent's maximum over the latent cache
   * @param progress is told the number of tokens read so far
   */
  public static Result run(
      LatentStream stream,
      CalibrationText text,
      List<Rated> rated,
      float[] maxima,
      SimulateConfig config,
      LongConsumer progress) {
    TokenWindows windows = text.windows();
    long[] chosen = chosen(text, config);
    int length = windows.contextLength();
    long positions = (long) chosen.length * (length - text.firstPosition());
    Path scratch = ScratchFolder.beside(rated.get(0).file());
    List<CalibrationSet> sets;
    long[] nanos = {0};
    try (CalibrationFitter fitter =
        new CalibrationFitter(
            rated.stream().map(Rated::simulator).toList(),
            scratch,
            positions * stream.coder().config().k())) {
      stream.run(
          windows,
          chosen,
          0,
          new LatentStream.Pass(
              Math.max(1, config.batchTokens() / length), text.firstPosition(), true),
          batch -> {
            long before = System.nanoTime();
            fitter.add(batch);
            nanos[0] += System.nanoTime() - before;
            progress.accept((batch.firstRow() + batch.rows()) * length);
          });
      sets = fitter.fit(maxima);
    }
    for (int i = 0; i < sets.size(); i++) {
      CalibrationStore.write(rated.get(i).file(), sets.get(i));
    }
    ScratchFolder.remove(scratch);
    int borrowed = 0;
    for (boolean one : sets.get(0).borrowed()) {
      borrowed += one ? 1 : 0;
    }
    double ratings = (double) chosen.length * length * maxima.length * rated.size();
    return new Result(sets.get(0).tokens(), borrowed, ratings / Math.max(1, nanos[0]) * 1e9);
  }
}
