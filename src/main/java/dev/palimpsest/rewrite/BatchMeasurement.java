package dev.palimpsest.rewrite;

import dev.palimpsest.evaluate.CleanPredictions;
import dev.palimpsest.evaluate.SplicedModel;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Measures every variant on one batch of windows. What they have in common is done once: the
 * untouched model, the true latents, each calibration's guesses. What is put in the module's place
 * is then gathered from variant after variant into passes of many windows, so that products are
 * large. Where a variant puts into a window what an earlier one has put there, bit by bit (nothing
 * of S fired, re-selection dropped nothing), its losses are that one's.
 */
final class BatchMeasurement {
  /** Tokens of context that a pass is filled up to, however small the batches are. */
  private static final int PASS_TOKENS = 4096;

  private final SplicedModel.Batch model;
  private final CleanPredictions clean;
  private final BatchLatents latents;
  private final BatchLosses losses;
  private final int jobsAtOnce;
  private final Faults faults;
  private final float[] outputs;
  private final List<Job> jobs = new ArrayList<>();
  private final List<Copy> copies = new ArrayList<>();
  private final Map<Integer, Map<RowPrint, Integer>> seen = new HashMap<>();

  /** A variant's replacement in one window [rows, d]; owned here. */
  private record Job(int variant, int window, Tensor replacement) {}

  /** A variant that puts into a window what an earlier one does. */
  private record Copy(int from, int to, int window) {}

  /** Hears of losses that are no finite numbers. */
  interface Faults {
    /**
     * @param window its place in the batch
     * @param replacement what the variant put there
     */
    void notFinite(int variant, int window, SplicedModel.Batch model, Tensor replacement);

    /** A variant has put into a window what an earlier one did, so it fails where that did. */
    void sameAs(int variant, int earlier);
  }

  /**
   * @param tokens of a batch, for the size of passes
   */
  BatchMeasurement(
      SplicedModel.Batch model,
      CleanPredictions clean,
      BatchLatents latents,
      BatchLosses losses,
      int length,
      int tokens,
      Faults faults) {
    this.model = model;
    this.clean = clean;
    this.latents = latents;
    this.losses = losses;
    this.faults = faults;
    outputs = Tensors.toArray(model.output());
    jobsAtOnce = Math.max(1, Math.max(tokens, PASS_TOKENS) / length);
  }

  /** Measures or queues one variant. */
  void add(int variant, Replacements.Recipe recipe) {
    try (PointerScope scope = new PointerScope();
        Tensor replacement = recipe.make(latents)) {
      float[] values = Tensors.toArray(replacement);
      int width = (int) replacement.size(1);
      for (int w = 0; w < model.sequences(); w++) {
        int from = model.firstRow(w);
        int to = model.firstRow(w + 1);
        losses.error(variant, w, squaredError(values, from * width, to * width));
        RowPrint print = RowPrint.of(values, from * width, to * width);
        Integer earlier =
            seen.computeIfAbsent(w, key -> new HashMap<>()).putIfAbsent(print, variant);
        if (earlier != null) {
          copies.add(new Copy(earlier, variant, w));
        } else {
          Tensor part = Tensors.keep(replacement.narrow(0, from, to - from));
          jobs.add(new Job(variant, w, part));
          if (jobs.size() == jobsAtOnce) {
            pass();
          }
        }
      }
    }
  }

  private double squaredError(float[] values, int from, int to) {
    double sum = 0;
    for (int i = from; i < to; i++) {
      double error = (double) values[i] - outputs[i];
      sum += error * error;
    }
    return sum;
  }

  /** Measures what is still queued, and copies what was measured once for several. */
  void finish() {
    pass();
    for (Copy copy : copies) {
      losses.copy(copy.from(), copy.to(), copy.window());
      if (!Double.isFinite(losses.crossEntropy()[copy.to()][copy.window()])) {
        faults.sameAs(copy.to(), copy.from());
      }
    }
  }

  private void pass() {
    if (jobs.isEmpty()) {
      return;
    }
    int[] windows = jobs.stream().mapToInt(Job::window).toArray();
    int[] jobOf =
        java.util.stream.IntStream.range(0, windows.length)
            .flatMap(
                j ->
                    java.util.stream.IntStream.range(
                            model.firstRow(windows[j]), model.firstRow(windows[j] + 1))
                        .map(row -> j))
            .toArray();
    boolean[] faulty = new boolean[windows.length];
    try (PointerScope scope = new PointerScope();
        TensorVector parts = new TensorVector()) {
      jobs.forEach(job -> parts.push_back(job.replacement()));
      model.losses(
          windows,
          torch.cat(parts, 0),
          clean,
          (row, ce, kl) -> {
            Job job = jobs.get(jobOf[row]);
            losses.add(job.variant(), job.window(), ce, kl);
            faulty[jobOf[row]] |= !Double.isFinite(ce);
          });
      for (int j = 0; j < faulty.length; j++) {
        if (faulty[j]) {
          Job job = jobs.get(j);
          faults.notFinite(job.variant(), job.window(), model, job.replacement());
        }
      }
    }
    jobs.forEach(job -> job.replacement().close());
    jobs.clear();
  }
}
