package dev.palimpsest.rivals;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** Puts features side by side, and a column of ones behind them for the bias. */
final class Columns {
  private Columns() {}

  /**
   * @param parts each [n, some]
   * @return [n, all + 1], in the open scope
   */
  static Tensor withOnes(Device device, Tensor... parts) {
    float[] ones = new float[(int) parts[0].size(0)];
    Arrays.fill(ones, 1);
    TensorVector columns = new TensorVector(parts);
    columns.push_back(Tensors.lend(device.of(ones, ones.length, 1)));
    return torch.cat(columns, 1);
  }
}
