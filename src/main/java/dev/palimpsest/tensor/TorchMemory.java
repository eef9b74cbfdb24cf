package dev.palimpsest.tensor;

import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.HostMemory;
import dev.palimpsest.kernels.Memory;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The memory of a libtorch device: blocks come from libtorch's own allocator, copies are libtorch's
 * and so keep their place among the work on its current stream.
 */
public class TorchMemory implements Memory {
  /** What the CUDA kernels ask of scratch memory. */
  private static final int ALIGNMENT = 256;

  private final Device device;
  private final Supplier<@Nullable Pointer> stream;
  private final Map<Long, Tensor> blocks = new HashMap<>();
  private FloatPointer last = new FloatPointer();
  private Pointer staging = new Pointer();
  private long stagingBytes;

  /**
   * @param device as libtorch calls it: {@code cuda}
   * @param stream the device's current stream, asked for at every call of a kernel
   */
  public TorchMemory(String device, Supplier<@Nullable Pointer> stream) {
    this.stream = stream;
    this.device = new Device(device);
    this.device.retainReference();
  }

  @Override
  public boolean isHost() {
    return false;
  }

  @Override
  public synchronized Pointer allocate(long bytes) {
    try (PointerScope scope = new PointerScope()) {
      long size = Math.addExact(bytes, ALIGNMENT);
      Tensor block = Tensors.keep(torch.zeros(new long[] {size}, options(torch.ScalarType.Byte)));
      long start = (block.data_ptr().address() + ALIGNMENT - 1) & -ALIGNMENT;
      blocks.put(start, block);
      return Addresses.at(start);
    }
  }

  @Override
  public synchronized void free(Pointer allocated) {
    Tensor block = blocks.remove(Addresses.of(allocated));
    if (block == null) {
      throw new IllegalArgumentException("not allocated here, or freed before");
    }
    block.close();
  }

  @Override
  public boolean holds(Pointer array) {
    return true;
  }

  @Override
  public @Nullable Pointer stream() {
    return stream.get();
  }

  @Override
  public void copy(FloatPointer from, FloatPointer into, long count) {
    try (PointerScope scope = new PointerScope()) {
      here(into, torch.ScalarType.Float, count).copy_(here(from, torch.ScalarType.Float, count));
    }
  }

  @Override
  public void toHost(FloatPointer from, FloatPointer host, long count) {
    download(from, torch.ScalarType.Float, host, count);
  }

  @Override
  public void fromHost(FloatPointer host, FloatPointer into, long count) {
    upload(host, torch.ScalarType.Float, into, count);
  }

  @Override
  public synchronized void get(FloatPointer from, float[] into, int count) {
    FloatPointer host = new FloatPointer(staging((long) count * Float.BYTES));
    download(from, torch.ScalarType.Float, host, count);
    host.get(into, 0, count);
  }

  @Override
  public synchronized void get(IntPointer from, int[] into, int count) {
    IntPointer host = new IntPointer(staging((long) count * Integer.BYTES));
    download(from, torch.ScalarType.Int, host, count);
    host.get(into, 0, count);
  }

  @Override
  public synchronized void get(LongPointer from, long[] into, int count) {
    LongPointer host = new LongPointer(staging((long) count * Long.BYTES));
    download(from, torch.ScalarType.Long, host, count);
    host.get(into, 0, count);
  }

  @Override
  public synchronized void get(DoublePointer from, double[] into, int count) {
    DoublePointer host = new DoublePointer(staging((long) count * Double.BYTES));
    download(from, torch.ScalarType.Double, host, count);
    host.get(into, 0, count);
  }

  @Override
  public synchronized void put(float[] from, FloatPointer into, int count) {
    FloatPointer host = new FloatPointer(staging((long) count * Float.BYTES));
    host.put(from, 0, count);
    upload(host, torch.ScalarType.Float, into, count);
  }

  @Override
  public synchronized void put(int[] from, IntPointer into, int count) {
    IntPointer host = new IntPointer(staging((long) count * Integer.BYTES));
    host.put(from, 0, count);
    upload(host, torch.ScalarType.Int, into, count);
  }

  @Override
  public synchronized void put(long[] from, LongPointer into, int count) {
    LongPointer host = new LongPointer(staging((long) count * Long.BYTES));
    host.put(from, 0, count);
    upload(host, torch.ScalarType.Long, into, count);
  }

  /** Waits until all work that was queued is done. */
  synchronized void finish() {
    if (last.isNull()) {
      last = new FloatPointer(allocate(Float.BYTES));
    }
    get(last, new float[1], 1);
  }

  /** A tensor over elements of this memory; belongs to the open scope, the memory to its owner. */
  Tensor here(Pointer array, torch.ScalarType type, long... shape) {
    return torch.from_blob(Addresses.raw(array), shape, options(type));
  }

  /** The data of a float32 tensor of this device, for the kernels; a view. */
  protected FloatPointer data(Tensor tensor) {
    return tensor.data_ptr_float();
  }

  /** What to make tensors of this device with; belongs to the open scope. */
  TensorOptions options(torch.ScalarType type) {
    return new TensorOptions(type).device(new DeviceOptional(device));
  }

  private void download(Pointer from, torch.ScalarType type, Pointer host, long count) {
    try (PointerScope scope = new PointerScope()) {
      onHost(host, type, count).copy_(here(from, type, count));
    }
  }

  /**
   * Does not wait for the device: the driver has taken ordinary memory over when the call returns
   * (CUDA's "API synchronization behavior"), so {@code host} may change then.
   */
  private void upload(Pointer host, torch.ScalarType type, Pointer into, long count) {
    try (PointerScope scope = new PointerScope()) {
      here(into, type, count).copy_(onHost(host, type, count), true);
    }
  }

  private static Tensor onHost(Pointer array, torch.ScalarType type, long count) {
    return torch.from_blob(Addresses.raw(array), new long[] {count}, new TensorOptions(type));
  }

  /** Host memory that data passes through on its way to and from the heap; kept for the next. */
  private Pointer staging(long bytes) {
    if (bytes > stagingBytes) {
      if (!staging.isNull()) {
        HostMemory.INSTANCE.free(staging);
      }
      staging = HostMemory.INSTANCE.allocate(bytes);
      stagingBytes = bytes;
    }
    return staging;
  }
}
