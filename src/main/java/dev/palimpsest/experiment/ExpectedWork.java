package dev.palimpsest.experiment;

import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.StageName;

/**
 * What stages are expected to cost beside each other, in tokens through the model or as much as
 * that. No more is asked of it than that the time left of a whole run is of the right size before
 * its later stages have been measured; where a text is shorter than the settings would read, it is
 * too long rather than too short.
 */
final class ExpectedWork {
  /** Untouched, true coder, zeroed and mean components, random latents, exchanged words twice. */
  private static final int BASELINES = 8;

  /** Collecting one latent's page: its contexts, and a product with the unembedding. */
  private static final double TOKENS_A_PAGE = 500;

  private final ExperimentConfig config;

  ExpectedWork(ExperimentConfig config) {
    this.config = config;
  }

  /**
   * One stage's.
   *
   * @param stage its whole name, which says the protocol
   * @return 0 where it cannot be known before: losses on all windows that there are, and whatever a
   *     language model is asked
   */
  double of(StageName name, String stage) {
    return switch (name) {
      case TRAIN -> config.train().tokens();
      case CACHE -> config.cache().tokens();
      case EXPLAIN ->
          config.explain().explainer().isLexical()
              ? Math.min(config.cache().tokens(), config.explain().tokens())
              : 0;
      case SCORE -> config.score().judge().isLexical() ? config.score().tokens() : 0;
      case SIMULATE ->
          config.simulate().simulator().isLexical()
              ? config.simulate().calibrationTokens()
                  + (config.fitsJointly() ? config.simulate().jointTokens() : 0)
              : 0;
      case REWRITE -> rewrite(stage);
      case REPORT -> 1 + config.coders().size() * config.report().latents() * TOKENS_A_PAGE;
    };
  }

  private double rewrite(String stage) {
    ExperimentConfig.Rewrite rewrite = config.rewrite();
    double replacements =
        BASELINES
            + rewrite.rivals().size()
            + (double) rewrite.calibrations().size()
                * rewrite.fractions().size()
                * rewrite.selections().size()
                * rewrite.reselect().size();
    double work = 0;
    for (Protocol protocol : Protocol.values()) {
      if (stage.endsWith("." + protocol.label())) {
        ExperimentConfig.Windows windows = config.windows(protocol);
        work = windows.windows() * (double) windows.contextLength() * replacements;
      }
    }
    return work;
  }
}
