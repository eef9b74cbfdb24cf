package dev.palimpsest.rewrite;

import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The subject model with one module's output replaced at some positions. The untouched model runs
 * once a batch; every replacement then costs only the blocks after the hook and the head at the
 * replaced positions.
 *
 * <p>Where the module's output is simply added to the residual stream and read by nothing else in
 * its block (an MLP without a norm behind it, a whole layer), the block itself need not run again
 * either: its output is the old one with the addend exchanged. Whether that holds is not taken from
 * the architecture but tried out on the first batch.
 */
final class SplicedModel {
  /**
   * Largest difference, over the largest value, between the exchanged addend and the block run
   * again.
   */
  private static final double SAME = 1e-4;

  private final LanguageModel model;
  private final String hookpoint;
  private final boolean readsInput;
  private final int layer;
  private final String layerName;
  private final boolean wholeLayer;
  private Optional<Boolean> exchangeable = Optional.empty();

  /**
   * @param readsInput whether the coder reads the module's input (else its output)
   */
  SplicedModel(LanguageModel model, String hookpoint, boolean readsInput) {
    this.model = model;
    this.hookpoint = hookpoint;
    this.readsInput = readsInput;
    layer = model.layerOf(hookpoint);
    layerName = model.layerHookpoint(layer);
    wholeLayer = hookpoint.equals(layerName) || hookpoint.endsWith("." + layerName);
  }

  /**
   * Runs the untouched model.
   *
   * @param positions to be replaced and predicted from, in the flattened tokens, ascending [n]
   */
  Batch run(TokenBatch tokens, int[] positions) {
    HookPlan plan =
        new HookPlan()
            .tapInput(layerName)
            .tapOutput(layerName)
            .tapOutput(hookpoint)
            .tapOutput(lastLayer())
            .logits(false);
    if (readsInput) {
      plan.tapInput(hookpoint);
    }
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(tokens, plan)) {
      return new Batch(forward, positions);
    }
  }

  private String lastLayer() {
    return model.layerHookpoint(model.config().layers() - 1);
  }

  /** One batch of the untouched model, ready for replacements. */
  final class Batch implements AutoCloseable {
    private final Tensor index;
    private final Tensor input;
    private final Tensor output;
    private final Tensor before;
    private final Tensor after;
    private final Tensor last;

    private Batch(Forward forward, int[] positions) {
      index = Tensors.of(Arrays.stream(positions).asLongStream().toArray(), positions.length);
      Tensor moduleOutput = forward.output(hookpoint);
      output = Tensors.keep(rows(moduleOutput, index));
      input = Tensors.keep(readsInput ? rows(forward.input(hookpoint), index) : output.alias());
      before = Tensors.keep(forward.input(layerName).alias());
      after = Tensors.keep(forward.output(layerName).alias());
      last = Tensors.keep(rows(forward.output(lastLayer()), index));
      if (exchangeable.isEmpty()) {
        exchangeable = Optional.of(wholeLayer || addendCanBeExchanged(moduleOutput));
      }
    }

    /** What the coder reads at the replaced positions [n, d]. */
    Tensor input() {
      return input;
    }

    /** The module's own output at the replaced positions [n, d]. */
    Tensor output() {
      return output;
    }

    /**
     * The untouched model's predictions at the replaced positions; the caller closes them.
     *
     * @param targets [n]
     */
    CleanPredictions predictions(long[] targets) {
      List<CleanPredictions> made = new ArrayList<>(1);
      head(last, logits -> made.add(new CleanPredictions(logits, targets)));
      return made.get(0);
    }

    /**
     * Hands over the logits at the replaced positions [n, V] under a replacement.
     *
     * @param replacement of the module's output at those positions [n, d]
     */
    void logits(Tensor replacement, Consumer<Tensor> use) {
      try (PointerScope scope = new PointerScope()) {
        Tensor hidden = exchangeable.orElseThrow() ? exchanged(replacement) : rerun(replacement);
        if (layer + 1 == model.config().layers()) {
          head(rows(hidden, index), use);
          return;
        }
        HookPlan plan = new HookPlan().tapOutput(lastLayer()).logits(false);
        try (Forward forward = model.forwardFrom(layer + 1, hidden, plan)) {
          head(rows(forward.output(lastLayer()), index), use);
        }
      }
    }

    /** The block's output with the module's addend exchanged [R, T, d]. */
    private Tensor exchanged(Tensor replacement) {
      Tensor put = wholeLayer ? replacement : rows(after, index).sub_(output).add_(replacement);
      return flat(after).index_copy(0, index, put).view(after.shape());
    }

    /** The block run again with the module's output replaced [R, T, d]. */
    private Tensor rerun(Tensor replacement) {
      HookPlan plan =
          new HookPlan()
              .splice(
                  hookpoint,
                  (in, out) -> flat(out).index_copy(0, index, replacement).view(out.shape()))
              .tapOutput(layerName)
              .logits(false);
      try (Forward forward = model.forwardFrom(layer, before, plan)) {
        return forward.output(layerName).alias();
      }
    }

    private boolean addendCanBeExchanged(Tensor moduleOutput) {
      HookPlan plan =
          new HookPlan()
              .splice(hookpoint, (in, out) -> torch.zeros_like(out))
              .tapOutput(layerName)
              .logits(false);
      try (Forward forward = model.forwardFrom(layer, before, plan)) {
        Tensor expected = forward.output(layerName);
        Tensor difference = after.sub(moduleOutput).sub_(expected);
        return largest(difference) <= SAME * largest(expected);
      }
    }

    private void head(Tensor hidden, Consumer<Tensor> use) {
      long rows = hidden.size(0);
      try (PointerScope scope = new PointerScope();
          Forward forward =
              model.forwardFrom(
                  model.config().layers(), hidden.view(1, rows, hidden.size(1)), new HookPlan())) {
        use.accept(flat(forward.logits()));
      }
    }

    @Override
    public void close() {
      index.close();
      input.close();
      output.close();
      before.close();
      after.close();
      last.close();
    }
  }

  /** Rows of [R, T, d], flattened: [n, d]. */
  static Tensor rows(Tensor hidden, Tensor index) {
    return flat(hidden).index_select(0, index);
  }

  private static Tensor flat(Tensor hidden) {
    return hidden.view(-1, hidden.size(-1));
  }

  private static double largest(Tensor tensor) {
    return tensor.abs().max().item_float();
  }
}
