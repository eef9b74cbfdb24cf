/** The only place with native methods: a raw binding and one checked API above it. */
@NullMarked
package dev.palimpsest.kernels;

import org.jspecify.annotations.NullMarked;
