package dev.palimpsest.rewrite;

import dev.palimpsest.simulate.Simulator;

/** A simulator that knows no latent. */
record MuteSimulator(int latents) implements Simulator {
  @Override
  public boolean explained(int latent) {
    return false;
  }

  @Override
  public float[] defaults() {
    return new float[latents];
  }

  @Override
  public void rate(int[] context, Sink sink) {}
}
