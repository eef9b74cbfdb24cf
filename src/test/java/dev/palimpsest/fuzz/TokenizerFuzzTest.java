package dev.palimpsest.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged tokenizers in native code, which may end the process: in a process of their own, that
 * must live to its end. {@code -Dfuzz.tokenizers=N} (60) inputs from {@code -Dfuzz.seed=N} on.
 */
@Tag("fuzz")
class TokenizerFuzzTest {
  @TempDir private Path folder;

  @Test
  void nothingEndsTheProcess() throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Path files = Files.createDirectory(folder.resolve("files"));
    Process child =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx512m",
                    "-XX:+UseSerialGC",
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    TokenizerFuzzChild.class.getName(),
                    Long.getLong("fuzz.seed", 1).toString(),
                    Long.getLong("fuzz.tokenizers", 60).toString(),
                    files.toString()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = child.waitFor(10, TimeUnit.MINUTES);
    if (!ended) {
      child.destroyForcibly().waitFor();
    }
    List<String> lines = Files.readAllLines(log);
    List<String> end = lines.subList(Math.max(0, lines.size() - 20), lines.size());
    assertThat(ended).as("ended in time: %s", end).isTrue();
    assertThat(child.exitValue()).as("the process's end: %s", end).isZero();
    assertThat(lines).noneMatch(line -> line.startsWith("BAD"));
    assertThat(lines).contains("read", "refused");
  }
}
