package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import dev.palimpsest.base.PalimpsestException;

/**
 * A confidence interval; in JSON the array {@code [low, high]}.
 *
 * @param low lower end
 * @param high upper end, not below {@code low}
 */
public record Interval(double low, double high) {
  /** Whether {@code value} lies inside or on an end. */
  public boolean contains(double value) {
    return low <= value && value <= high;
  }

  /** {@code [low, high]}. */
  @JsonValue
  public double[] ends() {
    return new double[] {low, high};
  }

  /** Reads {@code [low, high]}. */
  @JsonCreator
  static Interval of(double[] ends) {
    if (ends.length != 2) {
      throw new PalimpsestException("an interval is two numbers [low, high], found " + ends.length);
    }
    return new Interval(ends[0], ends[1]);
  }
}
