/** Safetensors files, dtypes, and scopes for native memory. */
@NullMarked
package dev.palimpsest.tensor;

import org.jspecify.annotations.NullMarked;
