package dev.palimpsest.evaluate;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.KeyValues;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.Splice;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * The subject model with one module's output replaced at some positions. The untouched model runs
 * once a batch; every replacement then costs only the blocks after the hook and the head at the
 * replaced positions, and replacements of different kinds and sequences share a pass.
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
      return new Batch(forward, tokens, positions, past, lastAlone ? tokens.length() - 1 : 0);
    }
  }

  /**
   * The first block of the untouched model whose output has a number that is not finite.
   *
   * @return its hookpoint; empty where there is none, so that it must be the head
   */
  public Optional<String> firstNotFinite(TokenBatch tokens) {
    List<String> blocks =
        IntStream.range(0, model.config().layers()).mapToObj(model::layerHookpoint).toList();
    HookPlan plan = new HookPlan().logits(false);
    blocks.forEach(plan::tapOutput);
    try (Forward forward = model.forward(tokens, plan)) {
      return blocks.stream().filter(name -> !finite(forward.output(name))).findFirst();
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
    private final TokenBatch tokens;
    private final int[] positions;
    private final int[] firstRow;
    private final KeyValues past;
    private final int offset;
    private final Tensor input;
    private final Tensor output;
    private final Tensor before;
    private final Tensor after;
    private final Tensor rest;
    private final Tensor last;

    /**
     * @param offset where above 0, each row's last position alone is run again, after so many
     *     remembered ones
     */
    private Batch(Forward forward, TokenBatch tokens, int[] positions, KeyValues past, int offset) {
      this.tokens = tokens;
      this.positions = positions;
      this.past = past;
      this.offset = offset;
      firstRow = firstRows(tokens, positions);
      try (Tensor replaced = index(positions)) {
        output = Tensors.keep(rows(forward.output(hookpoint), replaced));
        input =
            Tensors.keep(readsInput ? rows(forward.input(hookpoint), replaced) : output.alias());
        last = Tensors.keep(rows(forward.output(lastLayer()), replaced));
        before = Tensors.keep(again(forward.input(layerName), replaced));
        after = Tensors.keep(again(forward.output(layerName), replaced));
        rest = Tensors.keep(rows(forward.output(layerName), replaced).sub_(output));
        if (exchangeable.isEmpty()) {
          exchangeable =
              Optional.of(
                  wholeLayer || addendCanBeExchanged(again(forward.output(hookpoint), replaced)));
        }
      }
    }

    private Tensor index(int[] values) {
      return model.device().of(Arrays.stream(values).asLongStream().toArray(), values.length);
    }

    /** The part of [R, T, d] that is run again: all, or [n, 1, d] of the last positions. */
    private Tensor again(Tensor hidden, Tensor replaced) {
      return offset == 0 ? hidden.alias() : rows(hidden, replaced).unsqueeze(1);
    }

    /** What the coder reads at the replaced positions [n, d]. */
    public Tensor input() {
      return input;
    }

    /** What the module puts out at the replaced positions [n, d]. */
    public Tensor output() {
      return output;
    }

    /** Sequences of the batch, R. */
    public int sequences() {
      return tokens.rows();
    }

    /** The first of a sequence's replaced positions, 0 to n; that of sequence R is n. */
    public int firstRow(int sequence) {
      return firstRow[sequence];
    }

    /**
     * The untouched model's predictions at the replaced positions; the caller closes them.
     *
     * @param targets [n]
     */
    public CleanPredictions predictions(long[] targets) {
      Optional<DenseLayer> head = model.headLayer();
      return head.isPresent()
          ? FusedPredictions.of(model, head.get(), last, targets)
          : HeldPredictions.of(model, last, targets);
    }

    /**
     * Measures the model with the module's output replaced, in any number of sequences at once; a
     * sequence may come several times, with a replacement each time.
     *
     * @param sequences which of the batch's [J]
     * @param replacement of the module's output at those sequences' replaced positions, one
     *     sequence after the other [m, d]
     * @param clean of this batch
     * @param sink hears of rows 0 to m - 1
     */
    public void losses(
        int[] sequences, Tensor replacement, CleanPredictions clean, CleanPredictions.Sink sink) {
      pass(
          sequences,
          replacement,
          new HookPlan(),
          (hidden, rows) -> clean.losses(hidden, rows, sink));
    }

    /**
     * Measures the model run whole with modules replaced, this one's and others'.
     *
     * @param splices by hookpoint
     * @param clean of this batch
     * @param sink hears of rows 0 to n - 1
     */
    public void losses(
        Map<String, Splice> splices, CleanPredictions clean, CleanPredictions.Sink sink) {
      HookPlan plan = new HookPlan().logits(false).tapOutput(lastLayer());
      splices.forEach(plan::splice);
      try (PointerScope scope = new PointerScope();
          Tensor places = index(positions);
          Forward forward = model.forward(tokens, plan)) {
        clean.losses(
            rows(forward.output(lastLayer()), places),
            IntStream.range(0, positions.length).toArray(),
            sink);
      }
    }

    /**
     * The first module behind the replacement whose output has a number that is not finite.
     *
     * @param sequence in which it is replaced
     * @param replacement at that sequence's replaced positions [m, d]
     * @return its hookpoint; empty where there is none, so that it must be the head
     */
    public Optional<String> firstNotFinite(int sequence, Tensor replacement) {
      if (!finite(replacement)) {
        return Optional.of(hookpoint);
      }
      List<String> behind = new ArrayList<>();
      HookPlan plan = new HookPlan();
      for (int l = layer + 1; l < model.config().layers(); l++) {
        behind.add(model.layerHookpoint(l));
        plan.tapOutput(model.layerHookpoint(l));
      }
      List<String> found = new ArrayList<>();
      try (PointerScope scope = new PointerScope();
          Tensor one = index(new int[] {sequence})) {
        int[] rows = IntStream.range(firstRow(sequence), firstRow(sequence + 1)).toArray();
        Tensor hidden = replaced(new int[] {sequence}, one, rows, replacement, plan());
        if (!finite(hidden)) {
          return Optional.of(layerName);
        }
        if (!behind.isEmpty()) {
          try (KeyValues seen = past.rows(one);
              Forward forward = model.forwardFrom(layer + 1, hidden, recalling(plan, seen))) {
            behind.stream().filter(name -> !finite(forward.output(name))).forEach(found::add);
          }
        }
      }
      return found.stream().findFirst();
    }

    /** Hands over the last block's output at the replaced positions, and which those are. */
    private void pass(
        int[] sequences, Tensor replacement, HookPlan plan, BiConsumer<Tensor, int[]> use) {
      int[] rows =
          Arrays.stream(sequences)
              .flatMap(s -> IntStream.range(firstRow(s), firstRow(s + 1)))
              .toArray();
      try (PointerScope scope = new PointerScope();
          Tensor chosen = index(sequences);
          Tensor places = index(places(sequences));
          KeyValues seen = past.rows(chosen)) {
        Tensor hidden = replaced(sequences, chosen, rows, replacement, plan());
        if (layer + 1 == model.config().layers()) {
          use.accept(rows(hidden, places), rows);
          return;
        }
        plan.logits(false).tapOutput(lastLayer());
        try (Forward forward = model.forwardFrom(layer + 1, hidden, recalling(plan, seen))) {
          use.accept(rows(forward.output(lastLayer()), places), rows);
        }
      }
    }

    private HookPlan plan() {
      return new HookPlan().logits(false);
    }

    private HookPlan recalling(HookPlan plan, KeyValues seen) {
      return offset == 0 ? plan : plan.recall(seen, offset);
    }

    /** Where the replaced positions of sequences lie in what is run again of those, flattened. */
    private int[] places(int[] sequences) {
      return IntStream.range(0, sequences.length)
          .flatMap(
              j ->
                  IntStream.range(firstRow(sequences[j]), firstRow(sequences[j] + 1))
                      .map(r -> placeOf(r, sequences[j], j)))
          .toArray();
    }

    private int placeOf(int row, int sequence, int at) {
      return offset > 0 ? at : positions[row] + (at - sequence) * tokens.length();
    }

    /**
     * The block's output with the module's replaced, in what is run again of some sequences.
     *
     * @param chosen the sequences as a tensor
     * @param rows their replaced positions, 0 to n - 1
     */
    private Tensor replaced(
        int[] sequences, Tensor chosen, int[] rows, Tensor replacement, HookPlan plan) {
      try (Tensor places = index(places(sequences));
          Tensor wanted = index(rows)) {
        if (exchangeable.orElseThrow()) {
          Tensor put = wholeLayer ? replacement : rest.index_select(0, wanted).add_(replacement);
          Tensor hidden = after.index_select(0, chosen);
          flat(hidden).index_copy_(0, places, put);
          return hidden;
        }
        plan.splice(
                hookpoint,
                (in, out) -> flat(out).index_copy(0, places, replacement).view(out.shape()))
            .tapOutput(layerName);
        try (KeyValues seen = past.rows(chosen);
            Forward forward =
                model.forwardFrom(layer, before.index_select(0, chosen), recalling(plan, seen))) {
          return forward.output(layerName).alias();
        }
      }
    }

    private boolean addendCanBeExchanged(Tensor moduleOutput) {
      HookPlan plan =
          recalling(plan(), past)
              .splice(hookpoint, (in, out) -> torch.zeros_like(out))
              .tapOutput(layerName);
      try (Forward forward = model.forwardFrom(layer, before, plan)) {
        Tensor expected = forward.output(layerName);
        Tensor difference = after.sub(moduleOutput).sub_(expected);
        return largest(difference) <= SAME * largest(expected);
      }
    }

    @Override
    public void close() {
      past.close();
      input.close();
      output.close();
      before.close();
      after.close();
      rest.close();
      last.close();
    }
  }

  /** By sequence, the first of its positions among all; their number at the end. */
  private static int[] firstRows(TokenBatch tokens, int[] positions) {
    int[] first = new int[tokens.rows() + 1];
    for (int position : positions) {
      first[position / tokens.length() + 1]++;
    }
    Arrays.parallelPrefix(first, Integer::sum);
    return first;
  }

  /** Rows of [R, T, d], flattened: [n, d]. */
  public static Tensor rows(Tensor hidden, Tensor index) {
    return flat(hidden).index_select(0, index);
  }

  private static Tensor flat(Tensor hidden) {
    return hidden.view(-1, hidden.size(-1));
  }

  private static boolean finite(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Double.isFinite(tensor.abs().sum().item_float());
    }
  }

  private static double largest(Tensor tensor) {
    return tensor.abs().max().item_float();
  }
}
