package dev.palimpsest.base;

/**
 * How many threads the user may ask for. More threads than processors gain nothing; a hundred
 * thousand of them would be started by libtorch and OpenBLAS one after the other, for hours.
 */
public final class ThreadCount {
  /** The most: more than the processors of any machine known to us. The kernels' own limit too. */
  public static final int MOST = 1024;

  private ThreadCount() {}

  /**
   * @param what the option or setting, for the message
   * @param found the number asked for
   * @param least 1, or 0 where that stands for all processors
   * @return {@code found}
   * @throws UsageException where it is out of range
   */
  public static int checked(String what, int found, int least) {
    if (found < least || found > MOST) {
      throw new UsageException(
          "%s is %d, expected %s to %d"
              .formatted(what, found, least == 0 ? "0 (all processors)" : least, MOST));
    }
    return found;
  }

  /** One for each processor, within the limit. */
  public static int ofProcessors() {
    return Math.min(Runtime.getRuntime().availableProcessors(), MOST);
  }
}
