package dev.palimpsest.run;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;

/**
 * Remembers which stages of a run are finished, so that a run started again does only what is
 * missing. A stage is repeated when its settings, or the result of anything it builds on, have
 * changed.
 */
public final class StageLedger {
  private final RunDirectory run;
  private final boolean force;

  /**
   * @param run the run directory
   * @param force repeat stages even where nothing has changed
   */
  public StageLedger(RunDirectory run, boolean force) {
    this.run = run;
    this.force = force;
  }

  /**
   * A finished stage.
   *
   * @param stage its name
   * @param fingerprint of its settings, inputs and, where a person may edit them, its output files
   * @param seconds it took
   * @param summary what it found, for the report and {@code --json}
   */
  public record Entry(String stage, String fingerprint, double seconds, Object summary) {}

  /**
   * Runs a stage unless it is finished.
   *
   * @param stage name, unique in the run
   * @param settings everything it depends on besides other stages' results
   * @param after stages it builds on, already finished
   * @param outputs files or folders it must leave behind; gone, the stage is repeated
   * @param work does the stage and returns its summary
   * @param log hears what happens
   */
  public Entry ensure(
      String stage,
      Object settings,
      List<Entry> after,
      List<Path> outputs,
      Supplier<?> work,
      RunLog log) {
    String fingerprint = fingerprint(stage, settings, after);
    Path file = run.stages().resolve(stage + ".json");
    if (!force && Files.isRegularFile(file) && outputs.stream().allMatch(Files::exists)) {
      Entry before = Json.read(file, Entry.class);
      if (before.fingerprint().equals(fingerprint)) {
        log.skipped(stage, before.seconds());
        return before;
      }
    }
    log.started(stage);
    long start = System.nanoTime();
    Object summary = work.get();
    Entry entry = new Entry(stage, fingerprint, (System.nanoTime() - start) * 1e-9, summary);
    AtomicFiles.writeString(file, Json.pretty(entry));
    log.finished(stage, entry.seconds());
    return entry;
  }

  /** An entry that stands for a file a person may edit: its fingerprint is that of the bytes. */
  public static Entry ofFile(String name, Path file) {
    return new Entry(name, FileDigests.inMemory().of(file), 0, "");
  }

  /** Every finished stage that has left an entry, by name. */
  public List<Entry> finished() {
    List<Entry> entries = new ArrayList<>();
    if (Files.isDirectory(run.stages())) {
      try (var files = Files.list(run.stages())) {
        files
            .filter(file -> file.toString().endsWith(".json"))
            .sorted()
            .forEach(file -> entries.add(Json.read(file, Entry.class)));
      } catch (IOException failure) {
        throw new dev.palimpsest.base.PalimpsestException(
            "cannot list " + run.stages() + ": " + AtomicFiles.describe(failure), failure);
      }
    }
    return entries;
  }

  private static String fingerprint(String stage, Object settings, List<Entry> after) {
    StringBuilder text = new StringBuilder(stage).append('\n').append(Json.line(settings));
    for (Entry entry : after) {
      text.append('\n').append(entry.fingerprint());
    }
    return sha256(text.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
