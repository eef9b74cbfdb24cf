package dev.palimpsest.kernels;

import dev.palimpsest.base.PalimpsestException;

/** A kernel refused its arguments or failed; the message is the kernel library's own. */
public class KernelException extends PalimpsestException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message function, argument, what was found and what was expected
   */
  public KernelException(String message) {
    super(message);
  }
}
