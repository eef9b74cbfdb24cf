package dev.palimpsest.report;

import java.util.Arrays;
import java.util.List;

/**
 * The latents of one coder: distributions over all of them, and a page for each of a choice.
 *
 * @param coder name of the coder, e.g. "layers.2.mlp"
 * @param facts anything worth a line (number of latents, k, share dead, share explained …)
 * @param densities for every latent the share of tokens at which it is active; 0 for one never seen; may be empty
 * @param scores detection scores (balanced accuracy, 0 to 1) of the latents that have one; may be empty
 * @param latents the chosen latents, in the order in which they are to be shown
 */
public record CoderLatents(
    String coder, List<Fact> facts, double[] densities, double[] scores, List<LatentPage> latents) {
  /** Copies lists and arrays. */
  public CoderLatents {
    facts = List.copyOf(facts);
    densities = densities.clone();
    scores = scores.clone();
    latents = List.copyOf(latents);
  }

  @Override
  public double[] densities() {
    return densities.clone();
  }

  @Override
  public double[] scores() {
    return scores.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CoderLatents that
        && coder.equals(that.coder)
        && facts.equals(that.facts)
        && Arrays.equals(densities, that.densities)
        && Arrays.equals(scores, that.scores)
        && latents.equals(that.latents);
  }

  @Override
  public int hashCode() {
    return 31 * coder.hashCode() + latents.hashCode();
  }

  @Override
  public String toString() {
    return "CoderLatents[" + coder + ", " + densities.length + " latents, " + latents.size() + " shown]";
  }
}
