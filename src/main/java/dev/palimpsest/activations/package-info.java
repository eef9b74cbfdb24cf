/** What a hook sees: rows of a module's input and output at the positions that count. */
@NullMarked
package dev.palimpsest.activations;

import org.jspecify.annotations.NullMarked;
