package dev.palimpsest.report;

import java.util.List;

/**
 * The latents of one coder: distributions over all of them, and a page for each of a choice.
 *
 * @param coder name of the coder, e.g. "layers.2.mlp"
 * @param facts anything worth a line (number of latents, k, share dead, share explained …)
 * @param densities for every latent the share of tokens at which it is active; 0 for one never
 *     seen; may be empty
 * @param scores detection scores (balanced accuracy, 0 to 1) of the latents that have one; may be
 *     empty
 * @param latents the chosen latents, in the order in which they are to be shown
 */
public record CoderLatents(
    String coder,
    List<Fact> facts,
    List<Double> densities,
    List<Double> scores,
    List<LatentPage> latents) {
  /** Copies the lists. */
  public CoderLatents {
    facts = List.copyOf(facts);
    densities = List.copyOf(densities);
    scores = List.copyOf(scores);
    latents = List.copyOf(latents);
  }
}
