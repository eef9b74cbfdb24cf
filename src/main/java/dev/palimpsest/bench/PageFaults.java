package dev.palimpsest.bench;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Page faults of this process: each is a page of memory that the system had to provide. */
final class PageFaults {
  private static final Path STATISTICS = Path.of("/proc/self/stat");

  /** Its place behind the process's name, which may hold blanks and ends with a bracket. */
  private static final int MINOR_FAULTS = 7;

  private PageFaults() {}

  /** Those that needed no disk, since the process began. */
  static long soFar() {
    try {
      return parse(Files.readString(STATISTICS));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + STATISTICS + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /**
   * @param line as proc(5) describes it: {@code pid (name) state ppid … minflt …}
   */
  static long parse(String line) {
    return Long.parseLong(line.substring(line.lastIndexOf(')') + 2).split(" ", -1)[MINOR_FAULTS]);
  }
}
