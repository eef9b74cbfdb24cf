package dev.palimpsest.latents;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** Folders of work in progress, beside what they will become. */
public final class ScratchFolder {
  private ScratchFolder() {}

  /** The folder of a file's work in progress: {@code .<name>.building} beside it. */
  public static Path beside(Path file) {
    return file.resolveSibling("." + file.getFileName() + ".building");
  }

  /**
   * Removes the folder and the files in it, if it is there.
   *
   * @throws PalimpsestException where it cannot be removed
   */
  public static void remove(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }
}
