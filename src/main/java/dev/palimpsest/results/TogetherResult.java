package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Losses with several modules replaced at once, all tokens patched: {@code
 * rewrites/together.all-tokens.json}.
 *
 * @param hookpoints the modules, from the lowest layer up
 * @param calibration of the rewrites
 * @param windows read
 * @param documents that the windows come from; intervals take them for independent
 * @param tokens counted predictions
 * @param ce cross-entropy of the untouched model
 * @param rows one a set of modules and a kind of replacement
 */
public record TogetherResult(
    List<String> hookpoints,
    String calibration,
    int windows,
    int documents,
    long tokens,
    OptionalDouble ce,
    List<Row> rows) {
  /** Replacement by what the words give. */
  public static final String WORDS = "words";

  /** Copies the lists. */
  public TogetherResult {
    hookpoints = List.copyOf(hookpoints);
    rows = List.copyOf(rows);
  }

  /** The mean difference to the untouched model of a set of modules replaced in some way. */
  public OptionalDouble added(List<String> replaced, String by) {
    return rows.stream()
        .filter(row -> row.replaced().equals(replaced) && row.by().equals(by))
        .map(Row::ceDeltaMean)
        .findFirst()
        .orElse(OptionalDouble.empty());
  }

  /**
   * One set of modules, each replaced in the same way.
   *
   * @param replaced hookpoints
   * @param by {@link #WORDS}, or a baseline of {@link RewriteResult}: the true coders, zero
   *     latents, mean output, mean latents
   * @param ce cross-entropy
   * @param ceDeltaMean mean difference to the untouched model
   * @param ceDeltaCi95 its 95 % bootstrap interval over documents
   * @param kl KL(untouched ‖ replaced)
   * @param lossRecovered from zero latents to the true coders, of the same modules
   * @param lossRecoveredCi95 its interval
   */
  public record Row(
      List<String> replaced,
      String by,
      OptionalDouble ce,
      OptionalDouble ceDeltaMean,
      @JsonProperty("ce_delta_ci95") Optional<Interval> ceDeltaCi95,
      OptionalDouble kl,
      OptionalDouble lossRecovered,
      @JsonProperty("loss_recovered_ci95") Optional<Interval> lossRecoveredCi95) {
    /** Copies the list. */
    public Row {
      replaced = List.copyOf(replaced);
    }
  }
}
