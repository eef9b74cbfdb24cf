package dev.palimpsest.safetensors;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.LfsPointer;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Quoted;
import dev.palimpsest.tensor.Tensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * One safetensors file, validated when opened. Tensors are read on demand, a small block at a time,
 * straight into the memory that will hold them, so that loading a model needs no second copy and
 * leaves nothing mapped behind (a mapping is released by Java only at some later garbage
 * collection, and a file that shrinks under it kills the process). The pages come from the system's
 * file cache either way. Safe for concurrent readers.
 */
public final class SafeTensors implements TensorReader {
  private static final int BLOCK_BYTES = 1 << 18;
  private static final int CHECKED_AT_ONCE = 1 << 14;
  private static final int INFINITY_BITS = 0x7F80_0000;

  private final Path file;
  private final FileChannel channel;
  private final SafeTensorsHeader header;

  private SafeTensors(Path file, FileChannel channel, SafeTensorsHeader header) {
    this.file = file;
    this.channel = channel;
    this.header = header;
  }

  /**
   * Opens and validates a file.
   *
   * @throws PalimpsestException naming the file, the tensor, what was found and what was expected
   */
  public static SafeTensors open(Path file) {
    return open(file, (path, channel, header) -> {});
  }

  /**
   * Opens and validates a file and compares its checksum, if it has one (see {@link
   * SafeTensorsWriter#sealed}): for files that other programs write too. Reads the whole file.
   *
   * @throws PalimpsestException as {@link #open}, and where the checksum is wrong
   */
  public static SafeTensors openChecked(Path file) {
    return open(
        file,
        (path, channel, header) -> {
          if (header.metadata().containsKey(Checksums.KEY)) {
            FileSeal.require(path, channel);
          }
        });
  }

  /**
   * {@link #openChecked} for files that only this program writes: they must have a checksum.
   *
   * @throws PalimpsestException as {@link #open}, and where the checksum is wrong or absent
   */
  public static SafeTensors openSealed(Path file) {
    return open(file, (path, channel, header) -> FileSeal.require(path, channel));
  }

  /** A further check of a file whose header is good. */
  private interface Check {
    void accept(Path file, FileChannel channel, SafeTensorsHeader header) throws IOException;
  }

  private static SafeTensors open(Path file, Check check) {
    LfsPointer.refuse(file);
    FileChannel channel;
    try {
      channel = FileChannel.open(file, StandardOpenOption.READ);
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
    try {
      SafeTensorsHeader header = SafeTensorsHeader.read(file, channel);
      check.accept(file, channel, header);
      return new SafeTensors(file, channel, header);
    } catch (IOException failure) {
      closeQuietly(channel, failure);
      throw unreadable(file, failure);
    } catch (RuntimeException failure) {
      closeQuietly(channel, failure);
      throw failure;
    }
  }

  /** The file's path as given. */
  public Path file() {
    return file;
  }

  @Override
  public Set<String> names() {
    return header.entries().keySet();
  }

  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }

  @Override
  public TensorInfo info(String name) {
    return entry(name).info();
  }

  @Override
  public String describe(String name) {
    return file.toString();
  }

  @Override
  public float[] floats(String name) {
    SafeTensorsHeader.Entry entry = realEntry(name);
    return floats(entry, arrayLength(name, entry));
  }

  /**
   * Part of a tensor of a real dtype, in the order of its elements.
   *
   * @param from first element
   * @param count number of elements
   */
  public float[] floats(String name, long from, int count) {
    return floats(part(name, realEntry(name), from, count), count);
  }

  private float[] floats(SafeTensorsHeader.Entry entry, int length) {
    float[] values = new float[length];
    int[] filled = {0};
    DType dtype = entry.info().dtype();
    stream(entry, block -> filled[0] += widen(dtype, block, values, filled[0]));
    return values;
  }

  @Override
  public long[] longs(String name) {
    SafeTensorsHeader.Entry entry = wholeEntry(name);
    return longs(entry, arrayLength(name, entry));
  }

  /** Part of a tensor of whole numbers, as {@link #floats(String, long, int)}. */
  public long[] longs(String name, long from, int count) {
    return longs(part(name, wholeEntry(name), from, count), count);
  }

  private long[] longs(SafeTensorsHeader.Entry entry, int length) {
    long[] values = new long[length];
    int[] filled = {0};
    DType dtype = entry.info().dtype();
    stream(entry, block -> filled[0] += widen(dtype, block, values, filled[0]));
    return values;
  }

  private SafeTensorsHeader.Entry part(
      String name, SafeTensorsHeader.Entry whole, long from, int count) {
    long elements = whole.info().elements();
    if (from < 0 || count < 0 || from + count > elements) {
      throw new IllegalArgumentException(
          name + ": elements " + from + " to " + (from + count) + " of " + elements);
    }
    DType dtype = whole.info().dtype();
    return new SafeTensorsHeader.Entry(
        new TensorInfo(dtype, new long[] {count}),
        whole.position() + from * dtype.bytes(),
        (long) count * dtype.bytes());
  }

  @Override
  public void readFloats(String name, FloatPointer into) {
    readFloats(name, 0, info(name).elements(), into, true);
  }

  /**
   * Reads part of a real tensor of finite numbers into native memory of the caller's, as float32.
   *
   * @param from first element, row-major
   * @param elements how many
   * @param into room for them, from its position on
   * @throws PalimpsestException naming the first number that is a NaN or an infinity
   */
  public void readFinite(String name, long from, long elements, FloatPointer into) {
    readFloats(name, from, elements, into, true);
  }

  @Override
  public void readBfloat16(String name, ShortPointer into) {
    long start = into.position();
    try {
      if (realEntry(name).info().dtype() == DType.BF16) {
        copyBfloat16(name, into);
      } else {
        roundToBfloat16(name, into);
      }
    } finally {
      into.position(start);
    }
  }

  private void roundToBfloat16(String name, ShortPointer into) {
    long start = into.position();
    long elements = info(name).elements();
    short[] rounded = new short[(int) Math.min(elements, BLOCK_BYTES / 2)];
    blocks(
        name,
        0,
        elements,
        true,
        (from, block, count) -> {
          for (int i = 0; i < count; i++) {
            rounded[i] = HalfFloats.toBfloat16(block[i]);
          }
          into.position(start + from).put(rounded, 0, count);
        });
  }

  /** What needs no rounding goes from the file to where it belongs. */
  private void copyBfloat16(String name, ShortPointer into) {
    SafeTensorsHeader.Entry entry = entry(name);
    long elements = entry.info().elements();
    // Tested in an array, where the loop over them becomes vectors.
    short[] numbers = new short[(int) Math.min(elements, CHECKED_AT_ONCE)];
    try (ShortPointer part = new ShortPointer(into)) {
      long start = part.position();
      for (long done = 0; done < elements; ) {
        int count = (int) Math.min(elements - done, BLOCK_BYTES / Short.BYTES);
        ByteBuffer bytes = part.limit(start + done + count).position(start + done).asByteBuffer();
        try {
          SafeTensorsHeader.readFully(channel, bytes, entry.position() + done * DType.BF16.bytes());
        } catch (IOException failure) {
          throw unreadable(file, failure);
        }
        ShortBuffer read = bytes.flip().order(ByteOrder.nativeOrder()).asShortBuffer();
        for (int at = 0; at < count; at += numbers.length) {
          int some = Math.min(numbers.length, count - at);
          read.get(numbers, 0, some);
          requireFinite(name, numbers, some, done + at);
        }
        done += count;
      }
    }
  }

  private void readFloats(
      String name, long from, long elements, FloatPointer into, boolean mustBeFinite) {
    long start = into.position();
    try {
      blocks(
          name,
          from,
          elements,
          mustBeFinite,
          (done, block, count) -> into.position(start + done).put(block, 0, count));
    } finally {
      into.position(start);
    }
  }

  /** Takes some elements of a tensor, of which {@code done} have been taken. */
  private interface Block {
    void take(long done, float[] block, int count);
  }

  private void blocks(String name, long from, long elements, boolean mustBeFinite, Block sink) {
    SafeTensorsHeader.Entry entry = realEntry(name);
    if (from < 0 || elements < 0 || from + elements > entry.info().elements()) {
      throw new IllegalArgumentException(
          elements + " elements from " + from + " of " + entry.info().elements());
    }
    DType dtype = entry.info().dtype();
    float[] block = new float[(int) Math.min(elements, BLOCK_BYTES / dtype.bytes())];
    long[] filled = {0};
    stream(
        entry,
        from * dtype.bytes(),
        elements * dtype.bytes(),
        bytes -> {
          int count = widen(dtype, bytes, block, 0);
          if (mustBeFinite) {
            requireFinite(name, block, count, from + filled[0]);
          }
          sink.take(filled[0], block, count);
          filled[0] += count;
        });
  }

  /**
   * Weights that are no numbers would make everything after them so. The test is one pass over a
   * block that lies in the processor's cache, over bits, which the compiler turns into vectors.
   */
  private void requireFinite(String name, float[] block, int count, long first) {
    int largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Float.floatToRawIntBits(block[i]) & Integer.MAX_VALUE);
    }
    if (largest < INFINITY_BITS) {
      return;
    }
    int at = 0;
    while (Float.isFinite(block[at])) {
      at++;
    }
    throw notFinite(name, block[at], first + at);
  }

  /** The same of numbers in bf16. */
  private void requireFinite(String name, short[] block, int count, long first) {
    int largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, block[i] & Short.MAX_VALUE);
    }
    if (largest < INFINITY_BITS >>> Short.SIZE) {
      return;
    }
    int at = 0;
    while (Float.isFinite(HalfFloats.fromBfloat16(block[at]))) {
      at++;
    }
    throw notFinite(name, HalfFloats.fromBfloat16(block[at]), first + at);
  }

  private PalimpsestException notFinite(String name, float value, long element) {
    return new PalimpsestException(
        file
            + ": tensor '"
            + Quoted.of(name)
            + "' has "
            + value
            + " at element "
            + element
            + " of "
            + info(name)
            + ", expected finite numbers");
  }

  /**
   * Maps a tensor of F16, BF16 or F32 of less than 2 GiB. It outlives this object.
   *
   * @throws PalimpsestException where it has another dtype
   */
  public MappedTensor map(String name) {
    SafeTensorsHeader.Entry entry = entry(name);
    DType dtype = entry.info().dtype();
    if (dtype != DType.F16 && dtype != DType.BF16 && dtype != DType.F32) {
      throw wrongType(name, entry, "F16, BF16 or F32");
    }
    try {
      ByteBuffer bytes =
          channel.map(FileChannel.MapMode.READ_ONLY, entry.position(), entry.bytes());
      return new MappedTensor(dtype, bytes.order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
  }

  @Override
  public Tensor torch(String name) {
    TensorInfo info = info(name);
    if (info.dtype().isReal()) {
      Tensor tensor = Tensors.empty(torch.ScalarType.Float, info.shape());
      return filled(
          tensor, () -> readFloats(name, 0, info.elements(), tensor.data_ptr_float(), false));
    }
    SafeTensorsHeader.Entry entry = wholeEntry(name);
    Tensor tensor = Tensors.empty(torch.ScalarType.Long, info.shape());
    return filled(tensor, () -> readLongs(entry, tensor.data_ptr_long()));
  }

  private void readLongs(SafeTensorsHeader.Entry entry, LongPointer into) {
    DType dtype = entry.info().dtype();
    long[] block = new long[BLOCK_BYTES / dtype.bytes()];
    long[] filled = {0};
    stream(
        entry,
        bytes -> {
          int count = widen(dtype, bytes, block, 0);
          into.position(filled[0]).put(block, 0, count);
          filled[0] += count;
        });
  }

  private static Tensor filled(Tensor tensor, Runnable read) {
    try {
      if (tensor.numel() > 0) { // an empty tensor has no memory to read into
        read.run();
      }
      return tensor;
    } catch (RuntimeException failure) {
      tensor.close();
      throw failure;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException failure) {
      throw unreadable(file, failure);
    }
  }

  private SafeTensorsHeader.Entry entry(String name) {
    SafeTensorsHeader.Entry entry = header.entries().get(name);
    if (entry == null) {
      throw new PalimpsestException(
          file + ": no tensor '" + Quoted.of(name) + "'" + NameHints.near(name, names()));
    }
    return entry;
  }

  private SafeTensorsHeader.Entry realEntry(String name) {
    SafeTensorsHeader.Entry entry = entry(name);
    if (!entry.info().dtype().isReal()) {
      throw wrongType(name, entry, "F16, BF16, F32 or F64");
    }
    return entry;
  }

  private SafeTensorsHeader.Entry wholeEntry(String name) {
    SafeTensorsHeader.Entry entry = entry(name);
    if (!entry.info().dtype().isWhole()) {
      throw wrongType(name, entry, "whole numbers (I64, I32, U16, …)");
    }
    return entry;
  }

  private PalimpsestException wrongType(
      String name, SafeTensorsHeader.Entry entry, String expected) {
    return new PalimpsestException(
        file
            + ": tensor '"
            + name
            + "' has dtype "
            + entry.info().dtype()
            + ", expected "
            + expected);
  }

  private int arrayLength(String name, SafeTensorsHeader.Entry entry) {
    long elements = entry.info().elements();
    if (elements > Integer.MAX_VALUE - 8) {
      throw new PalimpsestException(
          file + ": tensor '" + name + "' has " + elements + " elements, too many for one array");
    }
    return (int) elements;
  }

  /** Hands all the tensor's bytes on, block by block; a block holds whole elements. */
  private void stream(SafeTensorsHeader.Entry entry, Consumer<ByteBuffer> sink) {
    stream(entry, 0, entry.bytes(), sink);
  }

  /** Hands the tensor's bytes from {@code from} to before {@code from + length} on. */
  private void stream(
      SafeTensorsHeader.Entry entry, long from, long length, Consumer<ByteBuffer> sink) {
    ByteBuffer block =
        ByteBuffer.allocateDirect((int) Math.min(BLOCK_BYTES, Math.max(length, 1)))
            .order(ByteOrder.LITTLE_ENDIAN);
    long done = 0;
    while (done < length) {
      block.clear().limit((int) Math.min(block.capacity(), length - done));
      try {
        SafeTensorsHeader.readFully(channel, block, entry.position() + from + done);
      } catch (IOException failure) {
        throw unreadable(file, failure);
      }
      done += block.flip().remaining();
      sink.accept(block);
    }
  }

  /**
   * Converts a whole block to float32 at {@code values[from …]}; returns how many elements it held.
   */
  private static int widen(DType dtype, ByteBuffer block, float[] values, int from) {
    int count = block.remaining() / dtype.bytes();
    switch (dtype) {
      case F32 -> block.asFloatBuffer().get(values, from, count);
      case F64 -> {
        for (int i = 0; i < count; i++) {
          values[from + i] = (float) block.getDouble(8 * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          values[from + i] = HalfFloats.fromFloat16(block.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          values[from + i] = HalfFloats.fromBfloat16(block.getShort(2 * i));
        }
      }
      default -> throw new IllegalStateException("not a real dtype: " + dtype);
    }
    return count;
  }

  /**
   * Converts a whole block to int64 at {@code values[from …]}; returns how many elements it held.
   */
  private static int widen(DType dtype, ByteBuffer block, long[] values, int from) {
    int count = block.remaining() / dtype.bytes();
    for (int i = 0; i < count; i++) {
      values[from + i] =
          switch (dtype) {
            case BOOL, U8 -> block.get(i) & 0xFFL;
            case I8 -> block.get(i);
            case I16 -> block.getShort(2 * i);
            case U16 -> block.getShort(2 * i) & 0xFFFFL;
            case I32 -> block.getInt(4 * i);
            case U32 -> block.getInt(4 * i) & 0xFFFFFFFFL;
            case I64, U64 -> block.getLong(8 * i);
            default -> throw new IllegalStateException("not a dtype of whole numbers: " + dtype);
          };
    }
    return count;
  }

  private static PalimpsestException unreadable(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot read " + file + ": " + AtomicFiles.describe(failure), failure);
  }

  private static void closeQuietly(FileChannel channel, Exception because) {
    try {
      channel.close();
    } catch (IOException second) {
      because.addSuppressed(second);
    }
  }
}
