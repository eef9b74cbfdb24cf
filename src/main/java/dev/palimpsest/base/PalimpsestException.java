package dev.palimpsest.base;

/**
 * A failure whose message a user can act on: it names the file, tensor or option, what was found
 * and what was expected. The command line prints the message alone (no stack trace) and exits with
 * {@link #exitCode()}.
 */
public class PalimpsestException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message one clear sentence
   */
  public PalimpsestException(String message) {
    super(message);
  }

  /**
   * @param message one clear sentence
   * @param cause what lies beneath, shown only with {@code --debug}
   */
  public PalimpsestException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The process's exit status: 1, the run failed. */
  public int exitCode() {
    return 1;
  }
}
