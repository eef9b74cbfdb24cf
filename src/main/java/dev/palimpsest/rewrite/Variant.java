package dev.palimpsest.rewrite;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** One thing to put in the hooked module's place, measured on the same tokens as all others. */
sealed interface Variant {
  /** Unique, stable name: row label of the per-window losses. */
  String name();

  /** What is computed: variants of equal value here have equal losses and are measured once. */
  default String computation(int latents) {
    return name();
  }

  /** One of the baselines named in {@link RewriteResult}. */
  record Base(String name) implements Variant {}

  /** The coder's bias and skip, and on top what a rival predicts, which uses no words. */
  record WithoutWords(String rival) implements Variant {
    @Override
    public String name() {
      return "rival/" + rival;
    }
  }

  /** The latents S zeroed, the rest true: the floor of every rewrite of the same S. */
  record ZeroSame(ChosenLatents chosen) implements Variant {
    @Override
    public String name() {
      return "zero_same/" + chosen.name();
    }

    @Override
    public String computation(int latents) {
      return chosen.count() == latents
          ? RewriteResult.ZERO_LATENTS
          : "zero_same/" + chosen.computation(latents);
    }
  }

  /** The latents S predicted, the rest true; optionally the k largest kept again. */
  record Rewritten(String calibration, ChosenLatents chosen, boolean reselect) implements Variant {
    @Override
    public String name() {
      return calibration + "/" + chosen.name() + (reselect ? "/reselect" : "");
    }

    @Override
    public String computation(int latents) {
      return calibration + "/" + chosen.computation(latents) + (reselect ? "/reselect" : "");
    }
  }

  /**
   * A set S of latents to rewrite.
   *
   * @param selection how it was chosen
   * @param fraction f
   * @param count |S|
   */
  record ChosenLatents(Selection selection, double fraction, int count) {
    String name() {
      return selection.label() + "/" + fraction;
    }

    /** Which set it is: all latents are the same set however chosen. */
    String computation(int latents) {
      return (count == latents ? "all" : selection.label()) + "/" + count;
    }
  }

  /** Baselines of exchanged and of paraphrased explanations, in the order of measurement. */
  List<String> SHUFFLED =
      List.of(
          RewriteResult.SHUFFLED_EXPLANATIONS,
          RewriteResult.SHUFFLED_UNREFITTED,
          RewriteResult.SHUFFLED_JOINT,
          RewriteResult.PARAPHRASED);

  /**
   * The variants of an evaluation in the order of measurement, un-spliced first.
   *
   * @param shuffled which baselines of exchanged explanations there are
   * @param rivals labels of what is measured that uses no words
   */
  static List<Variant> all(
      RewriteConfig config, int latents, Set<String> shuffled, Collection<String> rivals) {
    List<Variant> variants = new ArrayList<>();
    variants.add(new Base(RewriteResult.UNSPLICED));
    variants.add(new Base(RewriteResult.TRANSCODER));
    variants.add(new Base(RewriteResult.ZERO_LATENTS));
    variants.add(new Base(RewriteResult.ZERO_OUTPUT));
    variants.add(new Base(RewriteResult.MEAN_OUTPUT));
    variants.add(new Base(RewriteResult.MEAN_LATENTS));
    variants.add(new Base(RewriteResult.RANDOM_LATENTS));
    SHUFFLED.stream().filter(shuffled::contains).map(Base::new).forEach(variants::add);
    rivals.stream().map(WithoutWords::new).forEach(variants::add);
    for (Selection selection : config.selections()) {
      for (double fraction : config.fractions()) {
        ChosenLatents chosen =
            new ChosenLatents(selection, fraction, LatentSelection.count(fraction, latents));
        variants.add(new ZeroSame(chosen));
        for (String calibration : config.calibrations()) {
          for (boolean reselect : config.reselect()) {
            variants.add(new Rewritten(calibration, chosen, reselect));
          }
        }
      }
    }
    Set<Variant> distinct = new HashSet<>();
    for (Variant variant : variants) {
      if (!distinct.add(variant)) {
        throw new UsageException("rewrite: the variant " + variant.name() + " is asked for twice");
      }
    }
    return variants;
  }
}
