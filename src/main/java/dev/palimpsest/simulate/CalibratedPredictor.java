package dev.palimpsest.simulate;

import dev.palimpsest.base.PalimpsestException;
import java.util.List;

/** A simulator's ratings, mapped to activations. Unexplained latents are predicted 0. */
public final class CalibratedPredictor implements LatentPredictor {
  private final Simulator simulator;
  private final CalibrationMap[] maps;
  private final float[] defaults;
  private final float[] offsets;

  /**
   * @param calibrations fitted on ratings of the same or, for a baseline, of another simulator
   * @throws PalimpsestException when the two are of different numbers of latents
   */
  public CalibratedPredictor(
      Simulator simulator, CalibrationSet calibrations, Calibration calibration) {
    int latents = simulator.latents();
    if (calibrations.maxima().length != latents) {
      throw new PalimpsestException(
          "calibrations of "
              + calibrations.maxima().length
              + " latents cannot serve a simulator of "
              + latents);
    }
    this.simulator = simulator;
    offsets = calibrations.offsets(calibration);
    maps = new CalibrationMap[latents];
    defaults = new float[latents];
    for (int latent = 0; latent < latents; latent++) {
      maps[latent] = calibrations.map(calibration, latent);
      defaults[latent] =
          simulator.explained(latent) ? maps[latent].apply(simulator.defaults()[latent]) : 0;
    }
  }

  @Override
  public int latents() {
    return maps.length;
  }

  @Override
  public float[] defaults() {
    return defaults;
  }

  @Override
  public float[] offsets() {
    return offsets;
  }

  @Override
  public void announce(List<SimulatedContext> contexts) {
    simulator.announce(contexts);
  }

  @Override
  public void predict(int[] context, Sink sink) {
    simulator.rate(
        context,
        (position, latent, rating) -> {
          float activation = maps[latent].apply(rating);
          if (activation != defaults[latent]) {
            sink.accept(position, latent, activation);
          }
        });
  }
}
