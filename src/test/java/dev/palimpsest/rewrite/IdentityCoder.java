package dev.palimpsest.rewrite;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;

/**
 * A coder whose latents are the positive and negative parts of each channel: it reconstructs its
 * input exactly.
 */
record IdentityCoder(SparseCoder coder) implements AutoCloseable {
  IdentityCoder(int width) {
    this(SparseCoder.initialise(CoderConfig.autoencoder(width, 2 * width, 2 * width), 1));
    for (int latent = 0; latent < 2 * width; latent++) {
      for (int j = 0; j < width; j++) {
        float weight = latent % width == j ? (latent < width ? 1 : -1) : 0;
        coder.encoder().put((long) latent * width + j, weight);
        coder.decoder().put((long) latent * width + j, weight);
      }
    }
  }

  @Override
  public void close() {
    coder.close();
  }
}
