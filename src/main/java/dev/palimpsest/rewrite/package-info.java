/** What is put in the component's place: guesses, baselines, mixtures; and the loop over them. */
@NullMarked
package dev.palimpsest.rewrite;

import org.jspecify.annotations.NullMarked;
