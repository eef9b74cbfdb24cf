package dev.palimpsest.activations;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.ExcludedTokens;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * The rows that coders are trained and run on: one forward pass of the language model, stopped
 * after the last hook, gives x and y of every hook as dense float32 [n, width], excluded positions
 * dropped. The buffers are reused: what they hold is valid until the next {@link #run}.
 */
public final class HookedActivations implements Rows, AutoCloseable {
  private final LanguageModel model;
  private final List<Hook> hooks;
  private final HookPlan plan = new HookPlan().logits(false);

  /** Numbers looked at in one piece: 256 KiB. */
  private static final int BLOCK = 1 << 16;

  private final KeptPositions kept;
  private final int width;
  private final int capacity;
  private final NativeArrays memory;
  private final List<Optional<FloatPointer>> inputs = new ArrayList<>();
  private final List<FloatPointer> outputs = new ArrayList<>();

  /**
   * {@link #HookedActivations(LanguageModel, List, ExcludedTokens, int, int)} of all positions that
   * are not excluded.
   */
  public HookedActivations(
      LanguageModel model, List<Hook> hooks, ExcludedTokens excluded, int capacity) {
    this(model, hooks, excluded, 0, capacity);
  }

  /**
   * @param model on whose device the rows stay
   * @param firstPosition positions of a window before it are dropped like excluded ones
   * @param capacity the most tokens that a batch may have
   * @throws UsageException where a hookpoint does not exist
   */
  public HookedActivations(
      LanguageModel model,
      List<Hook> hooks,
      ExcludedTokens excluded,
      int firstPosition,
      int capacity) {
    this.model = model;
    this.hooks = List.copyOf(hooks);
    this.kept = new KeptPositions(excluded, firstPosition, model.device());
    this.memory = new NativeArrays(model.device().memory());
    this.width = model.config().width();
    this.capacity = capacity;
    for (Hook hook : hooks) {
      model.layerOf(hook.hookpoint());
      plan.tapOutput(hook.hookpoint());
      if (hook.transcode()) {
        plan.tapInput(hook.hookpoint());
      }
    }
    for (Hook hook : hooks) {
      inputs.add(hook.transcode() ? Optional.of(buffer()) : Optional.empty());
      outputs.add(buffer());
    }
  }

  private FloatPointer buffer() {
    return memory.floats((long) capacity * width);
  }

  /** {@link #run(TokenBatch, int)} with all tokens of the batch. */
  public int run(TokenBatch batch) {
    return run(batch, Integer.MAX_VALUE);
  }

  /**
   * Runs the model and fills the buffers.
   *
   * @param limit only the first {@code limit} tokens (row-major) are used
   * @return n, the number of rows of every x and y
   */
  public int run(TokenBatch batch, int limit) {
    int n = kept.select(batch, limit);
    if (n > capacity) {
      throw new IllegalArgumentException(n + " tokens in a buffer for " + capacity);
    }
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(batch, plan)) {
      for (int i = 0; i < hooks.size(); i++) {
        String hookpoint = hooks.get(i).hookpoint();
        kept.gather(forward.output(hookpoint), outputs.get(i));
        if (inputs.get(i).isPresent()) {
          kept.gather(forward.input(hookpoint), inputs.get(i).get());
        }
      }
    }
    return n;
  }

  @Override
  public FloatPointer x(int hook) {
    return inputs.get(hook).orElse(outputs.get(hook));
  }

  @Override
  public FloatPointer y(int hook) {
    return outputs.get(hook);
  }

  /** The hooks, in the order of {@link #x}'s numbers. */
  public List<Hook> hooks() {
    return hooks;
  }

  /** The most rows that fit the buffers. */
  public int capacity() {
    return capacity;
  }

  @Override
  public int width() {
    return width;
  }

  /**
   * Whether every number of the last batch's rows is one: no NaN, no infinity. Copies the rows, so
   * it is for passes that must not go on silently, not for every step of a training.
   */
  public boolean finite() {
    float[] block = new float[Math.min(BLOCK, rows() * width)];
    for (int i = 0; i < hooks.size(); i++) {
      if (!finite(y(i), block) || (hooks.get(i).transcode() && !finite(x(i), block))) {
        return false;
      }
    }
    return true;
  }

  private boolean finite(FloatPointer values, float[] block) {
    long all = (long) rows() * width;
    for (long done = 0; done < all; done += block.length) {
      int count = (int) Math.min(block.length, all - done);
      model.device().memory().get(new FloatPointer(values).position(done), block, count);
      for (int i = 0; i < count; i++) {
        if (!Float.isFinite(block[i])) {
          return false;
        }
      }
    }
    return true;
  }

  @Override
  public int rows() {
    return kept.count();
  }

  /** Where in the last batch each row came from. */
  public KeptPositions kept() {
    return kept;
  }

  @Override
  public void close() {
    kept.close();
    memory.close();
  }
}
