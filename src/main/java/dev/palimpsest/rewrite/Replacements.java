package dev.palimpsest.rewrite;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.results.RewriteResult;
import dev.palimpsest.results.Selection;
import dev.palimpsest.rewrite.Variant.ChosenLatents;
import dev.palimpsest.rivals.Rival;
import dev.palimpsest.simulate.LatentPredictor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What each variant puts in place of the hooked module's output. What does not depend on the text
 * (who is in S, the decoded defaults) is prepared once; the rest is sparse and bounded by the
 * batch.
 */
final class Replacements {
  /** Rows decoded at a time: one long row widens only its own block. */
  private static final int BLOCK = 1024;

  private final RewriteInputs inputs;
  private final long seed;
  private final SparseCoder coder;
  private final int width;
  private final LatentMixer mixer;
  private final Map<Selection, int[]> orders = new HashMap<>();
  private final Map<String, GuessDefaults> defaults = new HashMap<>();
  private final SparseRows mixture = new SparseRows();
  private float[] values = new float[0];
  private int[] latents = new int[0];

  /** Makes one variant's replacement for a batch. */
  @FunctionalInterface
  interface Recipe {
    /** The replacement [n, d]; the caller closes it. */
    Tensor make(BatchLatents batch);
  }

  Replacements(RewriteInputs inputs, long seed) {
    this.inputs = inputs;
    this.seed = seed;
    coder = inputs.coder();
    width = coder.config().width();
    mixer = new LatentMixer(inputs.latents(), coder.config().k());
    for (Selection selection : Selection.values()) {
      orders.put(
          selection, LatentSelection.order(selection, inputs.scores(), inputs.latents(), seed));
    }
  }

  /** How to make a variant's replacement; {@link RewriteResult#UNSPLICED} has none. */
  Recipe recipe(Variant variant) {
    if (variant instanceof Variant.ZeroSame zero) {
      return zeroing(members(zero.chosen()));
    }
    if (variant instanceof Variant.Rewritten rewritten) {
      return rewrite(rewritten);
    }
    if (variant instanceof Variant.WithoutWords without) {
      return rival(Objects.requireNonNull(inputs.rivals().get(without.rival())));
    }
    return switch (variant.name()) {
      case RewriteResult.TRANSCODER -> zeroing(new boolean[inputs.latents()]);
      case RewriteResult.ZERO_LATENTS -> zeroing(all());
      case RewriteResult.ZERO_OUTPUT -> batch -> constant(batch, new float[width]);
      case RewriteResult.MEAN_OUTPUT -> batch -> constant(batch, inputs.means().output());
      case RewriteResult.MEAN_LATENTS -> meanLatents();
      case RewriteResult.RANDOM_LATENTS ->
          batch -> {
            mixer.scatter(batch.truth(), batch.keys(), seed, mixture);
            return decode(batch, Optional.empty());
          };
      case RewriteResult.SHUFFLED_EXPLANATIONS ->
          mixing(inputs.shuffled().orElseThrow().refitted(), all(), variant.name(), false);
      case RewriteResult.SHUFFLED_UNREFITTED ->
          mixing(inputs.shuffled().orElseThrow().unrefitted(), all(), variant.name(), false);
      case RewriteResult.SHUFFLED_JOINT ->
          mixing(
              inputs.shuffled().orElseThrow().joint().orElseThrow(), all(), variant.name(), false);
      case RewriteResult.PARAPHRASED ->
          mixing(
              inputs.shuffled().orElseThrow().paraphrased().orElseThrow(),
              all(),
              variant.name(),
              false);
      default -> throw new IllegalArgumentException("no replacement for " + variant.name());
    };
  }

  private Recipe zeroing(boolean[] zeroed) {
    return batch -> {
      mixer.zero(batch.truth(), zeroed, mixture);
      return decode(batch, Optional.empty());
    };
  }

  private Recipe rival(Rival rival) {
    return batch -> {
      mixer.zero(batch.truth(), all(), mixture);
      Tensor out = decode(batch, Optional.empty());
      try (Tensor predicted =
          coder.device().of(batch.predictions(rival, width), batch.truth().rows(), width)) {
        out.add_(predicted);
      }
      return out;
    };
  }

  private Recipe meanLatents() {
    GuessDefaults means =
        new GuessDefaults(
            inputs.means().latents(), new float[0], all(), width, coder::frozenDecoderRow);
    return batch -> {
      mixer.zero(batch.truth(), all(), mixture);
      return decode(batch, Optional.of(means.output()));
    };
  }

  private Recipe rewrite(Variant.Rewritten variant) {
    LatentPredictor predictor =
        Optional.ofNullable(inputs.predictors().get(variant.calibration()))
            .orElseThrow(
                () ->
                    new UsageException(
                        "rewrite: there is no calibration '"
                            + variant.calibration()
                            + "', expected one of "
                            + inputs.predictors().keySet()));
    return mixing(
        predictor,
        members(variant.chosen()),
        variant.calibration() + "/" + variant.chosen().name(),
        variant.reselect());
  }

  /**
   * @param key names predictor and S, for what variants with and without re-selection share
   */
  private Recipe mixing(LatentPredictor predictor, boolean[] chosen, String key, boolean reselect) {
    if (predictor.latents() != inputs.latents()) {
      throw new UsageException(
          "rewrite: a predictor of "
              + predictor.latents()
              + " latents for a coder of "
              + inputs.latents());
    }
    GuessDefaults constant =
        defaults.computeIfAbsent(
            key,
            k ->
                new GuessDefaults(
                    predictor.defaults(),
                    predictor.offsets(),
                    chosen,
                    width,
                    coder::frozenDecoderRow));
    return batch -> {
      if (reselect) {
        mixer.mixAndReselect(batch.truth(), batch.guesses(predictor), constant, mixture);
        return decode(batch, constant.offset());
      }
      mixer.mix(batch.truth(), batch.guesses(predictor), constant, mixture);
      return decode(batch, Optional.of(constant.output()));
    };
  }

  private boolean[] members(ChosenLatents chosen) {
    return LatentSelection.members(
        orders.getOrDefault(chosen.selection(), new int[0]), chosen.count());
  }

  private boolean[] all() {
    boolean[] all = new boolean[inputs.latents()];
    Arrays.fill(all, true);
    return all;
  }

  private Tensor constant(BatchLatents batch, float[] row) {
    int rows = batch.truth().rows();
    return coder.device().of(repeat(row, rows), rows, width);
  }

  /**
   * The mixture decoded: mixture · W_dec + b_dec (+ W_skip x).
   *
   * @param addend a row added to every row [d]
   */
  private Tensor decode(BatchLatents batch, Optional<float[]> addend) {
    int rows = mixture.rows();
    Tensor out = coder.device().empty(torch.ScalarType.Float, rows, width);
    FloatPointer x = coder.device().data(batch.input());
    FloatPointer y = coder.device().data(out);
    for (int from = 0; from < rows; from += BLOCK) {
      int to = Math.min(rows, from + BLOCK);
      long offset = (long) from * width;
      decodeBlock(from, to, Addresses.from(x, offset), Addresses.from(y, offset));
    }
    if (addend.isPresent()) {
      try (Tensor row = coder.device().of(addend.get(), width)) {
        out.add_(row);
      }
    }
    return out;
  }

  private void decodeBlock(int from, int to, FloatPointer x, FloatPointer y) {
    int slots = Math.max(1, mixture.width(from, to));
    int size = (to - from) * slots;
    if (values.length < size) {
      values = new float[size];
      latents = new int[size];
    }
    mixture.pad(from, to, slots, values, latents);
    try (SparseActivations block =
        new SparseActivations(coder.device().memory(), to - from, slots)) {
      block.set(values, latents, to - from);
      coder.decode(block, x, y);
    }
  }

  private static float[] repeat(float[] row, int times) {
    float[] rows = new float[row.length * times];
    for (int r = 0; r < times; r++) {
      System.arraycopy(row, 0, rows, r * row.length, row.length);
    }
    return rows;
  }
}
