package dev.palimpsest.bench;

import dev.palimpsest.activations.Hook;
import dev.palimpsest.activations.HookedActivations;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.tensor.Tensors;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Rows of a language model's own activations. */
final class RealBatch {
  private RealBatch() {}

  /**
   * The first {@code rows} tokens' x and y at a hook.
   *
   * @throws PalimpsestException where the text is too short
   */
  static BenchBatch read(
      LanguageModel model, Hook hook, TokenWindows windows, ExcludedTokens excluded, int rows) {
    int width = model.config().width();
    int length = windows.contextLength();
    Tensor x = Tensors.empty(torch.ScalarType.Float, rows, width);
    Tensor y = Tensors.empty(torch.ScalarType.Float, rows, width);
    TokenBatch one = new TokenBatch(1, length, new int[length]);
    try (HookedActivations activations =
        new HookedActivations(model, List.of(hook), excluded, length)) {
      int filled = 0;
      for (long window = 0; filled < rows; window++) {
        if (window == windows.size()) {
          throw new PalimpsestException(
              "the text has " + filled + " tokens of this split, the batch needs " + rows);
        }
        windows.read(window, one.ids(), 0);
        int count = Math.min(activations.run(one), rows - filled);
        copy(activations.x(0), x, filled, count);
        copy(activations.y(0), y, filled, count);
        filled += count;
      }
    }
    return new BenchBatch(x, y);
  }

  private static void copy(FloatPointer from, Tensor to, int row, int count) {
    try (PointerScope scope = new PointerScope()) {
      to.narrow(0, row, count).copy_(torch.from_blob(from, count, to.size(1)));
    }
  }
}
