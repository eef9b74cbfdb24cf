package dev.palimpsest.base;

/**
 * How many threads the user may ask for. More threads than processors gain nothing, and libtorch
 * and OpenBLAS start all of them at once, one after the other, in a time that grows with the square
 * of their number: 256 take some seconds on two processors, 1024 the better part of a minute.
 */
public final class ThreadCount {
  /** The most that may be asked for, unless there are more processors. */
  public static final int USUAL_MOST = 256;

  /** What the kernels take ({@code pal_set_threads}), however many processors there are. */
  private static final int KERNELS_MOST = 1024;

  private ThreadCount() {}

  /**
   * @param what the option or setting, for the message
   * @param found the number asked for
   * @param least 1, or 0 where that stands for all processors
   * @return {@code found}
   * @throws UsageException where it is out of range
   */
  public static int checked(String what, int found, int least) {
    if (found < least || found > most()) {
      throw new UsageException(
          "%s is %d, expected %s to %d"
              .formatted(what, found, least == 0 ? "0 (all processors)" : least, most()));
    }
    return found;
  }

  /** The most on this machine. */
  public static int most() {
    return Math.max(USUAL_MOST, ofProcessors());
  }

  /** One for each processor, as far as the kernels take them. */
  public static int ofProcessors() {
    return Math.min(Runtime.getRuntime().availableProcessors(), KERNELS_MOST);
  }
}
