package dev.palimpsest.simulate;

import dev.palimpsest.base.Json;
import dev.palimpsest.latents.Keeping;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.latents.ScratchFolder;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.ArrayList;
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
    return (long) (chosen(text, config).length + jointly(text, config).length)
        * text.windows().contextLength();
  }

  private static long[] jointly(CalibrationText text, SimulateConfig config) {
    return config.jointTokens() == 0
        ? new long[0]
        : LatentStream.choose(
            text.windows(), Math.min(config.tokens(), config.jointTokens()), config.seed());
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
    if (config.jointTokens() > 0) {
      JointFitter.requireRoom(maxima.length, stream.hookpoint());
    }
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
              Math.max(1, config.batchTokens() / length),
              text.firstPosition(),
              LatentStream.Outputs.MODULE),
          batch -> {
            long before = System.nanoTime();
            fitter.add(batch);
            rows[0] += batch.rows();
            nanos[0] += System.nanoTime() - before;
            keeping.ifDue(fitter::keep);
            progress.accept((batch.firstRow() + batch.rows()) * length);
          });
      if (config.jointTokens() > 0) {
        // What is done is not read again where the process is killed during the second pass.
        fitter.keep();
      }
      sets = fitter.fit(maxima);
    }
    if (config.jointTokens() > 0) {
      sets =
          jointly(
              stream,
              text,
              rated,
              sets,
              config,
              done -> progress.accept(positions(chosen, length) + done));
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

  private static long positions(long[] chosen, int length) {
    return (long) chosen.length * length;
  }

  /**
   * The second pass: the joint calibration of each simulator after its own conditional means, so
   * that exchanged texts have theirs too.
   */
  private static List<CalibrationSet> jointly(
      LatentStream stream,
      CalibrationText text,
      List<Rated> rated,
      List<CalibrationSet> sets,
      SimulateConfig config,
      LongConsumer progress) {
    long[] chosen = jointly(text, config);
    int length = text.windows().contextLength();
    float[][] decoder = new float[stream.latents()][];
    for (int i = 0; i < decoder.length; i++) {
      decoder[i] = stream.coder().frozenDecoderRow(i);
    }
    List<JointFitter> fitters = new ArrayList<>();
    for (int i = 0; i < sets.size(); i++) {
      fitters.add(
          new JointFitter(
              new CalibratedPredictor(
                  rated.get(i).simulator(), sets.get(i), Calibration.CONDITIONAL_MEAN),
              decoder,
              row -> text.windows().document(chosen[Math.toIntExact(row)])));
    }
    stream.run(
        text.windows(),
        chosen,
        0,
        new LatentStream.Pass(
            Math.max(1, config.batchTokens() / length),
            text.firstPosition(),
            LatentStream.Outputs.BEYOND_SKIP),
        batch -> {
          fitters.forEach(fitter -> fitter.add(batch));
          progress.accept((batch.firstRow() + batch.rows()) * length);
        });
    List<CalibrationSet> fitted = new ArrayList<>();
    for (int i = 0; i < sets.size(); i++) {
      fitted.add(sets.get(i).with(fitters.get(i).fit()));
    }
    return fitted;
  }
}
