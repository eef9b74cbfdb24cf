package dev.palimpsest.model;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.kernels.Operands;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** x Wᵀ + b, from [..., in] to a new tensor [..., out]. */
sealed interface Linear {
  /** A new tensor, which belongs to the innermost scope. */
  Tensor apply(Tensor x);

  /**
   * A layer for a device: our own kernel on the host, libtorch elsewhere.
   *
   * @param precision of the product's operands
   * @param weight on the host, [out, in] or, if {@code transposed}, [in, out]; float32, or bfloat16
   *     where that is the precision; taken over
   * @param bias on the host, [out], float32; taken over
   * @param owned receives what must be freed with the model
   */
  static Linear of(
      Device device,
      Precision precision,
      Tensor weight,
      boolean transposed,
      Optional<Tensor> bias,
      List<Pointer> owned) {
    if (device.isHost()) {
      try (weight) {
        return packed(device, precision, weight, transposed, bias, owned);
      }
    }
    Tensor placed = kept(device.place(weight), owned);
    TensorOptional placedBias =
        bias.map(values -> new TensorOptional(kept(placed(device, values, precision), owned)))
            .orElseGet(TensorOptional::new);
    placedBias.retainReference();
    owned.add(placedBias);
    if (transposed) {
      placed = kept(Tensors.keep(placed.t()), owned);
    }
    return new OnDevice(placed, placedBias);
  }

  /** A layer on the host by our own kernel; {@code weight} stays the caller's. */
  static Linear packed(
      Device device,
      Precision precision,
      Tensor weight,
      boolean transposed,
      Optional<Tensor> bias,
      List<Pointer> owned) {
    long out = weight.size(transposed ? 1 : 0);
    long in = weight.size(transposed ? 0 : 1);
    Operands operands = operands(precision == Precision.BF16);
    Tensor packed =
        kept(device.empty(torch.ScalarType.Byte, DenseLayer.packedBytes(operands, in, out)), owned);
    Pointer values = keptPointer(Tensors.memory(packed), owned);
    DenseLayer.pack(
        operands,
        Tensors.memory(weight),
        operands(Tensors.isBfloat16(weight)),
        in,
        out,
        transposed ? out : 1,
        transposed ? 1 : in,
        values);
    return new Packed(
        device,
        packed,
        new DenseLayer(
            operands,
            in,
            out,
            values,
            bias.map(tensor -> keptPointer(device.data(kept(tensor, owned)), owned))));
  }

  private static Operands operands(boolean rounded) {
    return rounded ? Operands.BF16 : Operands.FP32;
  }

  /** Brings a bias, which is given up, to a device, in the type of its weight. */
  private static Tensor placed(Device device, Tensor bias, Precision precision) {
    if (precision == Precision.FP32) {
      return device.place(bias);
    }
    try (PointerScope scope = new PointerScope();
        bias) {
      return device.place(Tensors.keep(bias.to(torch.ScalarType.BFloat16)));
    }
  }

  private static Tensor kept(Tensor tensor, List<Pointer> owned) {
    owned.add(tensor);
    return tensor;
  }

  private static <P extends Pointer> P keptPointer(P pointer, List<Pointer> owned) {
    pointer.retainReference();
    owned.add(pointer);
    return pointer;
  }

  /**
   * On the host, by our own kernel.
   *
   * @param bytes the packed weights
   */
  record Packed(Device device, Tensor bytes, DenseLayer layer) implements Linear {
    @Override
    public Tensor apply(Tensor x) {
      long[] shape = x.shape();
      shape[shape.length - 1] = layer.out();
      Tensor result = Tensors.lend(device.empty(torch.ScalarType.Float, shape));
      try (Tensor dense = x.contiguous()) {
        layer.apply(device.data(dense), x.numel() / layer.in(), device.data(result));
      }
      return result;
    }
  }

  /**
   * Elsewhere, by libtorch.
   *
   * @param weight [out, in], float32 or bfloat16; may be a transposed view
   * @param bias [out], of the same type, or an empty optional
   */
  record OnDevice(Tensor weight, TensorOptional bias) implements Linear {
    @Override
    public Tensor apply(Tensor x) {
      return Tensors.isBfloat16(weight)
          ? Tensors.floats(torch.linear(x.to(torch.ScalarType.BFloat16), weight, bias))
          : torch.linear(x, weight, bias);
    }
  }
}
