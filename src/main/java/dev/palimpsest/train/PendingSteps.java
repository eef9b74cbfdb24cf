package dev.palimpsest.train;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalDouble;

/** Batches whose figures nobody has asked for yet, in order. */
final class PendingSteps {
  private final List<Pending> pending = new ArrayList<>();
  private double deadFraction;

  /**
   * A batch that was trained on or passed over.
   *
   * @param step updates done, this batch's included
   * @param tokens rows trained on, this batch's included
   * @param learningRate of its update
   * @param rows 0 for a batch that was passed over
   */
  private record Pending(long step, long tokens, double learningRate, long rows) {}

  /** Adds a batch; see {@link Pending}. */
  void add(long step, long tokens, double learningRate, long rows) {
    pending.add(new Pending(step, tokens, learningRate, rows));
  }

  boolean isEmpty() {
    return pending.isEmpty();
  }

  /** Forgets all batches: a file's state takes their place. */
  void restart(double deadFractionThen) {
    pending.clear();
    deadFraction = deadFractionThen;
  }

  /**
   * The figures of all pending batches, none of which is pending any more.
   *
   * @param figures of those with rows
   */
  List<StepStats> settle(List<BatchRecord.Figures> figures) {
    List<StepStats> settled = new ArrayList<>(pending.size());
    Iterator<BatchRecord.Figures> next = figures.iterator();
    for (Pending batch : pending) {
      settled.add(batch.rows() == 0 ? passedOver(batch) : trained(batch, next.next()));
    }
    pending.clear();
    return settled;
  }

  private StepStats passedOver(Pending batch) {
    return new StepStats(
        batch.step(),
        batch.tokens(),
        OptionalDouble.empty(),
        batch.learningRate(),
        OptionalDouble.empty(),
        deadFraction);
  }

  private StepStats trained(Pending batch, BatchRecord.Figures figures) {
    deadFraction = figures.deadFraction();
    return new StepStats(
        batch.step(),
        batch.tokens(),
        figures.variance() == 0
            ? OptionalDouble.empty()
            : OptionalDouble.of(figures.error() / figures.variance()),
        batch.learningRate(),
        OptionalDouble.of(figures.firings() / (double) batch.rows()),
        deadFraction);
  }
}
