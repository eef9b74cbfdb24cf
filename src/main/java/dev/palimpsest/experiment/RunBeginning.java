package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageLedger;
import dev.palimpsest.run.StageName;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * What a run directory knows of how it was begun. {@code stages/inputs.json} says it; where that is
 * damaged or gone, the record of the finished training says the same, and before there is one, what
 * matters is guarded by the checkpoints' own record, and the settings are those of {@code
 * config.yaml}. So a damaged record stops nobody, and nothing is mixed.
 *
 * @param settings in the form of {@link Kept#settings}; empty for a new run
 * @param kept the file's content, where it is whole
 * @param modelDigest of all the model's files, where {@code kept} does not name each
 * @param textDigest of all the text's files, likewise
 * @param damage what is wrong with the file, and what stands for it, as a sentence
 */
record RunBeginning(
    Optional<JsonNode> settings,
    Optional<Kept> kept,
    Optional<String> modelDigest,
    Optional<String> textDigest,
    Optional<String> damage) {

  /**
   * The content of {@code stages/inputs.json}.
   *
   * @param model digests by file
   * @param text digests of the files, in order
   * @param settings seed, how the text is read, coders by hookpoint and their training
   */
  record Kept(Map<String, String> model, List<String> text, JsonNode settings) {}

  /** Reads what there is. */
  static RunBeginning of(RunDirectory run, Function<ExperimentConfig, ObjectNode> settingsOf) {
    Optional<String> damage = Optional.empty();
    if (Files.isRegularFile(run.inputs())) {
      try {
        Kept kept = StateFiles.readSealed(run.inputs(), Kept.class);
        return new RunBeginning(
            Optional.of(kept.settings()),
            Optional.of(kept),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());
      } catch (PalimpsestException damaged) {
        damage = Optional.of(String.valueOf(damaged.getMessage()));
      }
    }
    Optional<StageLedger.Entry> trained =
        new StageLedger(run, FileDigests.inMemory()).entry(StageName.TRAIN.label());
    if (trained.isPresent()) {
      Map<String, String> read = trained.get().inputs();
      return new RunBeginning(
          Optional.of(settingsOf(trained.get())),
          Optional.empty(),
          Optional.ofNullable(read.get(TrainStage.MODEL)),
          Optional.ofNullable(read.get(TrainStage.TEXT)),
          damage.map(what -> what + "; it is made anew by what stages/train.json says"));
    }
    try {
      return new RunBeginning(
          Files.isRegularFile(run.config())
              ? Optional.of(settingsOf.apply(ConfigFiles.readResolved(run.config())))
              : Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          damage.map(
              what ->
                  what + "; it is made anew by config.yaml, and by model and text as they are"));
    } catch (PalimpsestException damaged) {
      return new RunBeginning(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.of(damaged.getMessage() + "; it is made anew"));
    }
  }

  /** A finished training's settings, in which the coders that were given have a path again. */
  private static JsonNode settingsOf(StageLedger.Entry trained) {
    JsonNode settings = trained.settings().deepCopy();
    for (Map.Entry<String, JsonNode> coder : settings.path("coders").properties()) {
      if (coder.getValue() instanceof ObjectNode one) {
        one.remove("hookpoint");
        if (trained.inputs().containsKey(TrainStage.given(coder.getKey()))) {
          one.put("path", "");
        }
      }
    }
    return settings;
  }
}
