package dev.palimpsest.experiment;

import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.prompted.Judge;
import dev.palimpsest.prompted.JudgedKind;
import dev.palimpsest.prompted.JudgedScore;
import dev.palimpsest.prompted.JudgedStore;
import dev.palimpsest.prompted.PromptForm;
import dev.palimpsest.prompted.WindowWords;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.simulate.LatentScore;
import dev.palimpsest.simulate.ScoreConfig;
import dev.palimpsest.simulate.ScoreStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Scoring of one coder's texts by a language model. */
final class Judging {
  private static final double NORMAL_95 = 1.96;

  private final ExperimentConfig.Score settings;
  private final RunContext bench;
  private final RunDirectory run;
  private final RunLog log;

  Judging(ExperimentConfig config, RunContext bench, RunDirectory run, RunLog log) {
    settings = config.score();
    this.bench = bench;
    this.run = run;
    this.log = log;
  }

  /** The prompt of a scorer. */
  static PromptForm form(JudgedKind kind, ExperimentConfig.Score settings) {
    Optional<String> file =
        switch (kind) {
          case DETECTION -> settings.detectionPrompt();
          case FUZZING -> settings.fuzzingPrompt();
        };
    return PromptForm.of(file, "score." + kind.label());
  }

  /**
   * Has a model judge, and writes its scores; the first scorer's rank the latents.
   *
   * @return the summary, by scorer
   */
  Map<String, Object> run(
      AskedModel model,
      List<Explanation> texts,
      LatentCache cache,
      ScoreConfig config,
      String coder) {
    Map<String, Object> summary = new LinkedHashMap<>();
    List<JudgedScore> all = new ArrayList<>();
    for (String label : settings.scorers()) {
      JudgedKind kind = JudgedKind.labelled(label);
      List<JudgedScore> scores =
          new Judge(
                  bench.interpreters().asking(model),
                  kind,
                  form(kind, settings),
                  config,
                  settings.perQuestion(),
                  new WindowWords(bench.tokenizer()))
              .score(
                  texts,
                  cache,
                  done -> log.advanced("scoring " + coder + " by " + label, "answers", done, done));
      if (all.isEmpty()) {
        ScoreStore.write(run.scores(coder), scores.stream().map(Judging::ranking).toList());
      }
      all.addAll(scores);
      summary.put(label, summary(scores));
    }
    JudgedStore.write(run.judgedScores(coder), all);
    return summary;
  }

  private static LatentScore ranking(JudgedScore score) {
    return new LatentScore(
        score.latent(),
        score.balancedAccuracy(),
        score.recall(),
        score.specificity(),
        score.correlation(),
        score.truePositives() + score.falseNegatives(),
        score.trueNegatives() + score.falsePositives());
  }

  private Map<String, Object> summary(List<JudgedScore> scores) {
    Map<String, Object> summary = new LinkedHashMap<>();
    int unread = scores.stream().mapToInt(JudgedScore::unread).sum();
    summary.put("latents", scores.size());
    summary.put("unread_windows", unread);
    mean(summary, "balanced_accuracy", scores, JudgedScore::balancedAccuracy);
    mean(summary, "precision", scores, JudgedScore::precision);
    mean(summary, "recall", scores, JudgedScore::recall);
    mean(summary, "f1", scores, JudgedScore::f1);
    mean(summary, "correlation", scores, JudgedScore::correlation);
    if (unread > 0) {
      log.says(
          String.format(
              Locale.ROOT,
              "the judge's answers about %,d windows could not be read; they count nowhere",
              unread));
    }
    return summary;
  }

  /** Mean over latents and half the width of its normal 95 % interval. */
  private static void mean(
      Map<String, Object> into,
      String name,
      List<JudgedScore> scores,
      ToDoubleFunction<JudgedScore> figure) {
    double mean = scores.stream().mapToDouble(figure).average().orElse(0);
    double squares =
        scores.stream().mapToDouble(s -> Math.pow(figure.applyAsDouble(s) - mean, 2)).sum();
    int count = scores.size();
    into.put(name, mean);
    into.put(name + "_95", count > 1 ? NORMAL_95 * Math.sqrt(squares / (count - 1) / count) : 0);
  }
}
