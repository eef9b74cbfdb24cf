package dev.palimpsest.simulate;

import dev.palimpsest.base.Json;
import dev.palimpsest.latents.Keeping;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
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
   * Fits and replaces the files, each in one step. What is done is kept from time to time, and gone
   * on from after the process was killed; the files are the same.
   *
   * @param stream model and coder
   * @param text of the calibrate split
   * @param rated the simulators, at least one; the result is of the first
   * @param maxima [M] each latent's maximum over the latent cache
   * @param source what identifies model, coder, text and explanations, free-form
   * @param progress is told the number of tokens read so far
   */
  public static Result run(
      LatentStream stream,
      CalibrationText text,
      List<Rated> rated,
      float[] maxima,
      SimulateConfig config,
      Map<String, String> source,
      LongConsumer progress) {
    return run(stream, text, rated, maxima, config, source, progress, Keeping.usual());
  }

  static Result run(
      LatentStream stream,
      CalibrationText text,
      List<Rated> rated,
      float[] maxima,
      SimulateConfig config,
      Map<String, String> source,
      LongConsumer progress,
      Keeping keeping) {
    TokenWindows windows = text.windows();
    long[] chosen = chosen(text, config);
    int length = windows.contextLength();
    long positions = (long) chosen.length * (length - text.firstPosition());
    Path scratch = ScratchFolder.beside(rated.get(0).file());
    List<CalibrationSet> sets;
    SortedMap<String, String> identity = new TreeMap<>(source);
    identity.put("hookpoint", stream.hookpoint());
    identity.put("excluded", stream.excluded().ids().toString());
    identity.put("settings", Json.line(config));
    identity.put("windows", length + " tokens, from position " + text.firstPosition());
    long[] nanos = {0};
    long[] rows = {0};
    try (CalibrationFitter fitter =
        new CalibrationFitter(
            rated.stream().map(Rated::simulator).toList(),
            scratch,
            positions * stream.coder().config().k(),
            identity)) {
      stream.run(
          windows,
          chosen,
          Math.toIntExact(fitter.rows()),
          new LatentStream.Pass(
              Math.max(1, config.batchTokens() / length), text.firstPosition(), true),
          batch -> {
            long before = System.nanoTime();
            fitter.add(batch);
            rows[0] += batch.rows();
            nanos[0] += System.nanoTime() - before;
            keeping.ifDue(fitter::keep);
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
    double ratings = (double) rows[0] * length * maxima.length * rated.size();
    return new Result(sets.get(0).tokens(), borrowed, ratings / Math.max(1, nanos[0]) * 1e9);
  }
}
