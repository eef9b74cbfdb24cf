package dev.palimpsest.cli;

import dev.palimpsest.base.UsageException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A file that an option names and that must be there. */
final class NamedFile {
  private NamedFile() {}

  /**
   * Refuses what is not there before anything is done.
   *
   * @throws UsageException naming option and file
   */
  static void require(String option, Path file) {
    if (!Files.exists(file)) {
      throw new UsageException(option + ": no file " + file);
    }
    if (Files.isDirectory(file)) {
      throw new UsageException(option + ": " + file + " is a folder, expected a file");
    }
  }
}
