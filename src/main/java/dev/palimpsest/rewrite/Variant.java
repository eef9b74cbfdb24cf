package dev.palimpsest.rewrite;

import dev.palimpsest.base.UsageException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One thing to put in the hooked module's place, measured on the same tokens as all others. */
sealed interface Variant {
  /** Unique, stable name: row label of the per-window losses. */
  String name();

  /** One of the baselines named in {@link RewriteResult}. */
  record Base(String name) implements Variant {}

  /** The latents S zeroed, the rest true: the floor of every rewrite of the same S. */
  record ZeroSame(ChosenLatents chosen) implements Variant {
    @Override
    public String name() {
      return "zero_same/" + chosen.name();
    }
  }

  /** The latents S predicted, the rest true; optionally the k largest kept again. */
  record Rewritten(String calibration, ChosenLatents chosen, boolean reselect) implements Variant {
    @Override
    public String name() {
      return calibration + "/" + chosen.name() + (reselect ? "/reselect" : "");
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
  }

  /** The index of every variant of an evaluation by its name, in the order of measurement. */
  static Map<Variant, Integer> all(RewriteConfig config, int latents, boolean shuffled) {
    List<Variant> variants = new ArrayList<>();
    variants.add(new Base(RewriteResult.UNSPLICED));
    variants.add(new Base(RewriteResult.TRANSCODER));
    variants.add(new Base(RewriteResult.ZERO_LATENTS));
    variants.add(new Base(RewriteResult.ZERO_OUTPUT));
    variants.add(new Base(RewriteResult.MEAN_OUTPUT));
    variants.add(new Base(RewriteResult.MEAN_LATENTS));
    variants.add(new Base(RewriteResult.RANDOM_LATENTS));
    if (shuffled) {
      variants.add(new Base(RewriteResult.SHUFFLED_EXPLANATIONS));
    }
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
    Map<Variant, Integer> indices = new LinkedHashMap<>();
    for (Variant variant : variants) {
      if (indices.putIfAbsent(variant, indices.size()) != null) {
        throw new UsageException("rewrite: the variant " + variant.name() + " is asked for twice");
      }
    }
    return indices;
  }
}
