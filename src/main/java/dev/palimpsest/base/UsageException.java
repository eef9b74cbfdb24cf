package dev.palimpsest.base;

/** An option or configuration value that cannot be meant: exit status 2. */
public class UsageException extends PalimpsestException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message one clear sentence that names the option
   */
  public UsageException(String message) {
    super(message);
  }

  @Override
  public int exitCode() {
    return 2;
  }
}
