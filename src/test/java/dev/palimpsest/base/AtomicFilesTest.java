package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AtomicFilesTest {
  @TempDir Path folder;

  @Test
  void replacesAndMakesFolders() throws IOException {
    Path file = folder.resolve("a/b/file");
    AtomicFiles.writeString(file, "one");
    AtomicFiles.writeString(file, "two");
    assertThat(file).hasContent("two");
    assertThat(names(folder.resolve("a/b"))).containsExactly("file");
  }

  @Test
  void aFailureLeavesTheOldFileAndNothingElse() throws IOException {
    Path file = folder.resolve("file");
    AtomicFiles.writeString(file, "old");
    for (Throwable failure :
        List.of(
            new IOException("disk full"),
            new IllegalStateException("bug"),
            new StackOverflowError())) {
      assertThatThrownBy(
              () ->
                  AtomicFiles.write(
                      file,
                      channel -> {
                        channel.write(ByteBuffer.wrap(new byte[10]));
                        AtomicFilesTest.<IOException>sneak(failure);
                      }))
          .isNotNull();
      assertThat(file).hasContent("old");
      assertThat(names(folder)).containsExactly("file");
    }
  }

  @Test
  void followsNoPlantedLink() throws IOException {
    Path victim = Files.writeString(folder.resolve("victim"), "mine");
    Path run = Files.createDirectory(folder.resolve("run"));
    // The fixed name of temporary files that older versions used.
    Files.createSymbolicLink(run.resolve(".out.tmp"), victim);
    // The target itself.
    Files.createSymbolicLink(run.resolve("out"), victim);
    AtomicFiles.writeString(run.resolve("out"), "result");
    assertThat(victim).hasContent("mine");
    assertThat(run.resolve("out")).hasContent("result");
    assertThat(Files.isSymbolicLink(run.resolve("out"))).isFalse();
  }

  @Test
  void manyMayWriteTheSameFileAtOnce() throws Exception {
    Path file = folder.resolve("file");
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Void>> tasks =
          IntStream.range(0, 40)
              .<Callable<Void>>mapToObj(
                  i ->
                      () -> {
                        AtomicFiles.writeString(file, Integer.toString(i).repeat(1000));
                        return null;
                      })
              .toList();
      for (Future<Void> each : threads.invokeAll(tasks)) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(names(folder)).containsExactly("file");
  }

  @Test
  void replacesRegularFilesOnly() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("/dev/null"));
    for (Path odd : List.of(pipe, link, Path.of("/dev/null"))) {
      assertThatThrownBy(() -> AtomicFiles.writeString(odd, "x"))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(odd + " is a device or a pipe");
    }
    assertThatThrownBy(() -> AtomicFiles.writeString(folder, "x"))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(folder + " is a folder");
    assertThat(Files.isSymbolicLink(link)).isTrue();
  }

  @Test
  void refusesToWriteOverAnInputUnderAnyName() throws IOException {
    Path input = Files.writeString(folder.resolve("input"), "in");
    Path link = Files.createSymbolicLink(folder.resolve("link"), input);
    for (Path target : List.of(input, link, folder.resolve("./input"))) {
      assertThatThrownBy(() -> AtomicFiles.requireApart(target, input))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(target + " is an input of this command");
    }
    AtomicFiles.requireApart(folder.resolve("other"), input, folder.resolve("missing"));
  }

  @Test
  void copies() throws IOException {
    Path source = Files.write(folder.resolve("source"), new byte[3_000_000]);
    AtomicFiles.copy(source, folder.resolve("copy"));
    assertThat(folder.resolve("copy")).hasSameBinaryContentAs(source);
  }

  @Test
  void tidiesUpAfterKilledProcesses() throws IOException {
    Path below = Files.createDirectories(folder.resolve("stages"));
    Files.writeString(below.resolve(".palimpsest-0123456789abcdef.tmp"), "half");
    Files.writeString(below.resolve(".palimpsest-mine.tmp"), "a person's");
    AtomicFiles.removeLeftovers(folder);
    assertThat(names(below)).containsExactly(".palimpsest-mine.tmp");
  }

  private static List<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable failure) throws T {
    throw (T) failure;
  }
}
