package dev.palimpsest.activations;

/**
 * Where a coder gets its rows.
 *
 * @param hookpoint as {@code LanguageModel.hookpoints()} names it, e.g. {@code layers.2.mlp}
 * @param transcode true: x is the module's input and y its output; false (an autoencoder): x and y
 *     are its output
 */
public record Hook(String hookpoint, boolean transcode) {}
