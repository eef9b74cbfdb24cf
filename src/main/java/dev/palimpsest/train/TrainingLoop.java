package dev.palimpsest.train;

import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.activations.StepRows;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.evaluate.CoderEvaluation;
import dev.palimpsest.evaluate.EvaluationResult;
import dev.palimpsest.evaluate.HeldOut;
import dev.palimpsest.evaluate.HeldOutReconstruction;
import dev.palimpsest.evaluate.ReconstructionStatistics;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The loop: one forward pass of the language model a step, stopped after the last hook, or what a
 * cache holds of it, from which every coder makes one update. Where it stands is a step number
 * alone, so it goes on from any checkpoint with the same bits. Steps on a GPU are queued ahead: it
 * is waited for where figures are due, every second or so, and every step still has its line.
 */
final class TrainingLoop {
  /** Between the tokens of a reconstruction and those of a loss, while training. */
  private static final long LOSS_SHARE = 8;

  /** Steps that a GPU may be ahead of their lines, and for how long. */
  private static final int MOST_UNTOLD_STEPS = QueuedRecord.LENGTH - 1;

  private static final long MOST_UNTOLD_NANOS = 1_000_000_000;

  private final TrainConfig config;
  private final LanguageModel model;
  private final StepRows rows;
  private final HookedActivations activations;
  private final List<TrainedCoder> coders;
  private final TokenWindows heldOutWindows;
  private final ExcludedTokens excluded;
  private final Checkpoints checkpoints;
  private final StepFaults faults;
  private List<HeldOut> heldOut = List.of();
  private MetricsExtent written = MetricsExtent.NONE;
  private long nanosInSteps;

  /**
   * @param rows of any step, at the hooks of {@code coders}
   * @param activations of the same hooks, for evaluations while training
   * @param heldOutWindows for evaluations while training
   */
  TrainingLoop(
      TrainConfig config,
      LanguageModel model,
      StepRows rows,
      HookedActivations activations,
      List<TrainedCoder> coders,
      TokenWindows heldOutWindows,
      ExcludedTokens excluded,
      Checkpoints checkpoints) {
    this.config = config;
    this.model = model;
    this.rows = rows;
    this.activations = activations;
    this.coders = coders;
    this.heldOutWindows = heldOutWindows;
    this.excluded = excluded;
    this.checkpoints = checkpoints;
    this.faults = new StepFaults(model, rows);
  }

  /**
   * Trains to the end, from the newest good checkpoint if there is one.
   *
   * @param metrics the file {@code metrics.jsonl}
   * @param log hears how it gets on
   * @return the number of steps that were done before
   */
  long run(Path metrics, RunLog log) {
    Checkpoints.State start = checkpoints.resume(this::readState, log::says);
    heldOut = start.evaluation();
    try (MetricsLog lines = MetricsLog.open(metrics, start.metrics(), log::says)) {
      long all = config.steps() * config.batchTokens();
      log.advanced("training", "tokens", start.step() * config.batchTokens(), all);
      TokenBatch batch = rows.newBatch();
      long told = start.step();
      long toldNanos = System.nanoTime();
      for (long done = told + 1; done <= config.steps(); done++) {
        queue(done - 1, batch);
        boolean checkpoint = config.checkpointAfter(done);
        if (!checkpoint && !due(done, told, toldNanos)) {
          continue;
        }
        List<StepStats> stats = tell(told, done, batch, lines);
        told = done;
        toldNanos = System.nanoTime();
        if (checkpoint) {
          Checkpoints.State state = new Checkpoints.State(done, lines.force(), heldOut);
          checkpoints.write(state, folder -> coders.forEach(coder -> coder.writeState(folder)));
        }
        log.advanced("training", "tokens", done * config.batchTokens(), all, note(stats.get(0)));
      }
      written = lines.force();
    }
    return start.step();
  }

  private void readState(Path checkpoint, Checkpoints.State state) {
    if (state.step() > config.steps()
        || !(state.evaluation().isEmpty() || state.evaluation().size() == coders.size())) {
      throw new PalimpsestException(
          checkpoint
              + ": is of step "
              + state.step()
              + " with "
              + state.evaluation().size()
              + " evaluations, in a run of "
              + config.steps()
              + " steps and "
              + coders.size()
              + " coders");
    }
    coders.forEach(coder -> coder.readState(checkpoint, state.step()));
  }

  private static String note(StepStats first) {
    return first.fvu().isPresent()
        ? String.format(Locale.ROOT, "fvu %.4f", first.fvu().getAsDouble())
        : "fvu undefined";
  }

  /** Queues a step of every coder; the processor's own is done then. */
  private void queue(long step, TokenBatch batch) {
    long begin = System.nanoTime();
    rows.load(step, batch);
    coders.forEach(coder -> coder.queue(rows));
    nanosInSteps += System.nanoTime() - begin;
  }

  /**
   * Whether the figures of the steps from {@code told} to {@code done} are wanted now. The
   * processor's are there after every step; a GPU would stand idle while it is asked.
   */
  private boolean due(long done, long told, long toldNanos) {
    return model.device().isHost()
        || config.evaluateAfter(done)
        || done == config.steps()
        || done - told >= MOST_UNTOLD_STEPS
        || System.nanoTime() - toldNanos >= MOST_UNTOLD_NANOS;
  }

  /**
   * Waits for the steps from {@code told} to {@code done}, evaluates where that is due after the
   * last, and writes their lines.
   *
   * @return the last step's figures of every coder
   */
  private List<StepStats> tell(long told, long done, TokenBatch batch, MetricsLog lines) {
    long begin = System.nanoTime();
    List<List<StepStats>> figures = coders.stream().map(coder -> coder.trainer().settle()).toList();
    nanosInSteps += System.nanoTime() - begin;
    List<StepStats> stats = List.of();
    for (long step = told + 1; step <= done; step++) {
      int at = (int) (step - told - 1);
      stats =
          judged(
              figures.stream().map(each -> each.get(at)).toList(), step, done == told + 1, batch);
      boolean ordinary = stats.stream().allMatch(StepFaults::ordinary);
      boolean evaluated = ordinary && step == done && config.evaluateAfter(done);
      if (evaluated) {
        heldOut = evaluate(done == config.steps());
      }
      // The line of a step that fails is written too: it shows the failure.
      lines.append(
          MetricsLine.of(
              step, step * config.batchTokens(), coders, stats, evaluated ? heldOut : List.of()));
      for (int i = 0; i < coders.size(); i++) {
        faults.require(coders.get(i), stats.get(i), batch);
      }
    }
    return stats;
  }

  /**
   * A step's figures as they are to be told. Where one is odd, the batch is looked at.
   *
   * @param present whether {@code batch} and the rows are this step's; else they become it
   */
  private List<StepStats> judged(
      List<StepStats> stats, long step, boolean present, TokenBatch batch) {
    if (stats.stream().allMatch(StepFaults::ordinary)) {
      return stats;
    }
    if (!present) {
      rows.load(step - 1, batch);
    }
    List<StepStats> judged = new ArrayList<>();
    for (int i = 0; i < coders.size(); i++) {
      judged.add(faults.judged(coders.get(i), stats.get(i)));
    }
    return judged;
  }

  /**
   * Reconstruction on all held-out tokens; the loss with the coders in place, for which the whole
   * language model must run three times, on an eighth of them until the run's end.
   */
  private List<HeldOut> evaluate(boolean last) {
    List<SparseCoder> finished = new ArrayList<>();
    try {
      List<CoderEvaluation.Place> places = new ArrayList<>();
      for (TrainedCoder coder : coders) {
        SparseCoder present = coder.trainer().evaluationCoder();
        finished.add(present);
        places.add(new CoderEvaluation.Place(coder.hookpoint(), present));
      }
      long tokens = last ? config.evalTokens() : config.evalTokens() / LOSS_SHARE;
      List<EvaluationResult> losses =
          CoderEvaluation.evaluate(
              model, places, heldOutWindows, excluded, tokens, false, Progress.SILENT);
      losses.forEach(this::requireFinite);
      List<HeldOut> figures = new ArrayList<>();
      for (int i = 0; i < coders.size(); i++) {
        figures.add(
            last ? losses.get(i).heldOut() : reconstruction(i, finished.get(i), losses.get(i)));
      }
      return figures;
    } finally {
      finished.forEach(SparseCoder::close);
    }
  }

  /** The losses without the coder are the language model's own. */
  private void requireFinite(EvaluationResult loss) {
    if (Double.isFinite(loss.ceLossWithoutSae()) && Double.isFinite(loss.ceLossWithAblation())) {
      return;
    }
    int length = heldOutWindows.contextLength();
    for (long window = 0; window < heldOutWindows.size(); window++) {
      TokenBatch one = new TokenBatch(1, length, new int[length]);
      heldOutWindows.read(window, one.ids(), 0);
      faults.requireFiniteActivations("the held-out text", one);
    }
    throw new PalimpsestException(
        "the language model's loss on held-out text is "
            + loss.ceLossWithoutSae()
            + ", with the zero vector for "
            + loss.hookpoint()
            + " "
            + loss.ceLossWithAblation());
  }

  private HeldOut reconstruction(int coder, SparseCoder present, EvaluationResult loss) {
    ReconstructionStatistics statistics =
        HeldOutReconstruction.measure(
            activations, coders.get(coder).hook(), present, heldOutWindows, config.evalTokens());
    return HeldOut.of(
        statistics.fvu(), loss.ceLossScore(), statistics.l0(), statistics.fracAlive());
  }

  /** The held-out figures of each coder as of the last evaluation. */
  List<HeldOut> heldOut() {
    return heldOut;
  }

  /** What {@code metrics.jsonl} was at the end. */
  MetricsExtent metrics() {
    return written;
  }

  /** Time spent in steps by this process, without evaluations and checkpoints. */
  double secondsInSteps() {
    return nanosInSteps / 1e9;
  }
}
