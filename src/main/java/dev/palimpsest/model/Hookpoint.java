package dev.palimpsest.model;

import java.util.Locale;

/**
 * A module whose input and output can be read, and whose output can be replaced.
 *
 * @param layer the block it belongs to, from 0
 * @param site which module of the block
 */
record Hookpoint(int layer, Site site) {
  /** The hookable modules of a block. */
  enum Site {
    /** The whole block: from residual stream to residual stream. */
    LAYER,
    /** The attention module: from the normalised residual stream to what is added to it. */
    ATTENTION,
    /** The feed-forward network: likewise. */
    MLP;

    String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
