package dev.palimpsest.experiment;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.prompted.ExplainMethod;
import dev.palimpsest.prompted.JudgedKind;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What explanations and ratings of a language model depend on: the model, the prompt and the
 * settings of the question. A server's address, its prices and how many questions it has at a time
 * make no difference; where the settings do not name its model, the address stands for it.
 */
final class PromptedIdentity {
  private final ExperimentConfig config;
  private final FileDigests digests;

  PromptedIdentity(ExperimentConfig config, FileDigests digests) {
    this.config = config;
    this.digests = digests;
  }

  /** Settings of the controlled English's explainer. */
  Map<String, Object> lexical() {
    ExperimentConfig.Explain explain = config.explain();
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("explainer", explain.explainer().name());
    settings.put("max_characters", explain.maxCharacters());
    settings.put("tokens", explain.tokens());
    if (explain.latents() > 0) {
      choice(settings);
    }
    return settings;
  }

  private void choice(Map<String, Object> settings) {
    ExperimentConfig.Explain explain = config.explain();
    settings.put("latents", explain.latents());
    settings.put("least_windows", explain.leastWindows());
    settings.put("window_length", explain.windowLength());
    settings.put("seed", config.seed());
  }

  /** Settings of explaining by a model. */
  Map<String, Object> explain(AskedModel model) {
    ExperimentConfig.Explain explain = config.explain();
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("method", explain.method());
    choice(settings);
    if (ExplainMethod.labelled(explain.method()).asks()) {
      settings.put("explainer", Interpreters.settings(model));
      settings.put("windows", explain.windows());
      settings.put("temperature", explain.temperature());
      settings.put("max_tokens", explain.maxTokens());
      settings.put("prompt", Explaining.form(explain).digest());
    }
    return settings;
  }

  /** Settings of scoring by a model. */
  Map<String, Object> judge(AskedModel model) {
    ExperimentConfig.Score score = config.score();
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("model", Interpreters.settings(model));
    settings.put("per_question", score.perQuestion());
    for (String label : score.scorers()) {
      settings.put(label, Judging.form(JudgedKind.labelled(label), score).digest());
    }
    return settings;
  }

  /** Settings of simulating by a model. */
  Map<String, Object> simulate(AskedModel model) {
    ExperimentConfig.Simulate simulate = config.simulate();
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("model", Interpreters.settings(model));
    settings.put("method", simulate.method());
    settings.put("window_tokens", simulate.windowTokens());
    settings.put("renormalise", simulate.renormalise());
    settings.put("prompt", Simulators.form(simulate).digest());
    return settings;
  }

  /** Inputs with the model's files. */
  Map<String, String> with(Map<String, String> inputs, String name, AskedModel model) {
    Map<String, String> more = new TreeMap<>(inputs);
    model.folder().ifPresent(any -> more.put(name, Interpreters.digest(model, digests)));
    return more;
  }
}
