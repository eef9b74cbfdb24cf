package dev.palimpsest.fuzz;

import com.sun.management.ThreadMXBean;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Feeds damaged files to a reader and holds it to the contract: it reads the file, or throws a
 * {@link PalimpsestException} with an exit status from 1 to 3 and one short line; in bounded time
 * and memory; and leaves no file behind. Never an {@link Error}.
 */
final class Fuzzing {
  private static final int LONGEST_MESSAGE = 500;
  private static final double LONGEST_SECONDS = 10;
  private static final long MOST_BYTES = 512L << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final FuzzTarget target;
  private final Path folder;
  private final Path findings;
  private Map<String, byte[]> present = Map.of();
  private SortedSet<String> before = new TreeSet<>();
  private long inputs;
  private long refused;

  /**
   * @param folder empty, for the files
   * @param findings where inputs that break the contract are kept
   */
  Fuzzing(FuzzTarget target, Path folder, Path findings) {
    this.target = target;
    this.folder = folder;
    this.findings = findings;
  }

  /** How many inputs there were. */
  long inputs() {
    return inputs;
  }

  /** How many of them were refused. */
  long refused() {
    return refused;
  }

  /**
   * Runs one input.
   *
   * @param seed makes the input
   * @return what is wrong with the reader's answer; empty if nothing
   */
  Optional<String> run(long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    List<Map<String, byte[]>> good = target.good();
    Map<String, byte[]> whole = good.get(random.nextInt(good.size()));
    byte[] original = whole.get(target.file());
    byte[] other = good.get(random.nextInt(good.size())).get(target.file());
    byte[] damaged = new Mutator(random.nextLong()).damaged(target.kind(), original, other);
    if (whole != present) {
      empty(folder);
      for (Map.Entry<String, byte[]> file : whole.entrySet()) {
        Files.createDirectories(folder.resolve(file.getKey()).getParent());
        Files.write(folder.resolve(file.getKey()), file.getValue());
      }
      present = whole;
      before = listing();
    }
    Files.write(folder.resolve(target.file()), damaged);
    Optional<String> fault = answer();
    inputs++;
    if (fault.isEmpty() && !listing().equals(before)) {
      fault = Optional.of("files before: " + before + ", after: " + listing());
      present = Map.of();
    }
    if (fault.isPresent()) {
      Path kept =
          findings.resolve(target.name() + "-" + seed + "-" + Path.of(target.file()).getFileName());
      Files.createDirectories(findings);
      Files.write(kept, damaged);
      return Optional.of(
          target.name()
              + ", -Dfuzz.target="
              + target.name()
              + " -Dfuzz.seed="
              + seed
              + " -Dfuzz.inputs=1, input in "
              + kept
              + ": "
              + fault.get());
    }
    return Optional.empty();
  }

  @SuppressWarnings("PMD") // whatever is thrown is the finding
  private Optional<String> answer() {
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    long start = THREADS.getCurrentThreadCpuTime();
    Optional<String> fault = Optional.empty();
    try {
      target.reader().read(folder);
    } catch (PalimpsestException expected) {
      refused++;
      fault = badMessage(expected);
    } catch (Throwable unexpected) {
      StackTraceElement[] trace = unexpected.getStackTrace();
      fault =
          Optional.of(
              unexpected.getClass().getSimpleName()
                  + ": "
                  + String.valueOf(unexpected.getMessage()).lines().findFirst().orElse("")
                  + Stream.of(trace)
                      .filter(frame -> frame.getClassName().startsWith("dev.palimpsest"))
                      .limit(4)
                      .map(frame -> " at " + frame)
                      .reduce("", String::concat));
    }
    double seconds = (THREADS.getCurrentThreadCpuTime() - start) * 1e-9;
    long used = THREADS.getCurrentThreadAllocatedBytes() - bytes;
    if (fault.isEmpty() && seconds > LONGEST_SECONDS) {
      return Optional.of("took " + seconds + " s of a processor");
    }
    return fault.isEmpty() && used > MOST_BYTES
        ? Optional.of("took " + used + " bytes of heap")
        : fault;
  }

  private static Optional<String> badMessage(PalimpsestException failure) {
    String message = String.valueOf(failure.getMessage());
    boolean good =
        failure.exitCode() >= 1
            && failure.exitCode() <= 3
            && !message.isBlank()
            && message.length() <= LONGEST_MESSAGE
            && message.codePoints().noneMatch(Character::isISOControl);
    return good
        ? Optional.empty()
        : Optional.of(
            "a message of "
                + message.length()
                + " characters, exit "
                + failure.exitCode()
                + ": "
                + message.substring(0, Math.min(message.length(), LONGEST_MESSAGE)));
  }

  private SortedSet<String> listing() throws IOException {
    List<String> names = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files.forEach(file -> names.add(folder.relativize(file).toString()));
    }
    return new TreeSet<>(names);
  }

  static void empty(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Files.createDirectories(folder);
      return;
    }
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        if (!file.equals(folder)) {
          Files.delete(file);
        }
      }
    }
  }
}
