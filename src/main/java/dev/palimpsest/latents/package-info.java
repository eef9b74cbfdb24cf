/** The latent cache on disk, context windows, samplers. */
@NullMarked
package dev.palimpsest.latents;

import org.jspecify.annotations.NullMarked;
