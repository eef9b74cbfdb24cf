package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.ChildProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cache whose making is killed with -9 at random moments and repeated has the bytes of one that
 * was left alone.
 */
class CacheActivationsKillTest {
  private static final int KILLS = 3;

  @TempDir Path folder;

  private ChildProcess start(Path out) throws IOException {
    return new ChildProcess(
        Palimpsest.class,
        folder.resolve("log"),
        "cache-activations",
        "embedded",
        "--hookpoint",
        "layers.1.mlp",
        "layers.3",
        "--ctx-len",
        "64",
        "--tokens",
        "60000",
        "--shard-mib",
        "4",
        "--threads",
        "1",
        "--token-cache",
        folder.resolve("tokens").toString(),
        "--out",
        out.toString());
  }

  @Test
  void killedAndRepeated() throws IOException, InterruptedException {
    long seed = Long.getLong("kill.seed", System.nanoTime() & 0xFFFF);
    System.out.println("kill.seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Path whole = folder.resolve("whole");
    start(whole).finish();
    Map<String, String> expected = files(whole);
    int shards = expected.size() - 1;
    assertThat(shards).isGreaterThan(2 * KILLS);

    Path killed = folder.resolve("killed");
    for (int kill = 0; kill < KILLS; kill++) {
      int wanted = kill * shards / KILLS + random.nextInt(shards / KILLS);
      long pause = random.nextInt(30);
      start(killed)
          .killWhen(
              () -> {
                if (shardsIn(killed) < wanted) {
                  return false;
                }
                sleep(pause);
                return true;
              });
    }
    start(killed).finish();
    assertThat(files(killed).equals(expected)).as("kill.seed %d", seed).isTrue();
  }

  private static void sleep(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException interruption) {
      Thread.currentThread().interrupt();
    }
  }

  private static long shardsIn(Path out) {
    try (Stream<Path> files = Files.isDirectory(out) ? Files.list(out) : Stream.empty()) {
      return files.filter(file -> file.getFileName().toString().startsWith("shard-")).count();
    } catch (IOException failure) {
      return 0;
    }
  }

  /** All that is there, hidden leftovers too, but the lock. */
  private static Map<String, String> files(Path out) throws IOException {
    Map<String, String> content = new TreeMap<>();
    try (Stream<Path> files = Files.list(out)) {
      for (Path file : files.toList()) {
        if (!file.endsWith(".lock")) {
          content.put(
              file.getFileName().toString(),
              new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
        }
      }
    }
    return content;
  }
}
