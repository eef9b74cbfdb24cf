package dev.palimpsest.rewrite;

import dev.palimpsest.evaluate.HolmCorrection;
import dev.palimpsest.evaluate.LossStatistics;
import dev.palimpsest.evaluate.LossTable;
import dev.palimpsest.results.HeadlineOrder;
import dev.palimpsest.results.Interval;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.RewriteResult.Baseline;
import dev.palimpsest.results.RewriteResult.BeyondStrongest;
import dev.palimpsest.results.RewriteResult.Rewrite;
import dev.palimpsest.results.RewriteResult.Rival;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;

/** Turns the losses by window into the published table. */
final class ResultTable {
  private final RewriteConfig config;
  private final LossStatistics statistics;
  private final Map<Variant, Integer> indices = new HashMap<>();
  private final Map<Variant.Rewritten, Tests> tests;
  private final Optional<String> strongest;
  private final Map<Variant, OptionalDouble> rivalTests = new HashMap<>();

  private ResultTable(RewriteConfig config, int latents, List<Variant> variants, LossTable table) {
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
    strongest =
        RewriteResult.TRIVIAL.stream()
            .filter(name -> statistics.ce(baseline(name)).isPresent())
            .min(Comparator.comparing(name -> statistics.ce(baseline(name)).orElseThrow()));
    tests = tests(variants, latents);
    testRivals(variants);
  }

  /**
   * A rewrite's tests, each with its correction for the table's other rewrites.
   *
   * @param raw against zero latents, zero output, the same latents zeroed and the strongest floor
   * @param holm the same by Holm's correction
   */
  private record Tests(List<OptionalDouble> raw, List<OptionalDouble> holm) {}

  /**
   * The tests of all rewrites. A floor's tests are one family; a rewrite that is the same
   * computation as an earlier one (all latents, however chosen) is one with it there.
   */
  private Map<Variant.Rewritten, Tests> tests(List<Variant> variants, int latents) {
    Map<String, Variant.Rewritten> different = new LinkedHashMap<>();
    for (Variant variant : variants) {
      if (variant instanceof Variant.Rewritten rewritten) {
        different.putIfAbsent(rewritten.computation(latents), rewritten);
      }
    }
    List<List<OptionalDouble>> raw = new ArrayList<>();
    List<List<OptionalDouble>> holm = new ArrayList<>();
    for (int floor = 0; floor < 4; floor++) {
      List<OptionalDouble> family = new ArrayList<>();
      for (Variant.Rewritten rewritten : different.values()) {
        family.add(statistics.pValue(index(rewritten), floors(rewritten)[floor]));
      }
      raw.add(family);
      holm.add(HolmCorrection.adjust(family));
    }
    List<String> order = List.copyOf(different.keySet());
    Map<Variant.Rewritten, Tests> byRewrite = new HashMap<>();
    for (Variant variant : variants) {
      if (variant instanceof Variant.Rewritten rewritten) {
        int at = order.indexOf(rewritten.computation(latents));
        byRewrite.put(
            rewritten,
            new Tests(
                raw.stream().map(family -> family.get(at)).toList(),
                holm.stream().map(family -> family.get(at)).toList()));
      }
    }
    return byRewrite;
  }

  /**
   * What a rewrite is tested against: zero latents, zero output, the same latents zeroed, the
   * strongest floor.
   */
  private int[] floors(Variant.Rewritten rewritten) {
    return new int[] {
      baseline(RewriteResult.ZERO_LATENTS),
      baseline(RewriteResult.ZERO_OUTPUT),
      index(new Variant.ZeroSame(rewritten.chosen())),
      second()
    };
  }

  /** The second floor; without any that is a number, the first, whose figures are none either. */
  private int second() {
    return baseline(strongest.orElse(RewriteResult.ZERO_LATENTS));
  }

  /** The rivals' tests against the second floor, a family of their own. */
  private void testRivals(List<Variant> variants) {
    List<Variant> rivals =
        variants.stream().filter(Variant.WithoutWords.class::isInstance).toList();
    List<OptionalDouble> holm =
        HolmCorrection.adjust(
            rivals.stream().map(rival -> statistics.pValue(index(rival), second())).toList());
    for (int r = 0; r < rivals.size(); r++) {
      rivalTests.put(rivals.get(r), holm.get(r));
    }
  }

  private BeyondStrongest beyond(Variant variant, OptionalDouble p, OptionalDouble holm) {
    int index = index(variant);
    return new BeyondStrongest(
        statistics.lossRecovered(index, second()),
        statistics.lossRecoveredInterval(index, second()),
        p,
        holm);
  }

  private OptionalDouble fve(int index) {
    return statistics.varianceExplained(index, baseline(RewriteResult.MEAN_OUTPUT));
  }

  /** The table of an evaluation. */
  static RewriteResult of(
      RewriteInputs inputs,
      RewriteConfig config,
      List<Variant> variants,
      LossTable table,
      List<Integer> looks,
      Map<String, String> notFinite) {
    ResultTable made = new ResultTable(config, inputs.latents(), variants, table);
    Map<String, Baseline> baselines = new LinkedHashMap<>();
    List<Rival> rivals = new ArrayList<>();
    List<Rewrite> rewrites = new ArrayList<>();
    for (Variant variant : variants) {
      if (variant instanceof Variant.Base base) {
        baselines.put(base.name(), made.row(base));
      } else if (variant instanceof Variant.WithoutWords without) {
        rivals.add(made.row(without));
      } else if (variant instanceof Variant.Rewritten rewritten) {
        rewrites.add(made.row(rewritten));
      }
    }
    baselines.putIfAbsent(RewriteResult.SHUFFLED_EXPLANATIONS, Baseline.UNMEASURED);
    baselines.putIfAbsent(RewriteResult.SHUFFLED_UNREFITTED, Baseline.UNMEASURED);
    return new RewriteResult(
        inputs.hookpoint(),
        config.protocol(),
        table.windows(),
        made.statistics.documents(),
        table.totalTokens(),
        inputs.latents(),
        inputs.coder().config().k(),
        config,
        looks,
        notFinite,
        baselines,
        made.strongest,
        rivals,
        rewrites);
  }

  /** The rewrite that sums a table up ({@link HeadlineOrder}). */
  static Optional<Variant.Rewritten> headline(List<Variant> variants) {
    return variants.stream()
        .filter(Variant.Rewritten.class::isInstance)
        .map(Variant.Rewritten.class::cast)
        .min(
            Comparator.comparing(
                v ->
                    new HeadlineOrder(
                        v.chosen().fraction(),
                        v.reselect(),
                        v.calibration(),
                        v.chosen().selection().label())));
  }

  /** The interval of the headline's added cross-entropy over the windows so far. */
  static Optional<Interval> headlineInterval(
      RewriteConfig config, List<Variant> variants, LossTable table) {
    int clean = variants.indexOf(new Variant.Base(RewriteResult.UNSPLICED));
    return headline(variants)
        .flatMap(
            row -> {
              int index = variants.indexOf(row);
              return new LossStatistics(
                      table, clean, index, index, config.resamples(), config.seed())
                  .deltaInterval(index);
            });
  }

  private Baseline row(Variant.Base variant) {
    int index = index(variant);
    return new Baseline(
        statistics.ce(index),
        statistics.deltaMean(index),
        statistics.deltaInterval(index),
        statistics.deltaMedian(index),
        statistics.kl(index),
        fve(index));
  }

  private Rival row(Variant.WithoutWords variant) {
    int index = index(variant);
    return new Rival(
        variant.rival(),
        statistics.ce(index),
        statistics.deltaMean(index),
        statistics.deltaInterval(index),
        statistics.deltaMedian(index),
        statistics.kl(index),
        fve(index),
        statistics.lossRecovered(index),
        statistics.lossRecoveredInterval(index),
        beyond(
            variant,
            statistics.pValue(index, second()),
            Objects.requireNonNull(rivalTests.get(variant))));
  }

  private Rewrite row(Variant.Rewritten variant) {
    int index = index(variant);
    int zeroSame = index(new Variant.ZeroSame(variant.chosen()));
    Tests tested = Objects.requireNonNull(tests.get(variant));
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
        fve(index),
        statistics.lossRecovered(index),
        statistics.lossRecoveredInterval(index),
        tested.raw().get(0),
        tested.raw().get(1),
        statistics.ce(zeroSame),
        tested.raw().get(2),
        tested.holm().get(0),
        tested.holm().get(1),
        tested.holm().get(2),
        beyond(variant, tested.raw().get(3), tested.holm().get(3)));
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
