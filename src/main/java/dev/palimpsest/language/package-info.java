/** Language models as things to be asked: prompts in; text, or log-probabilities of labels, out. */
@NullMarked
package dev.palimpsest.language;

import org.jspecify.annotations.NullMarked;
