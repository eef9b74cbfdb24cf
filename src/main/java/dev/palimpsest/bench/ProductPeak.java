package dev.palimpsest.bench;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.kernels.Operands;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The most that our own product reaches here, on operands that stay in the caches. */
final class ProductPeak {
  private static final int ROWS = 480;
  private static final int SIDE = 1024;
  private static final int TRIALS = 60;

  private ProductPeak() {}

  /** 10⁹ multiplications and additions a second, at its best. */
  static double gflops(Precision precision) {
    Operands operands = precision == Precision.BF16 ? Operands.BF16 : Operands.FP32;
    try (PointerScope scope = new PointerScope()) {
      Tensor weight = torch.randn(SIDE, SIDE);
      Tensor x = torch.randn(ROWS, SIDE);
      Tensor y = torch.randn(ROWS, SIDE);
      Tensor packed =
          Tensors.empty(torch.ScalarType.Byte, DenseLayer.packedBytes(operands, SIDE, SIDE));
      DenseLayer.pack(
          operands,
          Tensors.memory(weight),
          Operands.FP32,
          SIDE,
          SIDE,
          1,
          SIDE,
          Tensors.memory(packed));
      DenseLayer layer =
          new DenseLayer(operands, SIDE, SIDE, Tensors.memory(packed), Optional.empty());
      double best = Double.POSITIVE_INFINITY;
      for (int i = 0; i < TRIALS; i++) {
        best =
            Math.min(
                best,
                Timings.time(() -> layer.apply(x.data_ptr_float(), ROWS, y.data_ptr_float())));
      }
      packed.close();
      return 2e-6 * ROWS * SIDE * SIDE / best;
    }
  }
}
