package dev.palimpsest.bench;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.base.Environment;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Training end to end: a language model and a transcoder on it, ours and as the eager tools do it
 * (all blocks of the model, since a callback at a hook cannot end the pass, then the coder
 * operation by operation), interleaved on the same tokens.
 */
public final class EndToEndBench {
  private static final long SEED = 1;
  private static final int WARM_UP = 2;

  private final LanguageModel model;
  private final Hook hook;
  private final TokenWindows windows;
  private final BenchShape shape;

  /**
   * @param hookpoint a module of the model
   * @param windows tokens to train on; they start over where they end
   * @param shape of the coder; the batch a multiple of the context length
   */
  public EndToEndBench(
      LanguageModel model, String hookpoint, TokenWindows windows, BenchShape shape) {
    if (shape.batch() % windows.contextLength() != 0) {
      throw new UsageException(
          "a batch of %d tokens is no multiple of the context length %d"
              .formatted(shape.batch(), windows.contextLength()));
    }
    this.model = model;
    this.hook = new Hook(hookpoint, true);
    this.windows = windows;
    this.shape = shape;
  }

  /** The times of every repetition, in milliseconds. */
  private static final class Times {
    private final double[] forward;
    private final double[] update;
    private final double[] step;
    private final double[] fullForward;
    private final double[] head;
    private final double[] eagerUpdate;
    private final double[] eagerStep;
    private final double[] eagerWithHead;

    Times(int repetitions) {
      forward = new double[repetitions];
      update = new double[repetitions];
      step = new double[repetitions];
      fullForward = new double[repetitions];
      head = new double[repetitions];
      eagerUpdate = new double[repetitions];
      eagerStep = new double[repetitions];
      eagerWithHead = new double[repetitions];
    }
  }

  /**
   * Measures.
   *
   * @param repetitions of every measurement, after two that do not count
   * @param progress called with the number of repetitions done
   */
  public EndToEndReport run(int repetitions, IntConsumer progress) {
    Tensors.useThreads(shape.threads());
    CoderKernels.cpu().setThreads(shape.threads());
    CoderConfig config = CoderConfig.transcoder(shape.width(), shape.latents(), shape.k(), false);
    Times times = new Times(repetitions);
    TokenBatch batch = newBatch();
    try (StepPair steps =
            new StepPair(SparseCoder.initialise(config, SEED, Device.cpu()), Device.cpu());
        HookedActivations activations =
            new HookedActivations(model, List.of(hook), ExcludedTokens.none(), shape.batch())) {
      for (int run = -WARM_UP; run < repetitions; run++) {
        read(run + WARM_UP, batch);
        int at = Math.max(run, 0);
        // Twice each, the second counts: the first finds memory as the other has left it.
        for (int time = 0; time < 2; time++) {
          ours(at, times, batch, activations, steps);
        }
        for (int time = 0; time < 2; time++) {
          eager(at, times, batch, steps);
        }
        if (run >= 0) {
          progress.accept(run + 1);
        }
      }
    }
    return report(times);
  }

  private void ours(
      int at, Times times, TokenBatch batch, HookedActivations activations, StepPair steps) {
    times.forward[at] = Timings.time(() -> activations.run(batch));
    times.update[at] =
        Timings.time(() -> steps.ours(activations.x(0), activations.y(0), activations.rows(), 1));
    times.step[at] = times.forward[at] + times.update[at];
  }

  private void eager(int at, Times times, TokenBatch batch, StepPair steps) {
    int layers = model.config().layers();
    String last = model.layerHookpoint(layers - 1);
    HookPlan plan =
        new HookPlan()
            .logits(false)
            .tapInput(hook.hookpoint())
            .tapOutput(hook.hookpoint())
            .tapOutput(last);
    long begin = System.nanoTime();
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(batch, plan)) {
      times.fullForward[at] = (System.nanoTime() - begin) / 1e6;
      Tensor x = forward.input(hook.hookpoint()).view(-1, shape.width());
      Tensor y = forward.output(hook.hookpoint()).view(-1, shape.width());
      times.eagerUpdate[at] = Timings.time(() -> steps.eager(x, y, 1));
      times.eagerStep[at] = (System.nanoTime() - begin) / 1e6;
      times.head[at] = Timings.time(() -> head(layers, forward.output(last)));
      times.eagerWithHead[at] = times.eagerStep[at] + times.head[at];
    }
  }

  private void head(int layers, Tensor stream) {
    model.forwardFrom(layers, stream, new HookPlan().logits(true)).close();
  }

  private TokenBatch newBatch() {
    int rows = shape.batch() / windows.contextLength();
    return new TokenBatch(rows, windows.contextLength(), new int[shape.batch()]);
  }

  private void read(long step, TokenBatch into) {
    for (int row = 0; row < into.rows(); row++) {
      long window = (step * into.rows() + row) % windows.size();
      windows.read(window, into.ids(), row * into.length());
    }
  }

  private EndToEndReport report(Times times) {
    double step = Timings.of(times.step).median();
    double eagerStep = Timings.of(times.eagerStep).median();
    double eagerWithHead = Timings.of(times.eagerWithHead).median();
    return new EndToEndReport(
        shape,
        hook.hookpoint(),
        model.config().layers(),
        model.precision().label(),
        windows.contextLength(),
        times.step.length,
        Timings.of(times.forward).median(),
        Timings.of(times.update).median(),
        step,
        shape.batch() / (step / 1e3),
        Timings.medianRatio(times.forward, times.step),
        Timings.of(times.fullForward).median(),
        Timings.of(times.head).median(),
        Timings.of(times.eagerUpdate).median(),
        eagerStep,
        shape.batch() / (eagerStep / 1e3),
        Timings.medianRatio(times.eagerStep, times.step),
        shape.batch() / (eagerWithHead / 1e3),
        Timings.medianRatio(times.eagerWithHead, times.step),
        Timings.of(times.step),
        Timings.of(times.eagerStep),
        Environment.here(Map.of("kernels", CoderKernels.cpu().describe())));
  }
}
