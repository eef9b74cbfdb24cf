/**
 * The controlled English that needs no language model: its grammar, explainer and simulator.
 *
 * <pre>
 *   Fires strongly on dog or puppy; fairly on the pup, forms of bark or cat-like. More after little, near park. Else hardly.
 *
 *   text     = clause {(";" | ".") clause}
 *   clause   = ["fires"] [strength] "on" items ["after" items] ["unless after" items]
 *            | change places
 *            | "else" strength
 *   places   = (place items | trait) {"," (place items | trait)}
 *   place    = "on" | "after" | "two after" | "three after" | N "after" | "soon after" | "near"
 *            | "alongside" | "within" N "of" | "in stories with"
 *   items    = item {("," | "or" | "and") item}
 *   item     = symbol {symbol}                    tokens in a row, the last of them at the place
 *   symbol   = word | "-" letters | quoted | "forms of" word | name "-like" | kind | "…"
 *   strength = word ["(" points ")"]              see {@link dev.palimpsest.lexical.English}
 *   change   = word ["(" points ")"]
 * </pre>
 *
 * {@code docs/words.md} teaches it with examples. A text has one meaning, a {@link
 * dev.palimpsest.lexical.Scorecard}; writing that and reading it back gives the same. Text outside
 * the grammar is read by {@link dev.palimpsest.lexical.FreeEnglish} as far as it can be.
 */
@NullMarked
package dev.palimpsest.lexical;

import org.jspecify.annotations.NullMarked;
