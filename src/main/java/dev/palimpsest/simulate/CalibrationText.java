package dev.palimpsest.simulate;

import dev.palimpsest.results.Protocol;
import dev.palimpsest.text.TokenWindows;
import java.util.function.IntFunction;

/**
 * The text that calibrations and means are taken on: windows as those that will be evaluated, and
 * the positions that will be patched there.
 *
 * @param windows of the calibrate split, as long as the contexts of the protocol
 * @param firstPosition positions before it are context only
 */
public record CalibrationText(TokenWindows windows, int firstPosition) {
  /** Short windows begin an eighth of their length after one another. */
  private static final int BEGINNINGS = 8;

  /**
   * The text for a protocol. All tokens: windows side by side, every position. Last token: windows
   * that overlap, the last position of each.
   *
   * @param split gives the calibrate split's windows of a length
   * @param contextTokens T of the protocol
   * @param usualTokens length of the windows that overlapping ones are cut out of, if more than T
   */
  public static CalibrationText of(
      Protocol protocol, IntFunction<TokenWindows> split, int contextTokens, int usualTokens) {
    return switch (protocol) {
      case ALL_TOKENS -> new CalibrationText(split.apply(contextTokens), 0);
      case LAST_TOKEN ->
          new CalibrationText(
              new OverlappingWindows(
                  split.apply(Math.max(contextTokens, usualTokens)),
                  contextTokens,
                  Math.max(1, contextTokens / BEGINNINGS)),
              contextTokens - 1);
    };
  }
}
