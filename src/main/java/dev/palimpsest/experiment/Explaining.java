package dev.palimpsest.experiment;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.model.TokenEffects;
import dev.palimpsest.prompted.Asking;
import dev.palimpsest.prompted.ChosenLatents;
import dev.palimpsest.prompted.ExplainMethod;
import dev.palimpsest.prompted.ExplainSettings;
import dev.palimpsest.prompted.PromptForm;
import dev.palimpsest.prompted.PromptedExplainer;
import dev.palimpsest.prompted.WindowWords;
import dev.palimpsest.run.RunLog;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;

/** Explaining of one coder's latents by a language model. */
final class Explaining {
  private static final int TOKENS_EITHER_WAY = 10;

  private final ExperimentConfig config;
  private final RunContext bench;
  private final RunLog log;

  Explaining(ExperimentConfig config, RunContext bench, RunLog log) {
    this.config = config;
    this.bench = bench;
    this.log = log;
  }

  /** The settings without the model. */
  static ExplainSettings settings(ExperimentConfig config) {
    ExperimentConfig.Explain explain = config.explain();
    return new ExplainSettings(
        ExplainMethod.labelled(explain.method()),
        explain.windows(),
        explain.windowLength(),
        explain.temperature(),
        explain.maxTokens(),
        config.seed());
  }

  /** The prompt; any, for methods that do not ask. */
  static PromptForm form(ExperimentConfig.Explain explain) {
    ExplainMethod method = ExplainMethod.labelled(explain.method());
    return PromptForm.of(
        explain.prompt(), "explain." + (method.asks() ? method : ExplainMethod.PAPER).label());
  }

  /** The latents that are explained. */
  static BitSet chosen(LatentCache cache, ExperimentConfig config) {
    ExperimentConfig.Explain explain = config.explain();
    if (explain.explainer().isLexical() && explain.latents() == 0) {
      BitSet all = new BitSet();
      all.set(0, cache.latents());
      return all;
    }
    return ChosenLatents.of(
        cache, explain.latents(), explain.leastWindows(), explain.windowLength(), config.seed());
  }

  /**
   * Has a model explain, and writes what it said. Every answer is in the run's journal before it
   * counts, so that nothing else need be kept.
   */
  void run(AskedModel model, LatentCache cache, Path coder, Path file, String what) {
    BitSet latents = chosen(cache, config);
    if (latents.isEmpty()) {
      log.says(
          "note: no latent fires in "
              + config.explain().leastWindows()
              + " windows of the cache (explain.least_windows): none is explained");
    }
    try (SparseCoder trained = SparseCoder.load(coder)) {
      ExplainMethod method = ExplainMethod.labelled(config.explain().method());
      Asking asking =
          method.asks() ? bench.interpreters().asking(model) : Asking.nobody(method.label());
      PromptedExplainer explainer =
          new PromptedExplainer(
              asking,
              form(config.explain()),
              settings(config),
              new WindowWords(bench.tokenizer()),
              latents,
              latent -> effects(trained, latent));
      List<Explanation> texts =
          explainer
              .begin(cache, log)
              .explain(
                  0,
                  cache.latents(),
                  done -> log.advanced(what, "latents", done, latents.cardinality()));
      ExplanationStore.write(file, texts);
    }
  }

  private PromptedExplainer.Effects effects(SparseCoder coder, int latent) {
    TokenEffects effects =
        TokenEffects.of(bench.model(), coder.decoderRow(latent), TOKENS_EITHER_WAY);
    return new PromptedExplainer.Effects(tokens(effects.promoted()), tokens(effects.demoted()));
  }

  private List<String> tokens(List<TokenEffects.Effect> effects) {
    return effects.stream().map(effect -> bench.tokenizer().token(effect.token())).toList();
  }
}
