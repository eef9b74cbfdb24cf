package dev.palimpsest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class RunLockTest {
  @TempDir Path folder;

  /** Holds the lock of a folder until its input ends. */
  static final class Holder {
    private Holder() {}

    public static void main(String[] arguments) throws Exception {
      try (RunLock lock = RunLock.of(Path.of(arguments[0]))) {
        System.out.println("held");
        System.in.read();
      }
    }
  }

  @Test
  void namesTheProcessThatHoldsIt() throws Exception {
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-cp",
                System.getProperty("java.class.path"),
                Holder.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8));
      assertThat(out.readLine()).isEqualTo("held");
      assertThatThrownBy(() -> RunLock.of(folder))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining(folder + " is in use by another command, process " + holder.pid());
    } finally {
      holder.destroyForcibly().waitFor();
    }
    RunLock.of(folder).close();
  }

  @Test
  void aFolderMadeForNothingGoesAgain() throws Exception {
    Path made = folder.resolve("made");
    RunLock.of(made).close();
    assertThat(made).doesNotExist();

    try (RunLock lock = RunLock.of(made)) {
      assertThat(lock.madeItsFolder()).isTrue();
      Files.createFile(made.resolve("result"));
    }
    assertThat(made.resolve("result")).exists();

    Path before = Files.createDirectory(folder.resolve("before"));
    RunLock.of(before).close();
    assertThat(before).exists();
  }

  @Test
  void oneThreadMayTakeItAgainAnotherNot() throws Exception {
    try (RunLock outer = RunLock.of(folder)) {
      RunLock.of(folder).close();
      CompletableFuture<Void> other =
          CompletableFuture.runAsync(() -> RunLock.of(folder.resolve(".")).close());
      assertThatThrownBy(other::get)
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("is in use by another command");
    }
    CompletableFuture.runAsync(() -> RunLock.of(folder).close()).get();
    assertThat(Files.readString(folder.resolve(".lock"))).isEmpty();
  }
}
