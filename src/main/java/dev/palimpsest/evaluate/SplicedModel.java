package dev.palimpsest.evaluate;

import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.KeyValues;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
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
public final class SplicedModel {
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
  public SplicedModel(LanguageModel model, String hookpoint, boolean readsInput) {
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
  public Batch run(TokenBatch tokens, int[] positions) {
    KeyValues past = new KeyValues(layer);
    boolean lastAlone = isLastAlone(tokens, positions);
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
    if (lastAlone) {
      plan.remember(past);
    }
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(tokens, plan)) {
      return new Batch(forward, positions, past, lastAlone ? tokens.length() - 1 : 0);
    }
  }

  /** Whether in every row exactly the last position is to be replaced. */
  private static boolean isLastAlone(TokenBatch tokens, int[] positions) {
    return tokens.length() > 1
        && positions.length == tokens.rows()
        && IntStream.range(0, positions.length)
            .allMatch(row -> positions[row] == (row + 1) * tokens.length() - 1);
  }

  private String lastLayer() {
    return model.layerHookpoint(model.config().layers() - 1);
  }

  /** One batch of the untouched model, ready for replacements. */
  public final class Batch implements AutoCloseable {
    private final KeyValues past;
    private final int offset;
    private final Tensor index;
    private final Tensor input;
    private final Tensor output;
    private final Tensor before;
    private final Tensor after;
    private final Tensor last;

    /**
     * @param offset where above 0, each row's last position alone is run again, after so many
     *     remembered ones
     */
    private Batch(Forward forward, int[] positions, KeyValues past, int offset) {
      this.past = past;
      this.offset = offset;
      Tensor replaced = index(Arrays.stream(positions));
      output = Tensors.keep(rows(forward.output(hookpoint), replaced));
      input = Tensors.keep(readsInput ? rows(forward.input(hookpoint), replaced) : output.alias());
      last = Tensors.keep(rows(forward.output(lastLayer()), replaced));
      before = Tensors.keep(again(forward.input(layerName), replaced));
      after = Tensors.keep(again(forward.output(layerName), replaced));
      if (exchangeable.isEmpty()) {
        exchangeable =
            Optional.of(
                wholeLayer || addendCanBeExchanged(again(forward.output(hookpoint), replaced)));
      }
      if (offset > 0) {
        replaced.close();
        replaced = index(IntStream.range(0, positions.length));
      }
      index = replaced;
    }

    private Tensor index(IntStream positions) {
      long[] wide = positions.asLongStream().toArray();
      return model.device().of(wide, wide.length);
    }

    /** The part of [R, T, d] that is run again: all, or [n, 1, d] of the last positions. */
    private Tensor again(Tensor hidden, Tensor replaced) {
      return offset == 0 ? hidden.alias() : rows(hidden, replaced).unsqueeze(1);
    }

    private HookPlan plan() {
      HookPlan plan = new HookPlan().logits(false);
      return offset == 0 ? plan : plan.recall(past, offset);
    }

    /** What the coder reads at the replaced positions [n, d]. */
    public Tensor input() {
      return input;
    }

    /**
     * The untouched model's predictions at the replaced positions; the caller closes them.
     *
     * @param targets [n]
     */
    public CleanPredictions predictions(long[] targets) {
      List<CleanPredictions> made = new ArrayList<>(1);
      head(last, logits -> made.add(new CleanPredictions(logits, targets, model.device())));
      return made.get(0);
    }

    /**
     * Hands over the logits at the replaced positions [n, V] under a replacement.
     *
     * @param replacement of the module's output at those positions [n, d]
     */
    public void logits(Tensor replacement, Consumer<Tensor> use) {
      try (PointerScope scope = new PointerScope()) {
        Tensor hidden = exchangeable.orElseThrow() ? exchanged(replacement) : rerun(replacement);
        if (layer + 1 == model.config().layers()) {
          head(rows(hidden, index), use);
          return;
        }
        HookPlan plan = plan().tapOutput(lastLayer());
        try (Forward forward = model.forwardFrom(layer + 1, hidden, plan)) {
          head(rows(forward.output(lastLayer()), index), use);
        }
      }
    }

    /** The block's output with the module's addend exchanged (what is run again of it). */
    private Tensor exchanged(Tensor replacement) {
      Tensor put = wholeLayer ? replacement : rows(after, index).sub_(output).add_(replacement);
      return flat(after).index_copy(0, index, put).view(after.shape());
    }

    /** The block run again with the module's output replaced (likewise). */
    private Tensor rerun(Tensor replacement) {
      HookPlan plan =
          plan()
              .splice(
                  hookpoint,
                  (in, out) -> flat(out).index_copy(0, index, replacement).view(out.shape()))
              .tapOutput(layerName);
      try (Forward forward = model.forwardFrom(layer, before, plan)) {
        return forward.output(layerName).alias();
      }
    }

    private boolean addendCanBeExchanged(Tensor moduleOutput) {
      HookPlan plan =
          plan().splice(hookpoint, (in, out) -> torch.zeros_like(out)).tapOutput(layerName);
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
      past.close();
      index.close();
      input.close();
      output.close();
      before.close();
      after.close();
      last.close();
    }
  }

  /** Rows of [R, T, d], flattened: [n, d]. */
  public static Tensor rows(Tensor hidden, Tensor index) {
    return flat(hidden).index_select(0, index);
  }

  private static Tensor flat(Tensor hidden) {
    return hidden.view(-1, hidden.size(-1));
  }

  private static double largest(Tensor tensor) {
    return tensor.abs().max().item_float();
  }
}
