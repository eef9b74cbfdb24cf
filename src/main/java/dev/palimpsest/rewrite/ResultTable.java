package dev.palimpsest.rewrite;

import dev.palimpsest.evaluate.LossStatistics;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.RewriteResult.Baseline;
import dev.palimpsest.results.RewriteResult.Rewrite;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Turns the losses by window into the published table. */
final class ResultTable {
  private final RewriteConfig config;
  private final LossStatistics statistics;
  private final Map<Variant, Integer> indices = new HashMap<>();

  private ResultTable(RewriteConfig config, List<Variant> variants, LossTable table) {
    this.config = config;
    for (Variant variant : variants) {
      indices.put(variant, indices.size());
    }
    statistics =
        new LossStatistics(
            table,
            baseline(RewriteResult.UNSPLICED),
            baseline(RewriteResult.ZERO_LATENTS),
            baseline(RewriteResult.TRANSCODER),
            config.resamples(),
            config.seed());
  }

  /** The table of an evaluation. */
  static RewriteResult of(
      RewriteInputs inputs, RewriteConfig config, List<Variant> variants, LossTable table) {
    ResultTable made = new ResultTable(config, variants, table);
    Map<String, Baseline> baselines = new LinkedHashMap<>();
    List<Rewrite> rewrites = new ArrayList<>();
    for (Variant variant : variants) {
      if (variant instanceof Variant.Base base) {
        baselines.put(base.name(), made.row(base));
      } else if (variant instanceof Variant.Rewritten rewritten) {
        rewrites.add(made.row(rewritten));
      }
    }
    baselines.putIfAbsent(RewriteResult.SHUFFLED_EXPLANATIONS, Baseline.UNMEASURED);
    return new RewriteResult(
        inputs.hookpoint(),
        config.protocol(),
        table.windows(),
        table.totalTokens(),
        inputs.latents(),
        inputs.coder().config().k(),
        config,
        baselines,
        rewrites);
  }

  private Baseline row(Variant.Base variant) {
    int index = index(variant);
    return new Baseline(
        statistics.ce(index),
        statistics.deltaMean(index),
        statistics.deltaInterval(index),
        statistics.deltaMedian(index),
        statistics.kl(index));
  }

  private Rewrite row(Variant.Rewritten variant) {
    int index = index(variant);
    int zeroSame = index(new Variant.ZeroSame(variant.chosen()));
    return new Rewrite(
        config.simulator(),
        variant.calibration(),
        variant.chosen().selection(),
        variant.chosen().fraction(),
        variant.chosen().count(),
        variant.reselect(),
        statistics.ce(index),
        statistics.deltaMean(index),
        statistics.deltaInterval(index),
        statistics.deltaMedian(index),
        statistics.kl(index),
        statistics.lossRecovered(index),
        statistics.lossRecoveredInterval(index),
        statistics.pValue(index, baseline(RewriteResult.ZERO_LATENTS)),
        statistics.pValue(index, baseline(RewriteResult.ZERO_OUTPUT)),
        statistics.ce(zeroSame),
        statistics.pValue(index, zeroSame));
  }

  private int baseline(String name) {
    return index(new Variant.Base(name));
  }

  private int index(Variant variant) {
    Integer index = indices.get(variant);
    if (index == null) {
      throw new IllegalStateException("not measured: " + variant.name());
    }
    return index;
  }
}
