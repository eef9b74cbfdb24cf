/** Text to token windows: files, packing, splits, seeded order; hooked activations of batches. */
@NullMarked
package dev.palimpsest.data;

import org.jspecify.annotations.NullMarked;
