package dev.palimpsest.simulate;

import dev.palimpsest.latents.LatentBatch;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.LongConsumer;

/**
 * Fits the calibrations: runs the model, the coder and the simulator over the calibration windows.
 */
public final class SimulateStage {
  private SimulateStage() {}

  /**
   * What a run of the stage did.
   *
   * @param tokens calibration tokens that counted
   * @param borrowed latents that fire too rarely and have the maps of all latents pooled
   * @param ratingsPerSecond (latent, token) ratings per second of the simulator, defaults included
   */
  public record Result(long tokens, int borrowed, double ratingsPerSecond) {}

  /**
   * Fits and replaces the file in one step.
   *
   * @param stream model and coder
   * @param windows of the calibrate split, of the length that will be evaluated
   * @param maxima [M] each latent's maximum over the latent cache
   * @param file usually {@code simulations/<hookpoint>.jsonl}
   * @param progress is told the number of tokens read so far
   */
  public static Result run(
      LatentStream stream,
      Simulator simulator,
      TokenWindows windows,
      float[] maxima,
      SimulateConfig config,
      Path file,
      LongConsumer progress) {
    CalibrationFitter fitter = new CalibrationFitter(simulator);
    long[] chosen = LatentStream.choose(windows, config.tokens(), config.seed());
    long[] nanos = {0};
    stream.run(
        windows,
        chosen,
        config.batchRows(),
        batch -> {
          long before = System.nanoTime();
          add(batch, fitter);
          nanos[0] += System.nanoTime() - before;
          progress.accept((batch.firstRow() + batch.rows()) * batch.length());
        });
    CalibrationSet set = fitter.fit(maxima);
    CalibrationStore.write(file, set);
    int borrowed = 0;
    for (boolean one : set.borrowed()) {
      borrowed += one ? 1 : 0;
    }
    double ratings = (double) chosen.length * windows.contextLength() * simulator.latents();
    return new Result(set.tokens(), borrowed, ratings / Math.max(1, nanos[0]) * 1e9);
  }

  /** Hands a batch to the fitter, window by window. */
  static void add(LatentBatch batch, CalibrationFitter fitter) {
    int length = batch.length();
    int next = 0;
    for (int row = 0; row < batch.rows(); row++) {
      boolean[] counts = new boolean[length];
      int[][] latents = new int[length][0];
      float[][] activations = new float[length][0];
      while (next < batch.kept().length && batch.kept()[next] < (row + 1) * length) {
        int position = batch.kept()[next] - row * length;
        counts[position] = true;
        int slot = next * batch.k();
        latents[position] = Arrays.copyOfRange(batch.latents(), slot, slot + batch.k());
        activations[position] = Arrays.copyOfRange(batch.activations(), slot, slot + batch.k());
        next++;
      }
      fitter.add(batch.row(row), counts, latents, activations);
    }
  }
}
