package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileDigestsTest {
  /** FIPS 180-2's example. */
  private static final String OF_ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @TempDir Path folder;

  @Test
  void isSha256OfTheBytes() throws IOException {
    assertThat(FileDigests.inMemory().of(write("a", "abc"))).isEqualTo(OF_ABC);
    assertThat(FileDigests.ofText("abc")).isEqualTo(OF_ABC);
  }

  @Test
  void readsPiecesAsOneFile() throws Exception {
    byte[] bytes = new byte[(2 << 20) + 7];
    new Random(1).nextBytes(bytes);
    Path file = Files.write(folder.resolve("large"), bytes);
    byte[] expected = MessageDigest.getInstance("SHA-256").digest(bytes);
    assertThat(FileDigests.inMemory().of(file)).isEqualTo(HexFormat.of().formatHex(expected));
  }

  @Test
  void followsContentNotName() throws IOException {
    Path file = write("a", "abc");
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    FileDigests digests = FileDigests.inMemory();
    assertThat(digests.of(link)).isEqualTo(OF_ABC);
    Path other = write("b", "abd");
    assertThat(digests.of(List.of(file, other))).isNotEqualTo(digests.of(List.of(other, file)));
    assertThat(digests.of(List.of(file, other)))
        .isEqualTo(digests.of(List.of(link, Files.copy(other, folder.resolve("c")))));
  }

  @Test
  void tellsWhereOneFileEndsAndTheNextBegins() throws IOException {
    FileDigests digests = FileDigests.inMemory();
    assertThat(digests.of(List.of(write("a", "ab"), write("b", "c"))))
        .isNotEqualTo(digests.of(List.of(write("c", "a"), write("d", "bc"))));
  }

  @Test
  void remembersAcrossProcessesUntilTheFileChanges() throws Exception {
    Path store = folder.resolve("stages/digests.json");
    Path file = settled(write("a", "abc"));
    FileDigests first = FileDigests.at(store);
    assertThat(first.of(file)).isEqualTo(OF_ABC);
    first.save();

    // What is remembered is believed: a planted digest comes back as long as the file is the same.
    String planted = "0".repeat(64);
    Files.writeString(store, Files.readString(store).replace(OF_ABC, planted));
    assertThat(FileDigests.at(store).of(file)).isEqualTo(planted);

    // The same size and time of modification, written into the same file.
    FileTime time = Files.getLastModifiedTime(file);
    Files.writeString(file, "abc", StandardOpenOption.WRITE);
    Files.setLastModifiedTime(file, time);
    assertThat(FileDigests.at(store).of(file)).isEqualTo(OF_ABC);
  }

  @Test
  void seesAChangeWithinOneTickOfTheClock() throws IOException {
    FileDigests digests = FileDigests.at(folder.resolve("digests.json"));
    Path file = write("a", "0");
    for (int i = 1; i <= 200; i++) {
      String before = digests.of(file);
      Files.writeString(file, Integer.toString(i % 10));
      assertThat(digests.of(file)).isNotEqualTo(before);
    }
  }

  @Test
  void forgetsFilesThatAreGone() throws Exception {
    Path store = folder.resolve("digests.json");
    Path file = settled(write("a", "abc"));
    FileDigests digests = FileDigests.at(store);
    digests.of(file);
    digests.save();
    assertThat(Files.readString(store)).contains(OF_ABC);
    Path other = settled(write("b", "b"));
    digests.of(other);
    Files.delete(file);
    digests.save();
    assertThat(Files.readString(store)).doesNotContain(OF_ABC).contains(other.toString());
  }

  @Test
  void aDamagedStoreCostsTimeOnly() throws Exception {
    Path store = folder.resolve("digests.json");
    Path file = settled(write("a", "abc"));
    for (String damaged :
        List.of("{", "[]", "null", "", "{\"" + file + "\":null}", "{\"" + file + "\":{}}")) {
      Files.writeString(store, damaged);
      FileDigests again = FileDigests.at(store);
      assertThat(again.of(file)).isEqualTo(OF_ABC);
      again.save();
      assertThat(Files.readString(store)).contains(OF_ABC);
    }
  }

  @Test
  void refusesWhatIsNoFile() {
    FileDigests digests = FileDigests.inMemory();
    assertThatThrownBy(() -> digests.of(folder.resolve("none")))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("no such file")
        .hasMessageContaining("none");
    assertThatThrownBy(() -> digests.of(folder)).hasMessageContaining("not a regular file");
    assertThatThrownBy(() -> digests.of(Path.of("/dev/zero")))
        .hasMessageContaining("not a regular file");
  }

  private Path write(String name, String text) throws IOException {
    return Files.write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
  }

  /** Waits until a change of the file would show in its times. */
  private static Path settled(Path file) throws InterruptedException {
    Thread.sleep(80);
    return file;
  }
}
