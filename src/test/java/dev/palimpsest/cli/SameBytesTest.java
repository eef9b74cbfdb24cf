package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two identical runs, each in a process of its own, leave the same bytes but for times. In one
 * process they could not differ in what differs by process: the order of immutable maps and sets.
 */
final class SameBytesTest {
  @TempDir private Path folder;

  @Test
  void anotherProcessLeavesTheSameBytes() throws Exception {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));
    List<Process> both = new ArrayList<>();
    for (String name : List.of("a", "b")) {
      both.add(start(mini, name));
    }
    for (Process process : both) {
      assertThat(process.waitFor(300, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
    }
    Map<String, String> a = MiniRun.lasting(folder.resolve("a/run"));
    Map<String, String> b = MiniRun.lasting(folder.resolve("b/run"));
    assertThat(a).containsKeys("latents/layers.2.mlp/config.json", "stages/train.json");
    assertThat(a.keySet()).isEqualTo(b.keySet());
    a.forEach((name, content) -> assertThat(b.get(name)).as(name).isEqualTo(content));
  }

  private Process start(MiniRun mini, String name) throws IOException {
    Path out = folder.resolve(name).resolve("run");
    Files.createDirectories(out);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m"));
    for (String property : System.getProperties().stringPropertyNames()) {
      if (property.startsWith("org.bytedeco.") || property.startsWith("palimpsest.")) {
        command.add("-D" + property + "=" + System.getProperty(property));
      }
    }
    command.addAll(
        List.of(
            "-cp",
            System.getProperty("java.class.path"),
            Palimpsest.class.getName(),
            "run",
            mini.yaml().toString(),
            "--out",
            out.toString(),
            "--threads=1",
            "--quiet"));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve(name + ".log").toFile())
        .start();
  }
}
