package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * One bit is flipped in each file of a finished run, one after the other, and {@code run} given
 * again: it refuses and names the file, or all is as it was before. So nothing wrong stays, whether
 * or not anybody reads what is said.
 */
final class FlippedBitSweepTest {
  /**
   * What is not made again: a person's own words and settings; the course of training, which the
   * page then leaves out; checkpoints, which are read when training goes on, and are then refused.
   */
  private static final List<String> LEFT_ALONE =
      List.of("explanations/", "config.yaml", "metrics.jsonl", "checkpoints/", ".lock");

  /** Times and places of this run, which no two runs share. */
  private static final List<String> OF_THE_MOMENT =
      List.of(
          ".lock",
          "stages/times.json",
          "stages/digests.json",
          "tokens/digests.json",
          "environment.json",
          "training.json",
          "report.html");

  @TempDir private Path folder;

  @Test
  void nothingWrongStays() throws IOException {
    MiniRun mini = MiniRun.in(folder.resolve("mini"));
    Outcome first = mini.everything();
    assertThat(first.status()).as(first.err()).isZero();
    Map<String, byte[]> whole = files(mini.run());
    List<String> faults = new ArrayList<>();
    for (String name : whole.keySet()) {
      if (LEFT_ALONE.stream().noneMatch(name::startsWith) && whole.get(name).length > 0) {
        byte[] flipped = whole.get(name).clone();
        int at = place(flipped);
        flipped[at] ^= 1;
        Files.write(mini.file(name), flipped);
        Outcome again = mini.everything("--quiet");
        judge(name + " at " + at, again, mini, whole, faults);
        restore(mini.run(), whole);
      }
    }
    assertThat(faults).isEmpty();
  }

  /** Where a number stands, which stays one; in the midst of what has none. */
  private static int place(byte[] content) {
    for (int at = content.length / 3; at < content.length; at++) {
      if (content[at] >= '2' && content[at] <= '9') {
        return at;
      }
    }
    return content.length / 2;
  }

  private static void judge(
      String what, Outcome outcome, MiniRun mini, Map<String, byte[]> whole, List<String> faults)
      throws IOException {
    String file = what.substring(0, what.indexOf(' '));
    if (outcome.status() != 0) {
      String name = Path.of(file).getFileName().toString();
      if (!outcome.err().contains(name) && !outcome.err().contains(file.split("/", 2)[0])) {
        faults.add(what + ": fails without naming it: " + outcome.err());
      }
      return;
    }
    Map<String, byte[]> now = files(mini.run());
    whole.forEach(
        (name, bytes) -> {
          if (OF_THE_MOMENT.contains(name)) {
            return;
          }
          byte[] there = now.get(name);
          if (there == null || !Arrays.equals(there, bytes)) {
            faults.add(what + ": leaves another " + name + ": " + outcome.err().strip());
          }
        });
  }

  private static Map<String, byte[]> files(Path run) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> tree = Files.walk(run)) {
      for (Path file : tree.filter(Files::isRegularFile).toList()) {
        files.put(run.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void restore(Path run, Map<String, byte[]> whole) throws IOException {
    for (String name : files(run).keySet()) {
      if (!whole.containsKey(name)) {
        Files.delete(run.resolve(name));
      }
    }
    for (Map.Entry<String, byte[]> file : whole.entrySet()) {
      Path path = run.resolve(file.getKey());
      if (!Files.exists(path) || !Arrays.equals(Files.readAllBytes(path), file.getValue())) {
        Files.createDirectories(path.getParent());
        Files.write(path, file.getValue());
      }
    }
  }
}
