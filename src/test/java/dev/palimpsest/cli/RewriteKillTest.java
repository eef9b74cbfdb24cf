package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A rewrite killed with -9 in its midst and repeated goes on where it was and ends with the bytes
 * of one that was left alone; one that is asked to end says how to go on.
 */
class RewriteKillTest {
  private static final String PARTIAL = "rewrites/layers.2.mlp.all-tokens.partial";

  @TempDir Path folder;

  private Process start(Path errors, String... arguments) throws IOException {
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
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command)
        .redirectOutput(new File(errors + ".out"))
        .redirectError(errors.toFile())
        .start();
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Path target = to.resolve(from.relativize(path));
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target);
        }
      }
    }
  }

  private static Map<String, String> results(Path run) throws IOException {
    Map<String, String> files = new TreeMap<>();
    files.put("rewrite.json", Files.readString(run.resolve("rewrite.json")));
    try (Stream<Path> all = Files.list(run.resolve("rewrites"))) {
      for (Path file : all.toList()) {
        files.put(
            file.getFileName().toString(), Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return files;
  }

  private static long size(Path file) throws IOException {
    return Files.exists(file) ? Files.size(file) : 0;
  }

  /** Waits until another batch is kept, and ends the process in the one after it. */
  private void interrupt(Path run, Path errors, boolean kill)
      throws IOException, InterruptedException {
    Path partial = run.resolve(PARTIAL);
    long before = size(partial);
    Process process = start(errors, "rewrite", run.toString());
    while (process.isAlive() && size(partial) < before + 2000) {
      Thread.sleep(1);
    }
    assertThat(process.isAlive()).as("killed too late: " + Files.readString(errors)).isTrue();
    if (kill) {
      process.destroyForcibly();
    } else {
      process.destroy();
    }
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(run.resolve("rewrite.json")).doesNotExist();
    assertThat(partial).exists();
  }

  @Test
  void killedAndRepeated() throws IOException, InterruptedException {
    Path whole = folder.resolve("whole");
    Path errors = folder.resolve("errors");
    String[] settings = {
      "demo",
      "--short",
      "--out",
      whole.toString(),
      "--threads=1",
      "--set=train.tokens=24576",
      "--set=cache.tokens=8192",
      "--set=score.tokens=4096",
      "--set=simulate.calibration_tokens=4096",
      "--set=rewrite.all_tokens.windows=60",
      "--set=rewrite.all_tokens.context_length=64",
      "--set=rewrite.fractions=[0.05,0.1,0.2,0.4,0.6,0.8,1.0]",
      "--set=rewrite.last_token.enabled=false",
      "--set=rewrite.resamples=50",
      "--set=report.latents=3"
    };
    assertThat(TrainRuns.palimpsest(settings).status()).isZero();
    Path killed = folder.resolve("killed");
    copy(whole, killed);
    Files.delete(killed.resolve("rewrite.json"));
    try (Stream<Path> files = Files.list(killed.resolve("rewrites"))) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }

    interrupt(killed, errors, true);
    interrupt(killed, errors, false);
    assertThat(Files.readString(errors))
        .endsWith("palimpsest: interrupted; the same command again goes on from what is done\n");

    TrainRuns.Outcome last = TrainRuns.palimpsest("rewrite", killed.toString());
    assertThat(last.status()).as(last.err()).isZero();
    assertThat(results(killed)).isEqualTo(results(whole));
    assertThat(killed.resolve(PARTIAL)).doesNotExist();
  }
}
