package dev.palimpsest.report;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One latent, as shown in the report and by {@code inspect}.
 *
 * @param coder name of its coder, e.g. "layers.2.mlp"
 * @param latent its number, 0-based
 * @param chosenAs why it is shown, e.g. "best score", "densest"; may be empty
 * @param explanation the words, if it has been explained
 * @param explainer who wrote them, e.g. "lexical"; empty without an explanation
 * @param scores named scores, e.g. detection → 0.91; values are shown with three decimals
 * @param density share of the cached tokens at which the latent is active; empty without a cache
 * @param maximum largest activation there; empty without a cache
 * @param promoted vocabulary tokens whose logit the decoder row raises most, strongest first (Geva
 *     et al. 2022)
 * @param demoted those it lowers most, strongest first
 * @param histogram distribution of the activations above 0, if known
 * @param contexts example windows, strongest first
 * @param notes what a reader must know, such as scores left out because they are older than the
 *     words
 */
public record LatentPage(
    String coder,
    int latent,
    List<String> chosenAs,
    Optional<String> explanation,
    String explainer,
    List<Score> scores,
    OptionalDouble density,
    OptionalDouble maximum,
    List<TokenWeight> promoted,
    List<TokenWeight> demoted,
    Optional<Histogram> histogram,
    List<Context> contexts,
    List<String> notes) {
  /** Copies the lists. */
  public LatentPage {
    notes = List.copyOf(notes);
    chosenAs = List.copyOf(chosenAs);
    scores = List.copyOf(scores);
    promoted = List.copyOf(promoted);
    demoted = List.copyOf(demoted);
    contexts = List.copyOf(contexts);
  }

  /** The first score, by which pages are sorted; empty if there is none. */
  public OptionalDouble mainScore() {
    return scores.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(scores.get(0).value());
  }

  /**
   * @param name e.g. "detection"
   * @param value e.g. balanced accuracy
   */
  public record Score(String name, double value) {}

  /**
   * @param token the piece of text
   * @param weight change of its logit per unit of activation (decoder row times unembedding row)
   */
  public record TokenWeight(String token, double weight) {}

  /**
   * One window of text.
   *
   * @param label what kind of window it is, e.g. "top" or "quantile 7"; may be empty
   * @param tokens in order
   */
  public record Context(String label, List<ContextToken> tokens) {
    /** Copies the list. */
    public Context {
      tokens = List.copyOf(tokens);
    }

    /** The largest activation in the window. */
    public double strongest() {
      return tokens.stream().mapToDouble(ContextToken::activation).max().orElse(0);
    }
  }

  /**
   * @param text the piece of text, untrusted: of one token, or of several that are whole characters
   *     only together
   * @param activation the latent's true activation, the largest of several; 0 where it is not among
   *     the k largest
   * @param guess the simulator's calibrated guess of it, in the same unit, if there is one
   */
  public record ContextToken(String text, double activation, OptionalDouble guess) {}

  /**
   * Counts in equal bins from {@code low} to {@code high}.
   *
   * @param low lower end of the first bin
   * @param high upper end of the last bin
   * @param counts one per bin
   */
  public record Histogram(double low, double high, List<Long> counts) {
    /** Copies the list. */
    public Histogram {
      counts = List.copyOf(counts);
    }

    /** Counts {@code values} between 0 and their maximum. */
    public static Histogram of(float[] values, int bins) {
      double maximum = 0;
      for (float value : values) {
        maximum = Math.max(maximum, value);
      }
      Long[] counts = new Long[bins];
      java.util.Arrays.fill(counts, 0L);
      for (float value : values) {
        int bin = maximum > 0 ? (int) Math.min(bins - 1L, (long) (value / maximum * bins)) : 0;
        counts[Math.max(0, bin)]++;
      }
      return new Histogram(0, maximum, List.of(counts));
    }
  }
}
