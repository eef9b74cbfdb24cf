package dev.palimpsest.coder;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * The checksums of a coder's files, in {@code checksums.json} beside them: a flipped bit in a
 * weight must not compute on. The files themselves stay those that sparsify would write, to the
 * byte, so the sums have no place in them. Folders of other programs have none, and are taken as
 * they are.
 */
final class CoderSeal {
  static final String NAME = "checksums.json";

  private static final int PIECE = 1 << 20;

  private CoderSeal() {}

  /**
   * The CRC-32C of each file.
   *
   * @param weights of {@code sae.safetensors}
   * @param config of {@code cfg.json}
   */
  private record Sums(String weights, String config) {
    static Sums of(Path folder) {
      return new Sums(
          sum(folder.resolve(CoderFiles.NAME)), sum(folder.resolve(CoderConfigFile.NAME)));
    }
  }

  /** Notes what the files are. */
  static void write(Path folder) {
    StateFiles.writeSealed(folder.resolve(NAME), Sums.of(folder));
  }

  /** Forgets what the files are, before they are replaced. */
  static void remove(Path folder) {
    try {
      Files.deleteIfExists(folder.resolve(NAME));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove " + folder.resolve(NAME) + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /**
   * Compares the files with what was noted of them, if it was.
   *
   * @throws PalimpsestException naming the file that is another
   */
  static void require(Path folder) {
    if (!Files.exists(folder.resolve(NAME))) {
      return;
    }
    Sums noted = noted(folder.resolve(NAME));
    Sums found = Sums.of(folder);
    requireSame(folder.resolve(CoderFiles.NAME), noted.weights(), found.weights());
    requireSame(folder.resolve(CoderConfigFile.NAME), noted.config(), found.config());
  }

  private static Sums noted(Path file) {
    try {
      return StateFiles.readSealed(file, Sums.class);
    } catch (PalimpsestException damaged) {
      throw new PalimpsestException(
          damaged.getMessage() + " (where the files beside it are right, remove it)", damaged);
    }
  }

  private static void requireSame(Path file, String noted, String found) {
    if (!noted.equals(found)) {
      throw new PalimpsestException(
          file
              + ": damaged, or replaced: its checksum is "
              + found
              + ", but "
              + NAME
              + " beside it says "
              + noted
              + " (where it was replaced on purpose, remove "
              + NAME
              + ")");
    }
  }

  private static String sum(Path file) {
    CRC32C sum = new CRC32C();
    ByteBuffer piece = ByteBuffer.allocateDirect(PIECE);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (channel.read(piece.clear()) >= 0) {
        sum.update(piece.flip());
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
    }
    return Checksums.digits(sum);
  }
}
