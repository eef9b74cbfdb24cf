package dev.palimpsest.explain;

/**
 * What somebody or something said about a latent.
 *
 * @param latent 0-based latent of the sparse coder
 * @param text the explanation; all that a simulator gets to see of the latent
 * @param explainer who wrote it, for example {@code lexical}
 */
public record Explanation(int latent, String text, String explainer) {}
