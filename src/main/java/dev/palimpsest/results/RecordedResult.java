package dev.palimpsest.results;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What is kept of one experiment, with all its seeds, for the page of results: figures over the
 * seeds, worked out from the losses by window, and some of the words.
 *
 * @param name of the file that it is kept in
 * @param section heading that it stands under
 * @param title what it is, in a few words
 * @param brief whether one row of the section's table says enough
 * @param commands that made the runs
 * @param program that did, with its commit
 * @param hookpoint the rewritten module
 * @param protocol which positions were patched and counted
 * @param seeds coders that differ in their seed alone
 * @param windows of each
 * @param documents that the windows come from
 * @param tokens counted predictions of each seed
 * @param latents M
 * @param k latents that are kept a token
 * @param strongest the trivial baseline with the least loss over the seeds
 * @param headline name of the row that sums the rewrite up
 * @param rows everything that was put in the module's place
 * @param words how long the texts are
 * @param quoted explanations drawn by a seed, of the first coder
 * @param together losses with several layers replaced at once, where the first run has them
 */
public record RecordedResult(
    String name,
    String section,
    String title,
    boolean brief,
    List<String> commands,
    String program,
    String hookpoint,
    String protocol,
    int seeds,
    int windows,
    int documents,
    long tokens,
    int latents,
    int k,
    String strongest,
    String headline,
    List<Row> rows,
    Words words,
    List<Quoted> quoted,
    Optional<TogetherResult> together) {
  /** Copies the lists. */
  public RecordedResult {
    commands = List.copyOf(commands);
    rows = List.copyOf(rows);
    quoted = List.copyOf(quoted);
  }

  /**
   * One replacement over the seeds: every window's loss is the mean of the seeds'.
   *
   * @param name of the variant, as in the files of losses by window
   * @param ce cross-entropy
   * @param added to the untouched model's
   * @param addedCi95 its interval over documents
   * @param fve share of the output's variance explained; absent where it was not recorded
   * @param recovered from zero latents
   * @param recoveredCi95 its interval
   * @param beyond recovered from the strongest trivial baseline
   * @param beyondCi95 its interval
   * @param recoveredBySeed of each seed by itself, from zero latents
   * @param beyondBySeed of each seed by itself, from the strongest trivial baseline
   * @param lessThanThis loss of this row less that of the headline: above 0 where words are better
   * @param lessThanThisCi95 its interval, paired by document
   * @param p of that difference, Wilcoxon's signed-rank test paired by document
   * @param pHolm the same by Holm's correction for all rows
   */
  public record Row(
      String name,
      OptionalDouble ce,
      OptionalDouble added,
      @JsonProperty("added_ci95") Optional<Interval> addedCi95,
      OptionalDouble fve,
      OptionalDouble recovered,
      @JsonProperty("recovered_ci95") Optional<Interval> recoveredCi95,
      OptionalDouble beyond,
      @JsonProperty("beyond_ci95") Optional<Interval> beyondCi95,
      List<OptionalDouble> recoveredBySeed,
      List<OptionalDouble> beyondBySeed,
      OptionalDouble lessThanThis,
      @JsonProperty("less_than_this_ci95") Optional<Interval> lessThanThisCi95,
      OptionalDouble p,
      OptionalDouble pHolm) {
    /** Copies the lists. */
    public Row {
      recoveredBySeed = List.copyOf(recoveredBySeed);
      beyondBySeed = List.copyOf(beyondBySeed);
    }
  }

  /**
   * The texts of all seeds.
   *
   * @param explained latents that have one, over all seeds
   * @param meanCharacters of a text
   * @param glossaryShare characters of a glossary divided by the latents that use it
   * @param longest characters of the longest text
   */
  public record Words(int explained, double meanCharacters, double glossaryShare, int longest) {
    /** Characters a latent, the glossary's share included. */
    public double characters() {
      return meanCharacters + glossaryShare;
    }
  }

  /** A latent and its text. */
  public record Quoted(int latent, String text) {}
}
