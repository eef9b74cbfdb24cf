package dev.palimpsest.activations;

import org.bytedeco.javacpp.FloatPointer;

/**
 * One batch of rows at some hooks, in a coder's own memory: computed by the language model just
 * now, or read from a cache.
 */
public interface Rows {
  /** n, the number of rows of every x and y. */
  int rows();

  /** d, the width of every x and y. */
  int width();

  /** The coder's input at a hook, [n, d]; a view that stays this object's. */
  FloatPointer x(int hook);

  /** The coder's target at a hook, [n, d]; the same memory as {@link #x} for an autoencoder. */
  FloatPointer y(int hook);
}
