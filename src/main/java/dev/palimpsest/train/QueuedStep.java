package dev.palimpsest.train;

import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.KernelGraph;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.StepKernels;
import dev.palimpsest.kernels.UpdateRule;
import dev.palimpsest.kernels.Workspace;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A whole training step on a GPU, queued without waiting for it: encode, decoder and loss, the
 * record, backward with update. A step whose arrays and number of rows come again is captured as a
 * graph, and from then on queued with one call; only learning rate and t are written anew, and the
 * bits stay the same. Excluded tokens make the number of rows differ from batch to batch, so
 * several graphs are kept.
 */
final class QueuedStep implements AutoCloseable {
  /** Shapes of batches that are remembered, each with a graph from its second batch on. */
  static final int MOST_SHAPES = 32;

  private final SparseCoder coder;
  private final OptimizerState state;
  private final StepKernels kernels;
  private final QueuedRecord record;
  private final DoublePointer sums;
  private final NativeArrays memory;
  private final Pointer rule;
  private final Map<Call, Optional<KernelGraph>> graphs = new Graphs();
  private long replays;

  /**
   * What to work on.
   *
   * @param batch its input, its number of rows, and memory for its latents and gradient, which are
   *     overwritten
   * @param y target [rows, d]
   * @param normalizeAfter whether the decoder's rows are brought to unit norm for the next forward
   */
  record Work(Update.Batch batch, FloatPointer y, boolean normalizeAfter) {}

  /**
   * All that a step's kernels are called with and that may differ from step to step: what has the
   * same call can have the same graph.
   */
  private record Call(
      long x,
      long y,
      long rows,
      long values,
      long indices,
      long gradient,
      long workspace,
      long workspaceBytes,
      boolean normalizeAfter) {
    static Call of(Work work, Workspace workspace) {
      SparseActivations latents = work.batch().latents();
      return new Call(
          Addresses.of(work.batch().x()),
          Addresses.of(work.y()),
          latents.rows(),
          Addresses.of(latents.values()),
          Addresses.of(latents.indices()),
          Addresses.of(work.batch().gradient()),
          workspace.address(),
          workspace.bytes(),
          work.normalizeAfter());
    }
  }

  /** Forgets the shape that has not been met for longest. */
  private static final class Graphs extends LinkedHashMap<Call, Optional<KernelGraph>> {
    private static final long serialVersionUID = 1;

    Graphs() {
      super(16, 0.75f, true);
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<Call, Optional<KernelGraph>> eldest) {
      boolean tooMany = size() > MOST_SHAPES;
      if (tooMany) {
        eldest.getValue().ifPresent(KernelGraph::close);
      }
      return tooMany;
    }
  }

  /**
   * @param sums [2], where a batch's loss is left
   */
  QueuedStep(
      SparseCoder coder,
      OptimizerState state,
      StepKernels kernels,
      QueuedRecord record,
      DoublePointer sums) {
    this.coder = coder;
    this.state = state;
    this.kernels = kernels;
    this.record = record;
    this.sums = sums;
    this.memory = new NativeArrays(kernels.coder().memory());
    this.rule = memory.bytes(kernels.ruleBytes());
  }

  /**
   * Queues a step.
   *
   * @param update its constants
   */
  void run(Work work, UpdateRule update) {
    kernels.writeRule(update, rule);
    Call call = Call.of(work, coder.workspace());
    if (graphs.containsKey(call)) {
      KernelGraph graph =
          graphs.get(call).orElseGet(() -> kernels.capture(captured -> queue(captured, work)));
      graphs.put(call, Optional.of(graph));
      graph.replay();
      replays++;
    } else {
      queue(kernels, work);
      graphs.put(Call.of(work, coder.workspace()), Optional.empty());
    }
    record.queued(work.batch().latents().rows());
  }

  private void queue(StepKernels to, Work work) {
    FloatPointer x = work.batch().x();
    FloatPointer gradient = work.batch().gradient();
    SparseActivations z = work.batch().latents();
    Optional<FloatPointer> skipInput =
        coder.config().skipConnection() ? Optional.of(x) : Optional.empty();
    to.coder()
        .encode(
            coder.handle(),
            x,
            z.rows(),
            z.k(),
            coder.config().activation(),
            z.values(),
            z.indices(),
            coder.workspace());
    to.coder()
        .decodeLoss(
            coder.handle(),
            skipInput,
            work.y(),
            z.rows(),
            z.k(),
            z.values(),
            z.indices(),
            gradient,
            sums,
            coder.workspace());
    record.queue(to, z, sums);
    to.step(
        coder.handle(),
        state.firstArrays(),
        state.secondArrays(),
        x,
        gradient,
        z.rows(),
        z.k(),
        z.values(),
        z.indices(),
        rule,
        coder.config().unitNormDecoder(),
        work.normalizeAfter(),
        coder.workspace());
  }

  /** Steps that were queued as a graph. */
  long replays() {
    return replays;
  }

  @Override
  public void close() {
    graphs.values().forEach(graph -> graph.ifPresent(KernelGraph::close));
    graphs.clear();
    memory.close();
  }
}
