/** The devices on which tensors and kernels live. */
@NullMarked
package dev.palimpsest.tensor;

import org.jspecify.annotations.NullMarked;
