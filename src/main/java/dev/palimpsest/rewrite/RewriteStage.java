package dev.palimpsest.rewrite;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.evaluate.WindowLosses;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The rewrite as a stage of a run: evaluates one coder under one protocol and leaves the loss table
 * and the losses by window in the run directory, each file whole or not at all.
 */
public final class RewriteStage {
  private RewriteStage() {}

  /** The losses by window behind a table, beside it; see {@link WindowLosses} for its layout. */
  public static Path lossesFile(Path table) {
    return beside(table, ".losses.safetensors");
  }

  /** The journal of an evaluation that is not finished. */
  public static Path journalFile(Path table) {
    return beside(table, ".partial");
  }

  /** Drops what an unfinished evaluation has measured. */
  public static void forgetUnfinished(Path table) {
    try {
      Files.deleteIfExists(journalFile(table));
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot remove " + journalFile(table) + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private static Path beside(Path table, String ending) {
    return table.resolveSibling(
        String.valueOf(table.getFileName()).replaceFirst("\\.json$", "") + ending);
  }

  /**
   * Evaluates and writes, going on from what an earlier process has measured of the same. The table
   * is written last: where it exists, the stage is done.
   *
   * @param table where the table goes, usually {@code rewrites/<coder>.<protocol>.json}
   * @param identity of everything the losses depend on: what another identity has measured is not
   *     used
   * @return the table
   */
  public static RewriteResult run(
      RewriteInputs inputs, RewriteConfig config, Path table, String identity, Progress progress) {
    try (LossJournal journal = LossJournal.open(journalFile(table), identity, progress)) {
      RewriteEvaluator.Evaluation evaluation =
          RewriteEvaluator.evaluation(inputs, config, journal, progress);
      WindowLosses.write(
          lossesFile(table),
          evaluation.variants(),
          evaluation.windows().stream().mapToLong(Long::longValue).toArray(),
          evaluation.table());
      AtomicFiles.writeString(table, Json.pretty(evaluation.result()));
      journal.delete();
      return evaluation.result();
    }
  }

  /**
   * Reads a table written by {@link #run}.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file and the fault
   */
  public static RewriteResult read(Path table) {
    return StateFiles.read(table, RewriteResult.class);
  }
}
