package dev.palimpsest.latents;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a stage that goes through the latents has found so far: lines of JSON in a scratch folder,
 * and how many latents they are about. A stage of the same identity goes on behind what a killed
 * one has kept.
 */
public final class StageJournal implements AutoCloseable {
  private static final String STATE = "state.json";
  private static final String LINES = "lines.jsonl";

  private final Path folder;
  private final SortedMap<String, String> identity;
  private final ScratchLog log;
  private int done;

  private record State(SortedMap<String, String> identity, int done, ScratchLog.Mark mark) {}

  /**
   * Begins, or goes on with what was kept there.
   *
   * @param folder of the journal; the caller's to remove
   * @param source what the lines are made from
   */
  public StageJournal(Path folder, Map<String, String> source) {
    this.folder = folder;
    identity = new TreeMap<>(source);
    log = goOn().orElseGet(this::begin);
  }

  private Optional<ScratchLog> goOn() {
    Path file = folder.resolve(STATE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      State state = StateFiles.readSealed(file, State.class);
      if (!state.identity().equals(identity)) {
        return Optional.empty();
      }
      ScratchLog kept = new ScratchLog(folder.resolve(LINES), state.mark());
      done = state.done();
      return Optional.of(kept);
    } catch (PalimpsestException damaged) {
      // Nothing is lost but time: the stage begins anew.
      return Optional.empty();
    }
  }

  private ScratchLog begin() {
    ScratchFolder.remove(folder);
    try {
      Files.createDirectories(folder);
    } catch (IOException failure) {
      throw fault(failure);
    }
    return new ScratchLog(folder.resolve(LINES), ScratchLog.Mark.START);
  }

  /** Latents that are done: the next to do. */
  public int done() {
    return done;
  }

  /** Adds a line. */
  public void add(Record line) {
    log.add((Json.line(line) + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Makes sure that the lines so far outlive the process.
   *
   * @param latents that they are about: all before this one
   */
  public void keep(int latents) {
    StateFiles.writeSealed(folder.resolve(STATE), new State(identity, latents, log.sync()));
  }

  /** All lines. */
  public <T extends Record> List<T> lines(Class<T> type) {
    log.sync();
    List<T> all = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(folder.resolve(LINES))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        all.add(Json.MAPPER.readValue(line, type));
      }
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException("a line that was written here cannot be read", impossible);
    } catch (IOException failure) {
      throw fault(failure);
    }
    return all;
  }

  /** Closes the journal and leaves it where it is. */
  @Override
  public void close() {
    log.close();
  }

  private PalimpsestException fault(IOException failure) {
    return new PalimpsestException(
        "cannot write or read " + folder + ": " + AtomicFiles.describe(failure), failure);
  }
}
