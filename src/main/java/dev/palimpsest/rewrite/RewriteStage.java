package dev.palimpsest.rewrite;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Progress;
import dev.palimpsest.evaluate.WindowLosses;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import java.nio.file.Path;

/**
 * The rewrite as a stage of a run: evaluates one coder under one protocol and leaves the loss table
 * and the losses by window in the run directory, each file whole or not at all.
 */
public final class RewriteStage {
  private RewriteStage() {}

  /** The file of a run's headline: the transcoder, all tokens. */
  public static Path headlineFile(Path runDirectory) {
    return runDirectory.resolve("rewrite.json");
  }

  /** The file of any other coder or protocol: {@code rewrites/<hookpoint>.<protocol>.json}. */
  public static Path tableFile(Path runDirectory, String hookpoint, Protocol protocol) {
    return runDirectory.resolve("rewrites").resolve(hookpoint + "." + protocol.label() + ".json");
  }

  /** The losses by window behind a table; see {@link WindowLosses} for its layout. */
  public static Path lossesFile(Path runDirectory, String hookpoint, Protocol protocol) {
    return runDirectory
        .resolve("rewrites")
        .resolve(hookpoint + "." + protocol.label() + ".losses.safetensors");
  }

  /**
   * Evaluates and writes. The table is written last: where it exists, the stage is done.
   *
   * @param table {@link #headlineFile} or {@link #tableFile}
   * @return the table
   */
  public static RewriteResult run(
      RewriteInputs inputs,
      RewriteConfig config,
      Path runDirectory,
      Path table,
      Progress progress) {
    RewriteEvaluator.Evaluation evaluation = RewriteEvaluator.evaluation(inputs, config, progress);
    WindowLosses.write(
        lossesFile(runDirectory, inputs.hookpoint(), config.protocol()),
        evaluation.variants(),
        evaluation.windows().stream().mapToLong(Long::longValue).toArray(),
        evaluation.table());
    AtomicFiles.writeString(table, Json.pretty(evaluation.result()));
    return evaluation.result();
  }

  /**
   * Reads a table written by {@link #run}.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming the file and the fault
   */
  public static RewriteResult read(Path table) {
    return Json.read(table, RewriteResult.class);
  }
}
