/** Decoder-only transformers with taps, splices and early stop; tokenizers. */
@NullMarked
package dev.palimpsest.model;

import org.jspecify.annotations.NullMarked;
