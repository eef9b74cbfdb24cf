/** Sparse coders: SAE, transcoder, skip transcoder; their configuration and files. */
@NullMarked
package dev.palimpsest.coder;

import org.jspecify.annotations.NullMarked;
