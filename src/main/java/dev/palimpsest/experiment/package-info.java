/** The stages in order, resumable, over a run directory. */
@NullMarked
package dev.palimpsest.experiment;

import org.jspecify.annotations.NullMarked;
