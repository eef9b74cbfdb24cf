/** The spliced evaluation: replacements, baselines, losses, statistics. */
@NullMarked
package dev.palimpsest.rewrite;

import org.jspecify.annotations.NullMarked;
