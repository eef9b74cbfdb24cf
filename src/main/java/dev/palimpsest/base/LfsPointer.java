package dev.palimpsest.base;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The few lines that git leaves in a large file's place where Git LFS is not installed, or was told
 * not to fetch. They are text, so whatever reads them would complain of something else.
 */
public final class LfsPointer {
  /** The first line of every pointer, by the specification of Git LFS. */
  private static final byte[] BEGINNING =
      "version https://git-lfs.github.com/spec/".getBytes(StandardCharsets.US_ASCII);

  /** The specification's limit of a pointer's size in bytes. */
  private static final int LARGEST = 1024;

  private LfsPointer() {}

  /**
   * Makes sure that a file is not such a pointer. A file that cannot be read passes: whoever reads
   * it next says why.
   *
   * @throws PalimpsestException naming the file, what it is and what to do
   */
  public static void refuse(Path file) {
    if (is(file)) {
      throw new PalimpsestException(
          file
              + ": a Git LFS pointer, not the file it stands for; fetch that with 'git lfs pull' in"
              + " its repository");
    }
  }

  private static boolean is(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Files.size(file) <= LARGEST
          && java.util.Arrays.equals(in.readNBytes(BEGINNING.length), BEGINNING);
    } catch (IOException unreadable) {
      return false;
    }
  }
}
