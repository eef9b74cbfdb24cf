package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.Hookpoints;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.ModelSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What an experiment's entries of coders stand for in its model: hookpoints by the one name they
 * have, patterns as all that they match, sizes as numbers. Reads the model's configuration, not its
 * weights.
 */
final class CoderEntries {
  private CoderEntries() {}

  /** An entry and how it was written. */
  private record Named(String word, ExperimentConfig.Coder coder) {}

  /**
   * Resolves all entries.
   *
   * @throws UsageException where a hookpoint does not exist, a pattern matches nothing, a place is
   *     named twice, or is given different settings by two patterns
   */
  static ExperimentConfig resolved(ExperimentConfig config) {
    if (config.coders().isEmpty()) {
      return config;
    }
    ModelConfig model = ModelConfig.read(ModelSource.resolve(config.model()));
    Hookpoints hookpoints = Hookpoints.of(model);
    Map<String, Named> byName = new LinkedHashMap<>();
    for (ExperimentConfig.Coder entry : config.coders()) {
      int latents = entry.numLatents() == 0 ? latents(entry, model.width()) : entry.numLatents();
      for (String name : hookpoints.named(entry.hookpoint())) {
        Named now = new Named(entry.hookpoint(), entry.resolved(name, latents));
        Named before = byName.putIfAbsent(name, now);
        if (before != null) {
          requireCompatible(name, before, now);
        }
      }
    }
    List<ExperimentConfig.Coder> coders = new ArrayList<>();
    byName.values().forEach(named -> coders.add(named.coder()));
    return config.withCoders(coders);
  }

  private static int latents(ExperimentConfig.Coder entry, int width) {
    long latents = (long) entry.expansionFactor() * width;
    if (entry.expansionFactor() < 1 || latents > Integer.MAX_VALUE) {
      throw new UsageException(
          "the expansion factor must be at least 1, and that times the width "
              + width
              + " below 2^31, found "
              + entry.expansionFactor());
    }
    return (int) latents;
  }

  /** Patterns may overlap; a place that is named outright is named once. */
  private static void requireCompatible(String name, Named before, Named now) {
    if (!Hookpoints.isPattern(before.word()) && !Hookpoints.isPattern(now.word())) {
      throw new UsageException(
          "hookpoint "
              + name
              + " is named twice"
              + (before.word().equals(now.word())
                  ? ""
                  : ": as " + before.word() + " and as " + now.word()));
    }
    if (!before.coder().equals(now.coder())) {
      throw new UsageException(
          "hookpoint "
              + name
              + " is given two settings, by "
              + before.word()
              + " and by "
              + now.word());
    }
  }
}
