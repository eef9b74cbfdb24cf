package dev.palimpsest.experiment;

import dev.palimpsest.base.ThreadCount;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.model.Hookpoints;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.prompted.ExplainMethod;
import dev.palimpsest.prompted.JudgedKind;
import dev.palimpsest.prompted.PromptForm;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.rivals.RivalKind;
import dev.palimpsest.simulate.Calibration;
import dev.palimpsest.simulate.JointFitter;
import dev.palimpsest.text.ExcludedTokens;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Looks at the settings of all stages before any of them begins, so that nothing is written, and no
 * hour spent, for an experiment that cannot end.
 */
final class ExperimentChecks {
  /** What a hookpoint is made of: it becomes the name of folders and files. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}");

  private static final String MODEL = "model's number of positions,";

  private ExperimentChecks() {}

  /**
   * @throws UsageException naming the first setting that cannot be meant, what was found and what
   *     was expected
   * @throws dev.palimpsest.base.PalimpsestException naming a file that is missing or unreadable
   */
  static void check(ExperimentConfig config) {
    ThreadCount.checked("threads", config.threads(), 0);
    SettingBounds.check(config);
    coders(config);
    stages(config);
    TrainStage.check(config);
    config.data().options();
    ModelConfig model = ModelConfig.read(ModelSource.resolve(config.model()));
    ExcludedTokens.check(config.data().excludeTokens(), model.vocabularySize());
    contexts(config, model);
    List<String> hookpoints = Hookpoints.of(model).names();
    Set<String> seen = new HashSet<>();
    for (ExperimentConfig.Coder coder : config.coders()) {
      if (!hookpoints.contains(coder.hookpoint())) {
        throw new UsageException(
            "coders: the model has no hookpoint "
                + coder.hookpoint()
                + "; it has "
                + hookpoints.get(0)
                + " to "
                + hookpoints.get(hookpoints.size() - 1));
      }
      if (!seen.add(coder.hookpoint())) {
        throw new UsageException("coders: " + coder.hookpoint() + " is named twice");
      }
      if (config.fitsJointly()) {
        JointFitter.requireRoom(coder.numLatents(), "coders: " + coder.hookpoint());
      }
      coder.path().ifPresent(path -> SparseCoder.find(Path.of(path)));
    }
  }

  /** Windows are no longer than the model has positions, and batches fit into memory. */
  private static void contexts(ExperimentConfig config, ModelConfig model) {
    int longest = model.longestSequence();
    atMost("train.context_length", config.train().contextLength(), longest, MODEL);
    atMost("cache.context_length", config.cache().contextLength(), longest, MODEL);
    for (Protocol protocol : config.protocols()) {
      String setting = "rewrite." + protocol.label().replace('-', '_') + ".context_length";
      atMost(setting, config.windows(protocol).contextLength(), longest, MODEL);
    }
    long batch = (long) config.cache().batchRows() * config.cache().contextLength();
    if (batch > SettingBounds.MOST_TOKENS_AT_ONCE) {
      throw new UsageException(
          "cache.batch_rows is "
              + config.cache().batchRows()
              + ": that many contexts of "
              + config.cache().contextLength()
              + " tokens are more than "
              + SettingBounds.MOST_TOKENS_AT_ONCE
              + " tokens at once");
    }
  }

  private static void coders(ExperimentConfig config) {
    if (config.coders().isEmpty()) {
      throw new UsageException(
          "the experiment names no coders: give at least one hookpoint ('coders')");
    }
    for (ExperimentConfig.Coder coder : config.coders()) {
      if (!NAME.matcher(coder.hookpoint()).matches() || coder.hookpoint().contains("..")) {
        throw new UsageException(
            "coders: hookpoint '"
                + coder.hookpoint()
                + "' is no name of a module, expected one such as layers.2.mlp");
      }
    }
  }

  private static void stages(ExperimentConfig config) {
    interpreter("explain.explainer", config.explain().explainer());
    interpreter("simulate.simulator", config.simulate().simulator());
    interpreter("score.judge", config.score().judge());
    prompted(config);
    config.rewrite().calibrations().forEach(Calibration::labelled);
    if (config.rewrite().together() && config.coders().size() < 2) {
      throw new UsageException(
          "rewrite.together: expected coders of two layers or more, found "
              + config.coders().size());
    }
    config.rewrite().rivals().forEach(RivalKind::labelled);
    for (Protocol protocol : Protocol.values()) {
      RewriteStages.settings(config, protocol);
    }
  }

  private static void prompted(ExperimentConfig config) {
    ExperimentConfig.Explain explain = config.explain();
    ExplainMethod method = ExplainMethod.labelled(explain.method());
    atMost(
        "explain.window_length", explain.windowLength(), config.cache().contextLength(), "cache's");
    judged(config.score());
    if (!explain.explainer().isLexical() && method.asks()) {
      PromptForm.of(explain.prompt(), "explain." + method.label());
    }
    String rated = config.simulate().method();
    if (!Set.of("token", "window").contains(rated)) {
      throw new UsageException("simulate.method: found '" + rated + "', expected token or window");
    }
    if (!config.simulate().simulator().isLexical()) {
      Simulators.form(config.simulate());
    }
  }

  private static void judged(ExperimentConfig.Score score) {
    for (String label : score.scorers()) {
      JudgedKind kind = JudgedKind.labelled(label);
      if (!score.judge().isLexical()) {
        Judging.form(kind, score);
      }
    }
  }

  private static void interpreter(String setting, Interpreter who) {
    who.model()
        .flatMap(AskedModel::folder)
        .filter(folder -> !ModelSource.exists(folder))
        .ifPresent(
            folder -> {
              throw new UsageException(
                  setting
                      + ": no model folder "
                      + folder
                      + "; expected lexical, a folder in Hugging Face layout, or a server's address"
                      + " that begins with http:// or https://");
            });
  }

  private static void atMost(String setting, long found, long most, String what) {
    if (found > most) {
      throw new UsageException(
          setting + " is " + found + ", expected at most the " + what + " " + most);
    }
  }
}
