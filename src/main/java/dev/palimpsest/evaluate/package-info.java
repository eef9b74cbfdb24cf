/** A model with something spliced in: losses, reconstruction, statistics. */
@NullMarked
package dev.palimpsest.evaluate;

import org.jspecify.annotations.NullMarked;
