package dev.palimpsest.train;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Trains one sparse coder, batch by batch, to the loss FVU (sparsify's; Paulo & Belrose, arXiv
 * 2501.18838). One step is: encode, decode, loss and its gradient, firing counts, backward with
 * update; every latent is updated at every step. An autoencoder's decoder rows have unit norm in
 * every forward, the gradient's part along them is removed, and after the last step nothing is
 * renormalised.
 *
 * <p>{@link #step} waits for a batch's figures; {@link #queue} does not, and {@link #settle} tells
 * those of all batches since, so that a GPU is waited for only when somebody wants to know.
 *
 * <p>All memory is reserved up front (see {@link #reserve}); steps over batches that fit allocate
 * none. Not for use by two threads at once. The coder stays the caller's.
 */
public final class CoderTrainer implements AutoCloseable {
  private final SparseCoder coder;
  private final OptimizerConfig config;
  private final long totalSteps;
  private final LearningRate learningRate;
  private final CoderKernels kernels;
  private final OptimizerState state;
  private final Update update;
  private final BatchRecord record;
  private final PendingSteps pending = new PendingSteps();
  private final NativeArrays sumsMemory;
  private final DoublePointer sums;
  private final Optional<QueuedStep> queued;
  private final Optional<FrozenEncoder> frozen;
  private Buffers buffers;
  private long step;
  private int pendingBatches;
  private boolean decoderIsNormalized;

  /**
   * What a batch needs beside the parameters: its latents and its output, which becomes the
   * gradient.
   */
  private record Buffers(NativeArrays memory, SparseActivations latents, FloatPointer output)
      implements AutoCloseable {
    static Buffers of(long rows, SparseCoder coder) {
      Memory where = coder.device().memory();
      NativeArrays memory = new NativeArrays(where);
      return new Buffers(
          memory,
          new SparseActivations(where, rows, coder.config().k()),
          memory.floats(Math.multiplyExact(rows, coder.config().width())));
    }

    @Override
    public void close() {
      memory.close();
      latents.close();
    }
  }

  /**
   * @param coder trained in place; for signum its weights are the points y, see {@link
   *     #evaluationCoder}
   * @param totalSteps T, updates of the whole run, for the schedule
   * @throws UsageException when the coder asks for a loss that is not supported
   */
  public CoderTrainer(SparseCoder coder, OptimizerConfig config, long totalSteps) {
    if (coder.config().multiTopk()) {
      throw new UsageException("training with multi_topk is not supported");
    }
    if (totalSteps < 1) {
      throw new UsageException("a run needs at least 1 step, found " + totalSteps);
    }
    this.coder = coder;
    this.config = config;
    this.totalSteps = totalSteps;
    this.learningRate = LearningRate.of(config, coder.config().numLatents(), totalSteps);
    this.kernels = coder.device().kernels();
    this.sumsMemory = new NativeArrays(kernels.memory());
    this.sums = sumsMemory.doubles(2);
    this.state = new OptimizerState(config, coder.config(), kernels.memory());
    this.update = Update.of(config, coder, kernels);
    this.record = BatchRecord.of(kernels, coder.config().numLatents(), config.deadAfterTokens());
    this.queued =
        config.fused() && record instanceof QueuedRecord onDevice
            ? kernels.stepKernels().map(step -> new QueuedStep(coder, state, step, onDevice, sums))
            : Optional.empty();
    this.frozen = config.freezeEncoder() ? Optional.of(new FrozenEncoder(coder)) : Optional.empty();
    this.buffers = Buffers.of(0, coder);
  }

  /** Makes room for batches of up to {@code rows} rows, so that no later step allocates. */
  public void reserve(long rows) {
    if (rows > buffers.latents().capacity()) {
      buffers.close();
      buffers = Buffers.of(rows, coder);
    }
  }

  /**
   * Centres a new coder on its first batch: b_dec = mean(y); a transcoder's b_enc = -W_enc mean(x).
   *
   * @param x coder input [rows, d]
   * @param y target [rows, d]
   */
  public void initialiseFromFirstBatch(FloatPointer x, FloatPointer y, long rows) {
    if (!untouched()) {
      throw new IllegalStateException("the first batch has passed");
    }
    requireRows(rows);
    FirstBatch.centre(coder, x, y, rows);
  }

  /**
   * Trains on one batch, and waits for its figures: {@link #queue}, then {@link #settle}.
   *
   * @return the batch's figures
   */
  public StepStats step(FloatPointer x, FloatPointer y, long rows) {
    requireNoneUnsettled();
    queue(x, y, rows);
    return settle().get(0);
  }

  /** {@link #queueSkip}, and the figures of that. */
  public StepStats skip() {
    requireNoneUnsettled();
    queueSkip();
    return settle().get(0);
  }

  /**
   * Trains on one batch; on a GPU the work is queued, and nobody waits for it. With {@link
   * OptimizerConfig#accumulationSteps} n > 1 every n-th call updates.
   *
   * @param x coder input [rows, d]
   * @param y target [rows, d]; the same memory as x for an autoencoder
   * @param rows at least 1
   */
  public void queue(FloatPointer x, FloatPointer y, long rows) {
    requireRows(rows);
    requireStepsLeft();
    reserve(rows);
    prepareForward();
    double rate = learningRate.at(step);
    frozen.ifPresent(encoder -> encoder.setAside(coder));
    Update.Batch batch = new Update.Batch(x, buffers.latents(), buffers.output());
    if (queued.isPresent()) {
      batch.latents().rows(rows);
      boolean normalizeAfter = normalizesNext();
      queued.get().run(new QueuedStep.Work(batch, y, normalizeAfter), state.rule(rate, step + 1));
      updated(normalizeAfter);
    } else {
      coder.encode(x, rows, batch.latents());
      coder.decodeLoss(batch.latents(), x, y, batch.gradient(), sums);
      record.add(batch.latents(), sums);
      update(batch, rate);
    }
    frozen.ifPresent(encoder -> encoder.putBack(coder));
    pending.add(step, record.tokens(), rate, rows);
  }

  /**
   * Passes over a batch without rows (every token excluded): the schedule moves on, the parameters
   * stay.
   */
  public void queueSkip() {
    requireStepsLeft();
    if (pendingBatches > 0) {
      throw new IllegalStateException("a batch can only be passed over between updates");
    }
    double rate = learningRate.at(step);
    step++;
    pending.add(step, record.tokens(), rate, 0);
  }

  /**
   * Waits for all that was queued.
   *
   * @return the figures of every batch since the last call, in order; a batch without variance (one
   *     row, or equal targets) has no FVU, and its gradient is zero
   */
  public List<StepStats> settle() {
    return pending.settle(record.take());
  }

  private void requireNoneUnsettled() {
    if (!pending.isEmpty()) {
      throw new IllegalStateException("queued steps have not been settled");
    }
  }

  /** Whether no row has been trained on: steps may have passed, all without rows. */
  public boolean untouched() {
    return record.tokens() == 0;
  }

  private void requireStepsLeft() {
    if (step >= totalSteps) {
      throw new IllegalStateException("all " + totalSteps + " steps are done");
    }
  }

  private void prepareForward() {
    if (pendingBatches > 0) {
      return;
    }
    if (coder.config().unitNormDecoder() && !decoderIsNormalized) {
      kernels.normalizeRows(coder.decoder(), coder.config().numLatents(), coder.config().width());
      coder.refresh();
      decoderIsNormalized = true;
    }
    if (untouched()) {
      state.start(coder.parameters());
    }
  }

  private void update(Update.Batch batch, double rate) {
    if (config.accumulationSteps() > 1) {
      coder
          .device()
          .scale(
              batch.gradient(),
              batch.latents().rows() * coder.config().width(),
              1f / config.accumulationSteps());
    }
    pendingBatches++;
    if (pendingBatches < config.accumulationSteps()) {
      update.accumulate(coder, batch);
      return;
    }
    pendingBatches = 0;
    boolean normalizeAfter = normalizesNext();
    update.apply(coder, state, batch, state.rule(rate, step + 1), normalizeAfter);
    updated(normalizeAfter);
  }

  /**
   * Whether the next update brings the decoder's rows to unit norm: there is a forward after it.
   */
  private boolean normalizesNext() {
    return coder.config().unitNormDecoder() && step + 1 < totalSteps;
  }

  private void updated(boolean normalized) {
    decoderIsNormalized = normalized;
    step++;
  }

  /** Updates done so far. */
  public long stepsDone() {
    return step;
  }

  /** T, updates of the whole run. */
  public long totalSteps() {
    return totalSteps;
  }

  /** Rows trained on so far. */
  public long tokens() {
    return record.tokens();
  }

  /** The coder in training; for signum its weights are the points y. */
  public SparseCoder coder() {
    return coder;
  }

  /** Firings of every latent since the start, [M]. */
  public long[] firedCounts() {
    return record.firings().counts();
  }

  /**
   * The share of latents that have not fired in the last {@link OptimizerConfig#deadAfterTokens}
   * tokens, or, in a run still shorter than that, have never fired.
   */
  public double deadFraction() {
    return record.firings().deadFraction();
  }

  /**
   * The coder to evaluate and to save: for Adam a view of the coder in training, for signum a copy
   * at the averaged point x. Close it; the coder in training stays.
   */
  public SparseCoder evaluationCoder() {
    if (config.optimizer() == Optimizer.ADAM || untouched()) {
      return coder.view();
    }
    ParameterSet averaged = new ParameterSet(coder.config(), kernels.memory());
    AveragedPoint.write(coder.parameters(), state.first(), config.momentum(), averaged);
    return SparseCoder.of(coder.config(), averaged, coder.device());
  }

  /**
   * Writes all that {@link #readState} needs to go on with the same bits, in one file that appears
   * whole or not at all.
   *
   * @throws PalimpsestException naming the file when it cannot be written
   */
  public void writeState(Path file) {
    if (pendingBatches > 0) {
      throw new IllegalStateException("state can only be written between updates");
    }
    new TrainerState(config.optimizer(), step, record.tokens(), decoderIsNormalized)
        .write(file, coder.parameters(), state, record.firings());
  }

  /**
   * Goes on from a file of {@link #writeState}: parameters, optimiser, schedule position and firing
   * record.
   *
   * @throws PalimpsestException naming file and fault when it does not belong to this coder and
   *     optimiser
   */
  public void readState(Path file) {
    TrainerState read =
        TrainerState.read(file, config.optimizer(), coder.parameters(), state, record.firings());
    record.restored();
    pending.restart(record.firings().deadFraction());
    coder.refresh();
    step = read.step();
    decoderIsNormalized = read.decoderIsNormalized();
    pendingBatches = 0;
  }

  /**
   * Bytes held beside the coder: optimiser state, gradients, and one batch's latents and output.
   */
  public long totalBytes() {
    return state.totalBytes()
        + update.totalBytes()
        + buffers.memory().totalBytes()
        + buffers.latents().totalBytes();
  }

  @Override
  public void close() {
    frozen.ifPresent(FrozenEncoder::close);
    queued.ifPresent(QueuedStep::close);
    buffers.close();
    record.close();
    update.close();
    state.close();
    sumsMemory.close();
  }

  /** Steps that a GPU was given as a graph. */
  long replayedSteps() {
    return queued.map(QueuedStep::replays).orElse(0L);
  }

  private static void requireRows(long rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("a batch needs at least 1 row, found " + rows);
    }
  }
}
