package dev.palimpsest.experiment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.Differences;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.TextFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a run directory is about and keeps for its life: the model, the text and how it is dealt to
 * the splits, the coders that are trained and how. Files are known by what they contain, so a model
 * or a text that has moved, or is spelt in another way, is still the same.
 *
 * <p>{@code stages/inputs.json} holds it ({@link RunBeginning}) from the moment at which a command
 * has been accepted.
 */
final class RunInputs {
  private final ExperimentConfig config;
  private final RunDirectory run;
  private final Map<String, String> model = new TreeMap<>();
  private final List<String> text = new ArrayList<>();

  /**
   * Takes the digests of model and text.
   *
   * @throws PalimpsestException naming a file that is missing
   */
  static RunInputs of(ExperimentConfig config, RunDirectory run, FileDigests digests) {
    RunInputs inputs = new RunInputs(config, run);
    inputs.addModel(digests);
    inputs.addText(digests);
    return inputs;
  }

  /** The same of a run that is only looked at, and may have been moved away from its inputs. */
  static RunInputs asFarAsThere(ExperimentConfig config, RunDirectory run, FileDigests digests) {
    RunInputs inputs = new RunInputs(config, run);
    try {
      inputs.addModel(digests);
    } catch (PalimpsestException missing) {
      inputs.model.clear();
    }
    try {
      inputs.addText(digests);
    } catch (PalimpsestException missing) {
      inputs.text.clear();
    }
    return inputs;
  }

  private RunInputs(ExperimentConfig config, RunDirectory run) {
    this.config = config;
    this.run = run;
  }

  private void addModel(FileDigests digests) {
    model.putAll(ModelDigest.of(ModelSource.resolve(config.model()), digests).files());
  }

  private void addText(FileDigests digests) {
    text.addAll(TextFiles.digests(config.data().files(), run.tokens(), digests));
  }

  /** One digest of the model, whatever its files are called; empty where it is not there. */
  String modelDigest() {
    return model.isEmpty() ? "" : FileDigests.ofText(String.join("\n", model.values()));
  }

  /** One digest of the text; empty where it is not there. */
  String textDigest() {
    return text.isEmpty() ? "" : FileDigests.ofText(String.join("\n", text));
  }

  /**
   * What is wrong with what the run keeps of its beginning, and by what it is judged instead, as a
   * sentence; empty where nothing is wrong.
   */
  Optional<String> damage() {
    return begun().damage();
  }

  /**
   * What differs from what the run was begun with, in words; empty for a new run. Where model or
   * text are not there, they are not compared.
   *
   * @param trainsToo whether the command trains: it may then go on for more tokens (the trainer
   *     says whether the schedule allows it), and coders that are not trained may change
   */
  List<String> changes(boolean trainsToo) {
    RunBeginning begun = begun();
    if (begun.settings().isEmpty()) {
      return List.of();
    }
    ObjectNode before = settings(begun.settings().get(), trainsToo);
    ObjectNode now = settings(settings(config), trainsToo);
    if (trainsToo && longer(before, now)) {
      now.withObject("/train").set("tokens", before.path("train").path("tokens"));
    }
    List<String> changes = new ArrayList<>(Differences.between(before, now));
    if (!model.isEmpty()) {
      begun.kept().ifPresent(kept -> changes.addAll(modelChanges(kept.model())));
      if (begun.modelDigest().filter(digest -> !digest.equals(modelDigest())).isPresent()) {
        changes.add("the model " + config.model() + " has another content");
      }
    }
    if (!text.isEmpty()) {
      begun.kept().ifPresent(kept -> changes.addAll(textChanges(kept.text())));
      if (begun.textDigest().filter(digest -> !digest.equals(textDigest())).isPresent()) {
        changes.add("the text has another content");
      }
    }
    return changes;
  }

  /**
   * Refuses what would change what the run is about.
   *
   * @param trainsToo as above
   * @throws UsageException with one sentence that names what was and what is
   */
  void requireSame(boolean trainsToo) {
    List<String> changes = changes(trainsToo);
    if (!changes.isEmpty()) {
      throw new UsageException(
          run.root()
              + " was begun with something else ("
              + Differences.some(changes)
              + "): "
              + (trainsToo
                  ? "choose another --out, or start anew with --force"
                  : "model, text, seed and coders stay as they are in a run directory; make another"
                      + " with 'run' or 'train'"));
    }
  }

  /** Notes what the run is about, once a command has been accepted. */
  void write() {
    StateFiles.writeSealed(run.inputs(), new RunBeginning.Kept(model, text, settings(config)));
  }

  private RunBeginning begun() {
    return RunBeginning.of(run, RunInputs::settings);
  }

  private static ObjectNode settings(ExperimentConfig config) {
    ObjectNode fixed = Json.MAPPER.createObjectNode();
    fixed.put("seed", config.seed());
    fixed.set("data", reading(config));
    ObjectNode train = Json.MAPPER.valueToTree(config.train());
    if (!config.modelPrecision().equals(Precision.FP32.label())) {
      train.put("model_precision", config.modelPrecision());
    }
    fixed.set("train", train);
    ObjectNode coders = fixed.putObject("coders");
    for (ExperimentConfig.Coder coder : config.coders()) {
      ObjectNode one = Json.MAPPER.valueToTree(coder);
      one.remove("hookpoint");
      coders.set(coder.hookpoint(), one);
    }
    return fixed;
  }

  /** How the text is read: all of its settings but where it lies. */
  static ObjectNode reading(ExperimentConfig config) {
    ObjectNode data = Json.MAPPER.valueToTree(config.data());
    data.remove("files");
    return data;
  }

  /** Without what may change between one command and the next. */
  private static ObjectNode settings(JsonNode all, boolean trainsToo) {
    ObjectNode kept = all.isObject() ? all.deepCopy() : Json.MAPPER.createObjectNode();
    if (kept.path("train") instanceof ObjectNode train) {
      train.remove("checkpoint_every");
      // Known by what is in it, not by its place: the trainer looks.
      train.remove("activations");
      if (!trainsToo) {
        train.remove("model_precision");
      }
    }
    if (kept.path("coders") instanceof ObjectNode coders) {
      List<String> given = new ArrayList<>();
      coders
          .properties()
          .forEach(
              coder -> {
                if (coder.getValue() instanceof ObjectNode one) {
                  boolean path = one.path("path").isTextual();
                  one.remove("path");
                  if (path && trainsToo) {
                    given.add(coder.getKey());
                  }
                }
              });
      coders.remove(given);
    }
    return kept;
  }

  private static boolean longer(JsonNode before, JsonNode now) {
    return now.path("train").path("tokens").asLong() > before.path("train").path("tokens").asLong();
  }

  private List<String> modelChanges(Map<String, String> before) {
    List<String> changes = new ArrayList<>();
    before.forEach(
        (file, digest) -> {
          String now = model.get(file);
          if (!digest.equals(now)) {
            changes.add(
                file
                    + " of the model "
                    + config.model()
                    + (now == null ? " is gone" : " has another content"));
          }
        });
    for (String file : model.keySet()) {
      if (!before.containsKey(file)) {
        changes.add(file + " of the model " + config.model() + " is new");
      }
    }
    return changes;
  }

  private List<String> textChanges(List<String> before) {
    List<String> changes = new ArrayList<>();
    if (before.size() != text.size()) {
      changes.add("the text was " + before.size() + " files, is " + text.size());
      return changes;
    }
    for (int i = 0; i < text.size(); i++) {
      if (!text.get(i).equals(before.get(i))) {
        changes.add("the text " + config.data().files().get(i) + " has another content");
      }
    }
    return changes;
  }
}
