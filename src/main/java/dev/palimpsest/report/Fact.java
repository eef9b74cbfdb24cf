package dev.palimpsest.report;

/**
 * One line of a table of facts.
 *
 * @param name what it is, e.g. "hookpoint"
 * @param value as it is to be shown, e.g. "layers.2.mlp"; plain text, escaped by whoever prints it
 */
public record Fact(String name, String value) {}
