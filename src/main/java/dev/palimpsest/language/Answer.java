package dev.palimpsest.language;

/**
 * What a model wrote.
 *
 * @param text without the prompt, special tokens and the token that ended it
 * @param tokens how many were written, without the one that ended it
 * @param stopped whether the model ended it (else it was cut)
 */
public record Answer(String text, int tokens, boolean stopped) {}
