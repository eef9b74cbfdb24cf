package dev.palimpsest.train;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.evaluate.HeldOut;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The folder {@code checkpoints}: one folder a checkpoint, written beside under a temporary name,
 * forced to disk and renamed, so that a checkpoint is whole or absent whenever the process is
 * killed. The last two are kept.
 */
final class Checkpoints {
  private static final int KEPT = 2;
  private static final String PREFIX = "step-";
  private static final String TEMPORARY = ".writing-";
  private static final String STATE = "state.json";

  private final Path folder;

  /**
   * @param folder made when the first checkpoint is written
   */
  Checkpoints(Path folder) {
    this.folder = folder;
  }

  /**
   * Where a run stands, besides the coders' own state.
   *
   * @param step steps done; the position in the text follows from it
   * @param metricsBytes length of {@code metrics.jsonl}
   * @param evaluation the held-out figures of each coder as of the last evaluation, in order
   */
  record State(long step, long metricsBytes, List<HeldOut> evaluation) {
    State {
      evaluation = List.copyOf(evaluation);
    }
  }

  /** The newest checkpoint's folder, or empty. */
  Optional<Path> newest() {
    List<Path> all = all();
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** Reads where the run stood. */
  static State state(Path checkpoint) {
    return Json.read(checkpoint.resolve(STATE), State.class);
  }

  /**
   * Writes a checkpoint and removes all but the last two.
   *
   * @param coders writes the coders' state into a folder
   */
  void write(State state, Consumer<Path> coders) {
    Path target = folder.resolve(PREFIX + String.format(Locale.ROOT, "%012d", state.step()));
    Path temporary = folder.resolve(TEMPORARY + target.getFileName());
    try {
      removeTree(temporary);
      Files.createDirectories(temporary);
      coders.accept(temporary);
      AtomicFiles.writeString(temporary.resolve(STATE), Json.pretty(state));
      forceFolders(temporary);
      removeTree(target);
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
      force(folder);
      List<Path> all = all();
      for (Path old : all.subList(0, Math.max(0, all.size() - KEPT))) {
        discard(old);
      }
    } catch (IOException failure) {
      removeQuietly(temporary);
      throw new PalimpsestException(
          "cannot write the checkpoint " + target + ": " + AtomicFiles.describe(failure), failure);
    } catch (RuntimeException failure) {
      removeQuietly(temporary);
      throw failure;
    }
  }

  /** Removes what a killed process left half written. */
  void clean() {
    try {
      for (Path path : list(TEMPORARY)) {
        removeTree(path);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot clean " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  /** Removes every checkpoint. */
  void removeAll() throws IOException {
    clean();
    for (Path checkpoint : all()) {
      discard(checkpoint);
    }
  }

  /** Removes a folder with all in it; fine if there is none. */
  static void removeTree(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    try (Stream<Path> inside = Files.walk(path)) {
      for (Path each : inside.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(each);
      }
    }
  }

  private List<Path> all() {
    try {
      return list(PREFIX);
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot read " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private List<Path> list(String prefix) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> inside = Files.list(folder)) {
      return new ArrayList<>(
          inside
              .filter(path -> String.valueOf(path.getFileName()).startsWith(prefix))
              .sorted()
              .toList());
    }
  }

  /** Renamed first: a kill while deleting must not leave half a checkpoint under a good name. */
  private void discard(Path checkpoint) throws IOException {
    Path rubbish = folder.resolve(TEMPORARY + checkpoint.getFileName());
    removeTree(rubbish);
    Files.move(checkpoint, rubbish, StandardCopyOption.ATOMIC_MOVE);
    removeTree(rubbish);
  }

  private static void forceFolders(Path root) throws IOException {
    try (Stream<Path> inside = Files.walk(root)) {
      for (Path path : inside.filter(Files::isDirectory).toList()) {
        force(path);
      }
    }
  }

  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void removeQuietly(Path path) {
    try {
      removeTree(path);
    } catch (IOException left) {
      // The failure that brought us here is the one to report; clean() removes the rest next time.
      return;
    }
  }
}
