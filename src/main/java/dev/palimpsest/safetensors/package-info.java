/** The safetensors format: validated reading, sharded checkpoints, atomic deterministic writing. */
@NullMarked
package dev.palimpsest.safetensors;

import org.jspecify.annotations.NullMarked;
