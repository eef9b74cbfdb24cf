/** Times the coder's kernels and training step beside the same work done by eager libtorch. */
@NullMarked
package dev.palimpsest.bench;

import org.jspecify.annotations.NullMarked;
