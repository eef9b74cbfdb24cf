package dev.palimpsest.model;

import java.util.Arrays;

/**
 * Rotary position embedding (Su et al. 2021): channel pairs (i, i + width/2) of a head are turned
 * by an angle of position × frequency<sub>i</sub>.
 *
 * @param width how many leading channels of each head are turned; even
 * @param base θ: frequency<sub>i</sub> is θ^(-2i/d) before scaling
 * @param dimension d in that formula: {@code width}, or one less where that is odd
 * @param scaling how frequencies are stretched for long contexts
 */
public record Rotary(int width, int dimension, double base, Scaling scaling) {
  /** The ways to stretch a context. */
  public sealed interface Scaling {}

  /** As trained. */
  public record Unscaled() implements Scaling {}

  /** Every frequency is divided by {@code factor} (Chen et al. 2023). */
  public record Linear(double factor) implements Scaling {}

  /** θ grows with the sequence once it is longer than {@code trained} tokens ("dynamic NTK"). */
  public record Dynamic(double factor, double trained) implements Scaling {}

  /**
   * Llama 3.1: low frequencies are divided by {@code factor}, high ones kept, with a smooth passage
   * between.
   */
  public record Llama3(double factor, double lowFactor, double highFactor, double trained)
      implements Scaling {}

  /**
   * YaRN (Peng et al. 2023): a ramp between kept and divided frequencies; cosines and sines are
   * multiplied by {@code attentionFactor}.
   */
  public record Yarn(
      double factor,
      double attentionFactor,
      double betaFast,
      double betaSlow,
      double trained,
      boolean truncate)
      implements Scaling {}

  /**
   * LongRoPE (Ding et al. 2024): one divisor a frequency, another set beyond {@code trained}
   * tokens; cosines and sines are multiplied by {@code attentionFactor}.
   */
  @SuppressWarnings("ArrayRecordComponent") // read once, compared by identity
  public record LongRope(
      double[] shortFactors, double[] longFactors, double attentionFactor, double trained)
      implements Scaling {}

  /** Whether the frequencies depend on how long the sequence is. */
  boolean dependsOnLength() {
    return scaling instanceof Dynamic || scaling instanceof LongRope;
  }

  /** What cosines and sines are multiplied by. */
  double amplitude() {
    if (scaling instanceof Yarn yarn) {
      return yarn.attentionFactor;
    }
    return scaling instanceof LongRope longRope ? longRope.attentionFactor : 1;
  }

  /**
   * The {@code width / 2} angular frequencies, in radians per token, rounded to float32 where the
   * reference implementation rounds.
   *
   * @param length tokens in the sequence
   */
  float[] frequencies(int length) {
    if (scaling instanceof Linear linear) {
      return map(plain(base), f -> f / (float) linear.factor);
    }
    if (scaling instanceof Dynamic dynamic) {
      double stretch =
          dynamic.factor * Math.max(length, dynamic.trained) / dynamic.trained
              - (dynamic.factor - 1);
      return plain(base * Math.pow(stretch, dimension / (dimension - 2.0)));
    }
    if (scaling instanceof Llama3 llama) {
      return map(plain(base), f -> llama3(llama, f));
    }
    if (scaling instanceof Yarn yarn) {
      return yarn(yarn);
    }
    if (scaling instanceof LongRope longRope) {
      double[] factors = length > longRope.trained ? longRope.longFactors : longRope.shortFactors;
      float[] powers = powers(base);
      float[] frequencies = new float[powers.length];
      for (int i = 0; i < powers.length; i++) {
        frequencies[i] = 1f / ((float) factors[i] * powers[i]);
      }
      return frequencies;
    }
    return plain(base);
  }

  private float[] plain(double theta) {
    return map(powers(theta), power -> 1f / power);
  }

  /** θ^(2i/d). */
  private float[] powers(double theta) {
    float[] powers = new float[width / 2];
    for (int i = 0; i < powers.length; i++) {
      powers[i] = (float) Math.pow(theta, 2f * i / dimension);
    }
    return powers;
  }

  private static float llama3(Llama3 llama, float frequency) {
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength < llama.trained / llama.highFactor) {
      return frequency;
    }
    if (wavelength > llama.trained / llama.lowFactor) {
      return frequency / (float) llama.factor;
    }
    double smooth =
        (llama.trained / wavelength - llama.lowFactor) / (llama.highFactor - llama.lowFactor);
    return (float) ((1 - smooth) * frequency / llama.factor + smooth * frequency);
  }

  private float[] yarn(Yarn yarn) {
    double low = yarnDimension(yarn.betaFast, yarn.trained);
    double high = yarnDimension(yarn.betaSlow, yarn.trained);
    if (yarn.truncate) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, dimension - 1);
    if (low == high) {
      high += 0.001;
    }
    float[] powers = powers(base);
    float[] frequencies = new float[powers.length];
    for (int i = 0; i < powers.length; i++) {
      double divided = Math.min(Math.max((i - low) / (high - low), 0), 1);
      frequencies[i] = (float) (divided / (yarn.factor * powers[i]) + (1 - divided) / powers[i]);
    }
    return frequencies;
  }

  /** The channel pair that turns {@code rotations} times over the trained context. */
  private double yarnDimension(double rotations, double trained) {
    return dimension * Math.log(trained / (rotations * 2 * Math.PI)) / (2 * Math.log(base));
  }

  private interface FloatFunction {
    float apply(float value);
  }

  private static float[] map(float[] values, FloatFunction function) {
    float[] result = Arrays.copyOf(values, values.length);
    for (int i = 0; i < result.length; i++) {
      result[i] = function.apply(result[i]);
    }
    return result;
  }
}
