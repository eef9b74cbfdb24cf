/**
 * The small English that needs no language model: its grammar, explainer and simulator.
 *
 * <p>The explainer writes a small English that can be read, edited and parsed again. A text is a
 * list of clauses separated by semicolons and ended by a full stop:
 *
 * <pre>
 *   Fires on cat 7, dog puppy 6, the|cat 2, 'ing' -1; after little 2; within 8 zoo 1; starts at -5.
 *
 *   text   = clause {";" clause} ["."]
 *   clause = "starts at" points | place group {"," group}
 *   place  = "fires on"      the token itself
 *          | "after"         the token before it
 *          | N "back"        the token N places before it
 *          | "within" N      any of the N tokens before it, back to the document's beginning at most
 *          | "in story"      any token before it, back to the document's beginning
 *   group  = item {item} points                     every item adds so many points where it matches
 *   item   = token {"|" token} | "&lt;" trait "&gt;"      tokens in a row, the last of them at the place; * is any token
 *   token  = word | quoted | "*"                     word: letters, for the token that is a space and that word
 *   points = whole number, with or without sign
 *   trait  = capital | piece | punctuation | number                    of a token's spelling
 *          | quoted | first | early | late | opening                   of where it stands (see {@link
 *                                                                      dev.palimpsest.lexical.Trait})
 * </pre>
 *
 * A quoted token is exact: {@code 'ing'} is a token without a space before it, {@code '\n'} a line
 * break; {@link dev.palimpsest.text.TokenNames} has the escapes. {@code within} and {@code in
 * story} take single tokens, no traits. Capitals in keywords, and blanks between items, do not
 * matter. A pattern mentioned again adds to its points; a token the vocabulary does not have never
 * matches, which {@link dev.palimpsest.lexical.ExplanationCheck} tells.
 *
 * <p>All points that apply are added up, beginning from {@code starts at} (0 where it is missing).
 * A total well below 0 means silence, one above 0 is about the rating itself, from 0 (silent) to 10
 * (the latent's maximum): rating = ln(1 + e^total), see {@link dev.palimpsest.lexical.Scorecard}.
 */
@NullMarked
package dev.palimpsest.lexical;

import org.jspecify.annotations.NullMarked;
