package dev.palimpsest.lexical;

import java.util.function.DoubleUnaryOperator;

/**
 * Finds the price of a character at which texts have a wanted mean length. Lengths fall as the
 * price rises, in steps and with little bumps, roughly as a power of it.
 */
final class PriceSearch {
  private static final double STEP = 4;
  private static final double CLOSE = 0.01;

  /** A span of prices that is not narrowed further. */
  private static final double NARROW = 1.05;

  /** Length falls as the price to this power, as long as nothing better is known. */
  private static final double USUAL_POWER = -0.5;

  private static final double GENTLEST_POWER = -0.1;
  private static final double STEEPEST_POWER = -2;

  private final double wanted;
  private final double highest;
  private final double lowest;

  /**
   * @param wanted mean length
   * @param highest price at which texts are certainly short
   * @param lowest price below which it is not worth while to look
   */
  PriceSearch(double wanted, double highest, double lowest) {
    this.wanted = wanted;
    this.highest = highest;
    this.lowest = lowest;
  }

  /**
   * Looks for the price, first roughly from above (high prices make short texts, which are soon
   * fitted), then closely.
   *
   * @param roughly mean length at a price, quickly
   * @param closely the same, of more latents
   */
  double find(DoubleUnaryOperator roughly, DoubleUnaryOperator closely) {
    double price = highest;
    double length = roughly.applyAsDouble(price);
    double before = length;
    while (length <= wanted && price > lowest) {
      price /= STEP;
      before = length;
      length = roughly.applyAsDouble(price);
    }
    double power = power(Math.log(length / Math.max(before, 1)) / -Math.log(STEP));
    if (length > wanted) {
      price *= Math.pow(wanted / length, 1 / power);
    }
    return closely(closely, price);
  }

  /** Narrows the price down between one whose texts are too long and one whose are not. */
  private double closely(DoubleUnaryOperator lengths, double begin) {
    double price = begin;
    double tooLow = 0;
    double highEnough = Double.POSITIVE_INFINITY;
    double lastPrice = 0;
    double lastLength = 0;
    while (true) {
      double length = lengths.applyAsDouble(price);
      if (Math.abs(length / wanted - 1) < CLOSE || (length <= wanted && price <= lowest)) {
        return price;
      }
      if (length > wanted) {
        tooLow = price;
      } else {
        highEnough = price;
      }
      if (highEnough < tooLow * NARROW) {
        return highEnough;
      }
      double power =
          lastPrice == 0
              ? USUAL_POWER
              : power(Math.log(length / lastLength) / Math.log(price / lastPrice));
      lastPrice = price;
      lastLength = length;
      price *= Math.pow(wanted / length, 1 / power);
      if (!(price > tooLow && price < highEnough)) {
        price =
            tooLow == 0
                ? highEnough / STEP
                : highEnough == Double.POSITIVE_INFINITY
                    ? tooLow * STEP
                    : Math.sqrt(tooLow * highEnough);
      }
    }
  }

  private static double power(double found) {
    return found < GENTLEST_POWER && found > STEEPEST_POWER ? found : USUAL_POWER;
  }
}
