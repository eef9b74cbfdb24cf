package dev.palimpsest.train;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.UpdateRule;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Trains one sparse coder, batch by batch, to the loss FVU (sparsify's; Paulo & Belrose, arXiv
 * 2501.18838). One call of {@link #step} is: encode, decode, loss and its gradient, firing counts,
 * backward with update; every latent is updated at every step. An autoencoder's decoder rows have
 * unit norm in every forward, the gradient's part along them is removed, and after the last step
 * nothing is renormalised.
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
  private final FiringRecord firings;
  private final NativeArrays sumsMemory;
  private final DoublePointer sums;
  private final double[] readSums = new double[2];
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
    this.firings = new FiringRecord(kernels, coder.config().numLatents(), config.deadAfterTokens());
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
   * Trains on one batch. With {@link OptimizerConfig#accumulationSteps} n > 1 every n-th call
   * updates.
   *
   * @param x coder input [rows, d]
   * @param y target [rows, d]; the same memory as x for an autoencoder
   * @param rows at least 1
   * @return the batch's figures; a batch without variance (one row, or equal targets) has no FVU,
   *     and its gradient is zero
   */
  public StepStats step(FloatPointer x, FloatPointer y, long rows) {
    requireRows(rows);
    requireStepsLeft();
    reserve(rows);
    prepareForward();
    SparseActivations latents = buffers.latents();
    FloatPointer output = buffers.output();
    coder.encode(x, rows, latents);
    coder.decodeLoss(latents, x, y, output, sums);
    firings.count(latents);
    double rate = learningRate.at(step);
    update(new Update.Batch(x, latents, output), rate);
    // All that is read back comes last: a GPU is waited for once a step, with nothing left to
    // queue.
    kernels.memory().get(sums, readSums, 2);
    firings.read();
    return new StepStats(
        step,
        firings.tokens(),
        readSums[1] == 0 ? OptionalDouble.empty() : OptionalDouble.of(readSums[0] / readSums[1]),
        rate,
        OptionalDouble.of(firings.firings() / (double) rows),
        firings.deadFraction());
  }

  /**
   * Passes over a batch without rows (every token excluded): the schedule moves on, the parameters
   * stay.
   */
  public StepStats skip() {
    requireStepsLeft();
    if (pendingBatches > 0) {
      throw new IllegalStateException("a batch can only be passed over between updates");
    }
    double rate = learningRate.at(step);
    step++;
    return new StepStats(
        step,
        firings.tokens(),
        OptionalDouble.empty(),
        rate,
        OptionalDouble.empty(),
        firings.deadFraction());
  }

  /** Whether no row has been trained on: steps may have passed, all without rows. */
  public boolean untouched() {
    return firings.tokens() == 0;
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
    boolean normalizeAfter = coder.config().unitNormDecoder() && step + 1 < totalSteps;
    UpdateRule rule = state.rule(rate, step + 1);
    update.apply(coder, state, batch, rule, normalizeAfter);
    decoderIsNormalized = normalizeAfter;
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
    return firings.tokens();
  }

  /** The coder in training; for signum its weights are the points y. */
  public SparseCoder coder() {
    return coder;
  }

  /** Firings of every latent since the start, [M]. */
  public long[] firedCounts() {
    return firings.counts();
  }

  /**
   * The share of latents that have not fired in the last {@link OptimizerConfig#deadAfterTokens}
   * tokens, or, in a run still shorter than that, have never fired.
   */
  public double deadFraction() {
    return firings.deadFraction();
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
    new TrainerState(config.optimizer(), step, firings.tokens(), decoderIsNormalized)
        .write(file, coder.parameters(), state, firings);
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
        TrainerState.read(file, config.optimizer(), coder.parameters(), state, firings);
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
    buffers.close();
    firings.close();
    update.close();
    state.close();
    sumsMemory.close();
  }

  private static void requireRows(long rows) {
    if (rows < 1) {
      throw new IllegalArgumentException("a batch needs at least 1 row, found " + rows);
    }
  }
}
