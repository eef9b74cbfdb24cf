package dev.palimpsest.train;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.evaluate.HeldOut;
import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The folder {@code checkpoints}: one folder a checkpoint, written beside under a temporary name,
 * forced to disk and renamed, so that a checkpoint is whole or absent whenever the process is
 * killed. Every file in it has a checksum. The last two are kept: where the newest turns out to be
 * damaged, a run goes on from the one before.
 */
final class Checkpoints {
  private static final int KEPT = 2;
  private static final String PREFIX = "step-";
  private static final String TEMPORARY = ".writing-";
  private static final String STATE = "state.json";

  /** Characters of a message that says what is wrong with all checkpoints. */
  private static final int LONGEST_REASON = 150;

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
   * @param metrics what {@code metrics.jsonl} was
   * @param evaluation the held-out figures of each coder as of the last evaluation, in order; empty
   *     before the first
   */
  record State(long step, MetricsExtent metrics, List<HeldOut> evaluation) {
    /** Before the first step. */
    static final State START = new State(0, MetricsExtent.NONE, List.of());

    State {
      evaluation = List.copyOf(evaluation);
      if (step < 0) {
        throw new IllegalArgumentException("a step is not negative");
      }
    }
  }

  /** Takes in what the coders have left in a checkpoint. */
  @FunctionalInterface
  interface Reader {
    /**
     * @param checkpoint its folder
     * @param state where the run stood
     * @throws PalimpsestException where a file is damaged, or does not fit
     */
    void read(Path checkpoint, State state);
  }

  /**
   * Goes back to the newest checkpoint that can be read; newer ones, which are damaged, are
   * removed.
   *
   * @param reader may be called again with an older checkpoint after it has failed
   * @param says hears of damaged ones
   * @return where the run stood; {@link State#START} where there is no checkpoint
   * @throws PalimpsestException where there are checkpoints, and none can be read
   */
  State resume(Reader reader, Consumer<String> says) {
    List<Path> newestFirst = all();
    Collections.reverse(newestFirst);
    List<String> damages = new ArrayList<>();
    List<String> reasons = new ArrayList<>();
    for (Path checkpoint : newestFirst) {
      try {
        State state = state(checkpoint);
        reader.read(checkpoint, state);
        forget(newestFirst.subList(0, damages.size()));
        damages.forEach(
            damage -> says.accept(damage + "; going on from step " + state.step() + " instead"));
        return state;
      } catch (PalimpsestException damage) {
        String message = String.valueOf(damage.getMessage());
        damages.add(message);
        // Each by itself, so that a long reason hides no other checkpoint's.
        String reason = message.replace(checkpoint + File.separator, "");
        reasons.add(checkpoint.getFileName() + ": " + Quoted.shortened(reason, LONGEST_REASON));
      }
    }
    if (!damages.isEmpty()) {
      throw new PalimpsestException(
          "none of the checkpoints in "
              + folder
              + " can be read, so the run has to be started anew ("
              + String.join("; ", reasons)
              + ")");
    }
    return State.START;
  }

  /** Whether there is a checkpoint of a step, whole or not. */
  boolean has(long step) {
    return Files.isDirectory(folder.resolve(name(step)));
  }

  private static State state(Path checkpoint) {
    Path file = checkpoint.resolve(STATE);
    State state = StateFiles.readSealed(file, State.class);
    if (!checkpoint.endsWith(name(state.step()))) {
      throw new PalimpsestException(file + ": is of step " + state.step());
    }
    return state;
  }

  private void forget(List<Path> damaged) {
    try {
      for (Path checkpoint : damaged) {
        discard(checkpoint);
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove damaged checkpoints from " + folder + ": " + AtomicFiles.describe(failure),
          failure);
    }
  }

  private static String name(long step) {
    return PREFIX + String.format(Locale.ROOT, "%012d", step);
  }

  /**
   * Writes a checkpoint and removes all but the last two.
   *
   * @param coders writes the coders' state into a folder
   */
  void write(State state, Consumer<Path> coders) {
    Path target = folder.resolve(name(state.step()));
    Path temporary = folder.resolve(TEMPORARY + target.getFileName());
    try {
      removeTree(temporary);
      Files.createDirectories(temporary);
      coders.accept(temporary);
      StateFiles.writeSealed(temporary.resolve(STATE), state);
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
