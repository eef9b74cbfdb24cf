package dev.palimpsest.base;

/**
 * A device was asked for by name and is not usable here: exit status 3, never a silent fallback.
 */
public class DeviceUnavailableException extends PalimpsestException {
  private static final long serialVersionUID = 1L;

  /**
   * @param message which device, and why it cannot be used
   */
  public DeviceUnavailableException(String message) {
    super(message);
  }

  @Override
  public int exitCode() {
    return 3;
  }
}
