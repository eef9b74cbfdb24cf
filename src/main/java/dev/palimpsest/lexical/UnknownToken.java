package dev.palimpsest.lexical;

/**
 * A name in an explanation that no token of the vocabulary has; it never matches.
 *
 * @param character its 1-based place in the text
 * @param text what the token would be, e.g. {@code " zebra"}; or a number as written, e.g. {@code
 *     \#99999;}
 */
record UnknownToken(int character, String text) {}
