package dev.palimpsest.model;

import dev.palimpsest.kernels.DenseLayer;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Tensors;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
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
   * @param weight on the host, [out, in] or, if {@code transposed}, [in, out]; taken over
   * @param bias on the host, [out]; taken over
   * @param owned receives what must be freed with the model
   */
  static Linear of(
      Device device,
      Tensor weight,
      boolean transposed,
      Optional<Tensor> bias,
      List<Pointer> owned) {
    if (device.isHost()) {
      try (weight) {
        return packed(device, weight, transposed, bias, owned);
      }
    }
    Tensor placed = kept(device.place(weight), owned);
    TensorOptional placedBias =
        bias.map(values -> new TensorOptional(kept(device.place(values), owned)))
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
      Tensor weight,
      boolean transposed,
      Optional<Tensor> bias,
      List<Pointer> owned) {
    long out = weight.size(transposed ? 1 : 0);
    long in = weight.size(transposed ? 0 : 1);
    Tensor packed =
        kept(device.empty(torch.ScalarType.Float, DenseLayer.packedFloats(in, out)), owned);
    FloatPointer values = keptPointer(device, packed, owned);
    DenseLayer.pack(
        device.data(weight), in, out, transposed ? out : 1, transposed ? 1 : in, values);
    return new Packed(
        device,
        new DenseLayer(
            in, out, values, bias.map(tensor -> keptPointer(device, kept(tensor, owned), owned))));
  }

  private static Tensor kept(Tensor tensor, List<Pointer> owned) {
    owned.add(tensor);
    return tensor;
  }

  private static FloatPointer keptPointer(Device device, Tensor tensor, List<Pointer> owned) {
    FloatPointer pointer = device.data(tensor);
    pointer.retainReference();
    owned.add(pointer);
    return pointer;
  }

  /** On the host, by our own kernel. */
  record Packed(Device device, DenseLayer layer) implements Linear {
    @Override
    public Tensor apply(Tensor x) {
      long[] shape = x.shape();
      shape[shape.length - 1] = layer.out();
      Tensor result = device.empty(torch.ScalarType.Float, shape);
      PointerScope.getInnerScope().attach(result);
      result.releaseReference();
      try (Tensor dense = x.contiguous()) {
        layer.apply(device.data(dense), x.numel() / layer.in(), device.data(result));
      }
      return result;
    }
  }

  /**
   * Elsewhere, by libtorch.
   *
   * @param weight [out, in]; may be a transposed view
   * @param bias [out], or an empty optional
   */
  record OnDevice(Tensor weight, TensorOptional bias) implements Linear {
    @Override
    public Tensor apply(Tensor x) {
      return torch.linear(x, weight, bias);
    }
  }
}
