package dev.palimpsest.tensor;

import dev.palimpsest.kernels.CoderKernels;
import dev.palimpsest.kernels.Memory;
import java.nio.FloatBuffer;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Where a coder or a language model lives and computes: the kernels, the memory they work in, and
 * the libtorch device of the same name. What must get from the heap into a tensor of the device, or
 * from a tensor to the kernels, goes through here; arrays go through {@link #memory}.
 */
public final class Device {
  private static final Device CPU =
      new Device("cpu", CoderKernels.cpu(), Precision.FP32, Optional.empty(), () -> 0);

  private final String name;
  private final CoderKernels kernels;
  private final Precision precision;
  private final Optional<TorchMemory> remote;
  private final LongSupplier usedBytes;

  private Device(
      String name,
      CoderKernels kernels,
      Precision precision,
      Optional<TorchMemory> remote,
      LongSupplier usedBytes) {
    this.name = name;
    this.kernels = kernels;
    this.precision = precision;
    this.remote = remote;
    this.usedBytes = usedBytes;
  }

  /** The machine's processor and its memory. */
  public static Device cpu() {
    return CPU;
  }

  /**
   * A device with a memory of its own.
   *
   * @param name for people
   * @param kernels which work in {@code memory}
   * @param memory of the libtorch device
   * @param precision of coders' products
   * @param usedBytes bytes of the device's memory in use
   */
  public static Device remote(
      String name,
      CoderKernels kernels,
      TorchMemory memory,
      Precision precision,
      LongSupplier usedBytes) {
    return new Device(name, kernels, precision, Optional.of(memory), usedBytes);
  }

  /** {@code cpu} or {@code cuda}. */
  public String name() {
    return name;
  }

  /** What computes here, for people. */
  public String describe() {
    return remote.isEmpty() ? kernels.describe() : kernels.describe() + ", " + precision.label();
  }

  /** The kernels. */
  public CoderKernels kernels() {
    return kernels;
  }

  /** Where the kernels work. */
  public Memory memory() {
    return kernels.memory();
  }

  /** Whether memory here is the host's, so that pointers and tensors may be read in place. */
  public boolean isHost() {
    return remote.isEmpty();
  }

  /** What coders' products are computed in; always fp32 on the CPU. */
  public Precision precision() {
    return precision;
  }

  /**
   * Bytes of the device's memory in use; 0 on the CPU. Memory once taken is kept for the next use,
   * so at the end of a run this is the most that there was.
   */
  public long usedBytes() {
    return usedBytes.getAsLong();
  }

  /** Waits until all work that was queued is done, as a stopwatch must. */
  public void finish() {
    remote.ifPresent(TorchMemory::finish);
  }

  /** An uninitialised tensor that the caller owns. */
  public Tensor empty(torch.ScalarType type, long... shape) {
    if (remote.isEmpty()) {
      return Tensors.empty(type, shape);
    }
    try (PointerScope scope = new PointerScope()) {
      return Tensors.keep(torch.empty(shape, remote.get().options(type), none()));
    }
  }

  /** A copy of {@code values} as a float32 tensor that the caller owns. */
  public Tensor of(float[] values, long... shape) {
    return place(Tensors.of(values, shape));
  }

  /** A copy of {@code values} as an int64 tensor that the caller owns. */
  public Tensor of(long[] values, long... shape) {
    return place(Tensors.of(values, shape));
  }

  /**
   * Brings a tensor of the host here.
   *
   * @param host owned by the caller, who gives it up
   * @return the tensor itself on the CPU, else its copy; the caller owns it
   */
  public Tensor place(Tensor host) {
    if (remote.isEmpty()) {
      return host;
    }
    try (PointerScope scope = new PointerScope();
        Tensor given = host) {
      Tensor copy = torch.empty(given.shape(), remote.get().options(given.scalar_type()), none());
      // Nobody waits for it: the driver takes ordinary memory over before the call returns.
      return Tensors.keep(copy.copy_(given, true));
    }
  }

  /** The data of a contiguous float32 tensor of this device, for its kernels; a view. */
  public FloatPointer data(Tensor tensor) {
    return remote.isEmpty() ? tensor.data_ptr_float() : remote.get().data(tensor);
  }

  /**
   * Copies rows of a tensor into an array, both of this device.
   *
   * @param from float32 [..., width], contiguous
   * @param rows int64 [n], of this device: which of the flattened rows
   * @param into [n, width]
   */
  public void gather(Tensor from, Tensor rows, FloatPointer into) {
    try (PointerScope scope = new PointerScope()) {
      long width = from.size(-1);
      Tensor target = view(into, rows.numel(), width);
      torch.index_select_out(target, from.view(-1, width), 0, rows);
    }
  }

  /**
   * Copies an array to rows of a tensor, both of this device; other rows stay as they are.
   *
   * @param from [n, width]
   * @param rows int64 [n], of this device: which of the flattened rows
   * @param into float32 [..., width], contiguous
   */
  public void scatter(FloatPointer from, Tensor rows, Tensor into) {
    try (PointerScope scope = new PointerScope()) {
      long width = into.size(-1);
      into.view(-1, width).index_copy_(0, rows, view(from, rows.numel(), width));
    }
  }

  /** Multiplies the first {@code count} elements of an array of this device. */
  public void scale(FloatPointer array, long count, float factor) {
    if (remote.isEmpty()) {
      FloatBuffer buffer = array.asBuffer();
      for (int i = 0; i < count; i++) {
        buffer.put(i, buffer.get(i) * factor);
      }
      return;
    }
    try (PointerScope scope = new PointerScope()) {
      view(array, count).mul_(new Scalar(factor));
    }
  }

  /** A float32 tensor over an array of this device; belongs to the open scope. */
  public Tensor view(FloatPointer array, long... shape) {
    return remote.isEmpty()
        ? torch.from_blob(array, shape)
        : remote.get().here(array, torch.ScalarType.Float, shape);
  }

  private static org.bytedeco.pytorch.MemoryFormatOptional none() {
    return new org.bytedeco.pytorch.MemoryFormatOptional();
  }
}
