package dev.palimpsest.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every reader on damaged files; see {@code docs/fuzzing.md}. Without more, the same 200 inputs a
 * reader on every machine; {@code -Dfuzz.seconds=N} goes on so long for all readers together,
 * {@code -Dfuzz.inputs=N} for so many a reader; {@code -Dfuzz.seed=N}, {@code -Dfuzz.target=NAME}.
 */
@Tag("fuzz")
class FuzzTest {
  private static final boolean TIMED = System.getProperty("fuzz.seconds") != null;
  private static final double SECONDS =
      Double.parseDouble(System.getProperty("fuzz.seconds", "600"));
  private static final long SEED = Long.getLong("fuzz.seed", 1);
  private static final long INPUTS = Long.getLong("fuzz.inputs", TIMED ? Long.MAX_VALUE : 200);
  private static final int SHOWN = 10;
  private static final List<String> COUNTS = new ArrayList<>();

  private static int shares;

  /** Good files while they are made, and the caches of what is tokenised. */
  private static Path good = Path.of("");

  static List<FuzzTarget> targets() throws IOException {
    good = inMemory();
    String wanted = System.getProperty("fuzz.target", "");
    List<FuzzTarget> targets =
        new FuzzTargets(good)
            .all().stream()
                .filter(target -> wanted.isEmpty() || target.name().equals(wanted))
                .toList();
    shares = targets.stream().mapToInt(FuzzTarget::share).sum();
    return targets;
  }

  @AfterAll
  static void tell() throws IOException {
    Fuzzing.empty(good);
    Files.delete(good);
    System.out.println("fuzzing: reader, inputs, refused, findings");
    COUNTS.forEach(System.out::println);
  }

  @ParameterizedTest
  @MethodSource("targets")
  void keepsTheContract(FuzzTarget target) throws IOException {
    Path folder = inMemory();
    Path findings = Path.of("target", "fuzz");
    Fuzzing fuzzing = new Fuzzing(target, folder, findings);
    long end = System.nanoTime() + (long) (SECONDS * 1e9 * target.share() / shares);
    Map<String, String> faults = new TreeMap<>(); // one a kind
    for (long i = 0; i < INPUTS && (i == 0 || System.nanoTime() < end); i++) {
      fuzzing.run(SEED + i).ifPresent(fault -> faults.putIfAbsent(kind(fault), fault));
    }
    COUNTS.add(
        String.format(
            Locale.ROOT,
            "fuzzing: %s, %,d, %,d, %d",
            target.name(),
            fuzzing.inputs(),
            fuzzing.refused(),
            faults.size()));
    Fuzzing.empty(folder);
    Files.delete(folder);
    assertThat(faults.values().stream().limit(SHOWN)).isEmpty();
  }

  /** Files in memory where the system has a folder for them: ten times as many inputs a second. */
  private static Path inMemory() throws IOException {
    Path shared = Path.of("/dev/shm");
    return Files.isWritable(shared)
        ? Files.createTempDirectory(shared, "palimpsest-fuzz-")
        : Files.createTempDirectory("palimpsest-fuzz-");
  }

  /** A fault without what differs from input to input. */
  private static String kind(String fault) {
    String what = fault.substring(fault.indexOf(": ") + 2);
    int at = what.indexOf(" at ");
    return at < 0
        ? what.replaceAll("\\d+", "").lines().findFirst().orElse("").split(",", 2)[0]
        : what.substring(at);
  }
}
