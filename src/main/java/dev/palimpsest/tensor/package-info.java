/** Safetensors files, dtypes, and the devices on which tensors and kernels live. */
@NullMarked
package dev.palimpsest.tensor;

import org.jspecify.annotations.NullMarked;
