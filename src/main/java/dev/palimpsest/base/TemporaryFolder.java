package dev.palimpsest.base;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A folder that is removed, with all that is in it, when it is closed. */
public final class TemporaryFolder implements AutoCloseable {
  private final Path path;

  private TemporaryFolder(Path path) {
    this.path = path;
  }

  /**
   * Makes an empty folder where the system keeps temporary files.
   *
   * @param prefix of its name
   * @throws PalimpsestException when it cannot be made
   */
  public static TemporaryFolder make(String prefix) {
    try {
      return new TemporaryFolder(Files.createTempDirectory(prefix));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot make a temporary folder: " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  @Override
  public void close() {
    try (Stream<Path> tree = Files.walk(path)) {
      List<Path> leavesFirst = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path each : leavesFirst) {
        Files.delete(each);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove " + path + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
