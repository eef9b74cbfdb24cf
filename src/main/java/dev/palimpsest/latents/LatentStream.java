package dev.palimpsest.latents;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.activations.NonFiniteActivations;
import dev.palimpsest.coder.SparseActivations;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Text → model → coder: the true latent activations of windows, batch by batch. Holds one batch at
 * a time.
 *
 * @param model the subject
 * @param coder the coder at {@code hookpoint}
 * @param hookpoint as the model names it
 * @param transcode whether the coder reads the module's input rather than its output
 * @param excluded tokens whose positions have no activations
 */
public record LatentStream(
    LanguageModel model,
    SparseCoder coder,
    String hookpoint,
    boolean transcode,
    ExcludedTokens excluded) {

  /** Number of latents M. */
  public int latents() {
    return coder.config().numLatents();
  }

  /**
   * The windows that are read when so many tokens are wanted: all, or a seeded choice of them, in
   * ascending order.
   *
   * @param tokens at least one window is chosen
   */
  public static long[] choose(TokenWindows windows, long tokens, long seed) {
    long wanted = Math.max(1, tokens / windows.contextLength());
    int count = Math.toIntExact(Math.min(wanted, windows.size()));
    WindowOrder order = new WindowOrder(windows.size(), seed);
    long[] chosen = new long[count];
    for (int i = 0; i < count; i++) {
      chosen[i] = count == windows.size() ? i : order.at(i);
    }
    Arrays.sort(chosen);
    return chosen;
  }

  /**
   * What is wanted of the windows.
   *
   * @param batchRows windows per forward pass
   * @param firstPosition positions before it are context only: they have no activations
   * @param outputs which outputs of the module are wanted too
   */
  public record Pass(int batchRows, int firstPosition, Outputs outputs) {}

  /** What a batch says of the module's outputs. */
  public enum Outputs {
    /** Nothing. */
    NONE,
    /** The outputs as they are. */
    MODULE,
    /** The outputs less what the coder gives without latents, b_dec (+ W_skip x), and x. */
    BEYOND_SKIP
  }

  /**
   * Runs the chosen windows.
   *
   * @param chosen numbers of windows
   * @param batchRows windows per forward pass
   * @param sink receives the batches in order; row i of the stream is window {@code chosen[i]}
   */
  public void run(TokenWindows windows, long[] chosen, int batchRows, Consumer<LatentBatch> sink) {
    run(windows, chosen, 0, new Pass(batchRows, 0, Outputs.NONE), sink);
  }

  /**
   * Runs the chosen windows from one of them on.
   *
   * @param chosen numbers of windows
   * @param from the first row that is run, a multiple of the pass's rows
   * @param sink receives the batches in order; row i of the stream is window {@code chosen[i]}
   */
  public void run(
      TokenWindows windows, long[] chosen, int from, Pass pass, Consumer<LatentBatch> sink) {
    int length = windows.contextLength();
    int batchRows = pass.batchRows();
    int capacity = Math.multiplyExact(Math.min(batchRows, chosen.length), length);
    Hook hook = new Hook(hookpoint, transcode);
    try (HookedActivations activations =
            new HookedActivations(model, List.of(hook), excluded, pass.firstPosition(), capacity);
        SparseActivations sparse =
            new SparseActivations(coder.device().memory(), capacity, coder.config().k())) {
      for (int first = from; first < chosen.length; first += batchRows) {
        int rows = Math.min(batchRows, chosen.length - first);
        int[] tokens = new int[rows * length];
        for (int row = 0; row < rows; row++) {
          windows.read(chosen[first + row], tokens, row * length);
        }
        TokenBatch batch = new TokenBatch(rows, length, tokens);
        sink.accept(batch(activations, sparse, batch, first, pass.outputs()));
      }
    }
  }

  /** The coder's output for inputs x [rows, width] with every latent 0. */
  private float[] withoutLatents(FloatPointer x, int rows, int width) {
    float[] values = new float[rows * width];
    try (PointerScope scope = new PointerScope();
        SparseActivations none = new SparseActivations(coder.device().memory(), rows, 1);
        Tensor out = coder.device().empty(torch.ScalarType.Float, rows, width)) {
      none.set(new float[rows], new int[rows], rows);
      FloatPointer y = coder.device().data(out);
      coder.decode(none, x, y);
      coder.device().memory().get(y, values, values.length);
    }
    return values;
  }

  private LatentBatch batch(
      HookedActivations activations,
      SparseActivations sparse,
      TokenBatch batch,
      long firstRow,
      Outputs wanted) {
    int kept = activations.run(batch);
    if (!activations.finite()) {
      NonFiniteActivations.refuse(model, batch, "rows " + firstRow + " and on of the text");
    }
    int[] positions = new int[kept];
    for (int i = 0; i < kept; i++) {
      positions[i] = activations.kept().position(i);
    }
    try (PointerScope scope = new PointerScope()) {
      coder.encode(activations.x(0), kept, sparse);
    }
    float[] outputs = new float[wanted == Outputs.NONE ? 0 : kept * activations.width()];
    if (outputs.length > 0) {
      coder.device().memory().get(activations.y(0), outputs, outputs.length);
    }
    float[] inputs = new float[wanted == Outputs.BEYOND_SKIP ? outputs.length : 0];
    if (inputs.length > 0) {
      coder.device().memory().get(activations.x(0), inputs, inputs.length);
      float[] skipped = withoutLatents(activations.x(0), kept, activations.width());
      for (int i = 0; i < outputs.length; i++) {
        outputs[i] -= skipped[i];
      }
    }
    return new LatentBatch(
        firstRow,
        batch.rows(),
        batch.length(),
        batch.ids(),
        positions,
        sparse.k(),
        sparse.indicesArray(kept),
        sparse.valuesArray(kept),
        outputs,
        inputs);
  }
}
