/** Explainers and scorers. */
@NullMarked
package dev.palimpsest.explain;

import org.jspecify.annotations.NullMarked;
