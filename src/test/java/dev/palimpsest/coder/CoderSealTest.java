package dev.palimpsest.coder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A coder's file that is not the one that was written is noticed. */
class CoderSealTest {
  @TempDir Path folder;

  private static void save(Path folder, long seed) {
    try (SparseCoder coder = SparseCoder.initialise(CoderConfig.transcoder(6, 9, 2, true), seed)) {
      coder.save(folder);
    }
  }

  private static void flip(Path file, int place) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[place < 0 ? bytes.length + place : place] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void aFlippedBitIsNamed() throws IOException {
    for (String name : List.of("sae.safetensors", "cfg.json", "checksums.json")) {
      for (int place : new int[] {-20, 15}) {
        save(folder, 1);
        SparseCoder.load(folder).close();
        flip(folder.resolve(name), place);
        assertThatThrownBy(() -> SparseCoder.load(folder))
            .as(name)
            .isInstanceOf(PalimpsestException.class)
            .hasMessageContaining(name);
      }
    }
  }

  @Test
  void foldersOfOthersHaveNoChecksums() throws IOException {
    save(folder, 1);
    Files.delete(folder.resolve("checksums.json"));
    flip(folder.resolve("sae.safetensors"), -20);
    SparseCoder.load(folder).close();
  }

  @Test
  void aCopyIsSealedAndReplacesAnother() throws IOException {
    Path from = folder.resolve("from");
    Path to = folder.resolve("to");
    save(from, 1);
    save(to, 2);
    SparseCoder.copy(from, to);
    for (String name : List.of("sae.safetensors", "cfg.json", "checksums.json")) {
      assertThat(to.resolve(name)).hasSameBinaryContentAs(from.resolve(name));
    }
    flip(from.resolve("sae.safetensors"), -20);
    assertThatThrownBy(() -> SparseCoder.copy(from, to)).hasMessageContaining("sae.safetensors");
    SparseCoder.load(to).close();
  }
}
