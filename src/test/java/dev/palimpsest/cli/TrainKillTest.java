package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.lasting;
import static dev.palimpsest.cli.TrainRuns.metrics;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run killed with -9 at random moments and repeated ends with the bytes of one that was left
 * alone.
 */
class TrainKillTest {
  private static final int KILLS = 3;
  private static final int STEPS = 60;

  @TempDir Path folder;

  private Process start(Path out) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Dorg.bytedeco.javacpp.maxphysicalbytes=0",
                "-Dorg.bytedeco.javacpp.nopointergc=true",
                "-cp",
                System.getProperty("java.class.path"),
                Palimpsest.class.getName()));
    String[] options =
        TrainRuns.options(
            folder.resolve("tokens"),
            out,
            "--hookpoint",
            "layers.2.mlp",
            "--transcode",
            "--tokens",
            "" + 300 * STEPS,
            "--checkpoint-every",
            "3");
    command.addAll(Arrays.asList(options));
    return new ProcessBuilder(command)
        .redirectOutput(new File(out + ".out"))
        .redirectError(new File(out + ".err"))
        .start();
  }

  private int finish(Process process, Path out) throws IOException, InterruptedException {
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(Path.of(out + ".err"))).isZero();
    return process.exitValue();
  }

  @Test
  void killedAndRepeated() throws IOException, InterruptedException {
    long seed = Long.getLong("kill.seed", System.nanoTime() & 0xFFFF);
    System.out.println("kill.seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Path whole = folder.resolve("whole");
    finish(start(whole), whole);

    Path killed = folder.resolve("killed");
    for (int kill = 0; kill < KILLS; kill++) {
      Process process = start(killed);
      int wanted = random.nextInt(1, STEPS / (KILLS + 1)) + kill * STEPS / (KILLS + 1);
      while (process.isAlive() && newestCheckpoint(killed) < wanted) {
        Thread.sleep(1);
      }
      Thread.sleep(random.nextInt(30));
      process.destroyForcibly().waitFor();
    }
    finish(start(killed), killed);
    assertThat(lasting(killed)).as("kill.seed %d", seed).isEqualTo(lasting(whole));
    List<JsonNode> lines = metrics(killed);
    assertThat(lines).hasSize(STEPS);
    for (int i = 0; i < STEPS; i++) {
      assertThat(lines.get(i).get("step").asInt()).isEqualTo(i + 1);
    }
  }

  private static int newestCheckpoint(Path out) throws IOException {
    Path checkpoints = out.resolve("checkpoints");
    if (!Files.isDirectory(checkpoints)) {
      return 0;
    }
    try (var all = Files.list(checkpoints)) {
      return all.map(path -> path.getFileName().toString())
          .filter(name -> name.startsWith("step-"))
          .mapToInt(name -> Integer.parseInt(name.substring(5)))
          .max()
          .orElse(0);
    }
  }
}
