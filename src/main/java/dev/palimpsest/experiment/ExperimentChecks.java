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

  private ExperimentChecks() {}

  /**
   * @throws UsageException naming the first setting that cannot be meant, what was found and what
   *     was expected
   * @throws dev.palimpsest.base.PalimpsestException naming a file that is missing or unreadable
   */
  static void check(ExperimentConfig config) {
    ThreadCount.checked("threads", config.threads(), 0);
    coders(config);
    stages(config);
    TrainStage.check(config);
    config.data().options();
    ModelConfig model = ModelConfig.read(ModelSource.resolve(config.model()));
    ExcludedTokens.check(config.data().excludeTokens(), model.vocabularySize());
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
    atLeast("cache.tokens", config.cache().tokens(), 1);
    atLeast("cache.least_tokens", config.cache().leastTokens(), 0);
    atLeast("cache.context_length", config.cache().contextLength(), 2);
    atLeast("cache.batch_rows", config.cache().batchRows(), 1);
    atLeast("explain.max_characters", config.explain().maxCharacters(), 1);
    atLeast("score.tokens", config.score().tokens(), 1);
    atLeast("score.windows", config.score().windows(), 1);
    atLeast("simulate.calibration_tokens", config.simulate().calibrationTokens(), 1);
    atLeast("simulate.joint_tokens", config.simulate().jointTokens(), 1);
    atLeast("report.latents", config.report().latents(), 0);
    config.rewrite().calibrations().forEach(Calibration::labelled);
    if (config.rewrite().together() && config.coders().size() < 2) {
      throw new UsageException(
          "rewrite.together: expected coders of two layers or more, found "
              + config.coders().size());
    }
    atLeast("rewrite.rival_tokens", config.rewrite().rivalTokens(), 1);
    Set<String> rivals = new HashSet<>();
    for (String rival : config.rewrite().rivals()) {
      if (!rivals.add(RivalKind.labelled(rival).label())) {
        throw new UsageException("rewrite.rivals: " + rival + " is named twice");
      }
    }
    for (Protocol protocol : Protocol.values()) {
      RewriteStages.settings(config, protocol);
    }
  }

  private static void prompted(ExperimentConfig config) {
    ExperimentConfig.Explain explain = config.explain();
    ExplainMethod method = ExplainMethod.labelled(explain.method());
    atLeast("explain.latents", explain.latents(), 0);
    atLeast("explain.least_windows", explain.leastWindows(), 1);
    atLeast("explain.windows", explain.windows(), 1);
    atLeast("explain.window_length", explain.windowLength(), 1);
    atMost(
        "explain.window_length", explain.windowLength(), config.cache().contextLength(), "cache");
    atLeast("explain.max_tokens", explain.maxTokens(), 1);
    if (!(explain.temperature() >= 0 && explain.temperature() <= 100)) {
      throw new UsageException(
          "explain.temperature is " + explain.temperature() + ", expected 0 to 100");
    }
    judged(config.score());
    atLeast("simulate.window_tokens", config.simulate().windowTokens(), 1);
    if (!explain.explainer().isLexical() && method.asks()) {
      PromptForm.of(explain.prompt(), "explain." + method.label());
    }
    if (!config.simulate().simulator().isLexical()) {
      PromptForm.of(config.simulate().prompt(), "simulate.token");
    }
  }

  private static void judged(ExperimentConfig.Score score) {
    atLeast("score.per_question", score.perQuestion(), 1);
    if (score.scorers().isEmpty() || Set.copyOf(score.scorers()).size() < score.scorers().size()) {
      throw new UsageException(
          "score.scorers: found " + score.scorers() + ", expected some, each once");
    }
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
          setting + " is " + found + ", expected at most the " + what + "'s " + most);
    }
  }

  private static void atLeast(String setting, long found, long least) {
    if (found < least) {
      throw new UsageException(setting + " is " + found + ", expected at least " + least);
    }
  }
}
