package dev.palimpsest.safetensors;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Checksums;
import dev.palimpsest.base.PalimpsestException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Collects tensors and writes one safetensors file, whole or not at all. Arrays and pointers are
 * read only when the file is written, block by block: they must stay valid and unchanged until
 * then, and are never copied whole.
 *
 * <p>The same content gives the same bytes, whatever the order of the calls: tensors are laid out
 * as the reference writer does, widest dtype first (which keeps them aligned), then by name; the
 * header is padded with blanks to a multiple of 8.
 */
public final class SafeTensorsWriter {
  private static final int BLOCK_BYTES = 1 << 18;

  /** The order in which the reference writer sorts dtypes of different width, widest last. */
  private static final List<DType> ALIGNMENT =
      List.of(
          DType.BOOL,
          DType.U8,
          DType.I8,
          DType.F8_E5M2,
          DType.F8_E4M3,
          DType.I16,
          DType.U16,
          DType.F16,
          DType.BF16,
          DType.I32,
          DType.U32,
          DType.F32,
          DType.F64,
          DType.I64,
          DType.U64);

  private record Entry(TensorInfo info, TensorBytes content) {
    long bytes() {
      return info.elements() * info.dtype().bytes();
    }
  }

  private final Map<String, Entry> entries = new TreeMap<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /** Adds a pair of free-form text. */
  public SafeTensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds a checksum of the whole file to its metadata, which {@link SafeTensors#openSealed} asks
   * for and {@link SafeTensors#openChecked} compares. Other programs pass over it.
   */
  public SafeTensorsWriter sealed() {
    return metadata(Checksums.KEY, Checksums.BLANK);
  }

  /** Adds a float32 tensor. */
  public SafeTensorsWriter add(String name, long[] shape, float[] values) {
    return add(name, DType.F32, shape, values);
  }

  /** Adds an int32 tensor. */
  public SafeTensorsWriter add(String name, long[] shape, int[] values) {
    return add(name, DType.I32, shape, values);
  }

  /** Adds an int64 tensor. */
  public SafeTensorsWriter add(String name, long[] shape, long[] values) {
    checkLength(name, shape, values.length);
    return add(
        name,
        DType.I64,
        shape,
        channel ->
            inBlocks(
                channel,
                8,
                values.length,
                (from, count, block) -> block.asLongBuffer().put(values, (int) from, count)));
  }

  /**
   * Adds a tensor of a real dtype from float32 values.
   *
   * @param dtype F32, F16 or BF16 (rounded to nearest, ties to even)
   */
  public SafeTensorsWriter add(String name, DType dtype, long[] shape, float[] values) {
    checkLength(name, shape, values.length);
    BlockFiller filler =
        switch (dtype) {
          case F32 -> (from, count, block) -> block.asFloatBuffer().put(values, (int) from, count);
          case F16 ->
              (from, count, block) -> {
                for (int i = 0; i < count; i++) {
                  block.putShort(2 * i, HalfFloats.toFloat16(values[(int) from + i]));
                }
              };
          case BF16 ->
              (from, count, block) -> {
                for (int i = 0; i < count; i++) {
                  block.putShort(2 * i, HalfFloats.toBfloat16(values[(int) from + i]));
                }
              };
          default ->
              throw new IllegalArgumentException("float values cannot be stored as " + dtype);
        };
    return add(
        name, dtype, shape, channel -> inBlocks(channel, dtype.bytes(), values.length, filler));
  }

  /**
   * Adds a tensor of whole numbers.
   *
   * @param dtype I32, U32 or I64, or I16, U16, I8 or U8, to which the values are cut down
   */
  public SafeTensorsWriter add(String name, DType dtype, long[] shape, int[] values) {
    checkLength(name, shape, values.length);
    BlockFiller filler =
        switch (dtype.isWhole() ? dtype.bytes() : 0) {
          case 1 ->
              (from, count, block) -> {
                for (int i = 0; i < count; i++) {
                  block.put(i, (byte) values[(int) from + i]);
                }
              };
          case 2 ->
              (from, count, block) -> {
                for (int i = 0; i < count; i++) {
                  block.putShort(2 * i, (short) values[(int) from + i]);
                }
              };
          case 4 -> (from, count, block) -> block.asIntBuffer().put(values, (int) from, count);
          case 8 ->
              (from, count, block) -> {
                for (int i = 0; i < count; i++) {
                  block.putLong(8 * i, values[(int) from + i]);
                }
              };
          default ->
              throw new IllegalArgumentException("whole numbers cannot be stored as " + dtype);
        };
    return add(
        name, dtype, shape, channel -> inBlocks(channel, dtype.bytes(), values.length, filler));
  }

  /** Adds a float32 tensor from native memory, from the pointer's position on. */
  public SafeTensorsWriter add(String name, long[] shape, FloatPointer values) {
    long start = values.position();
    return add(
        name, DType.F32, shape, channel -> writeFloats(channel, values, start, elements(shape)));
  }

  /**
   * Adds a float32 or int64 CPU tensor under its own shape; what is not contiguous is made so when
   * written.
   */
  public SafeTensorsWriter add(String name, Tensor values) {
    return add(name, values.shape(), values);
  }

  /** Adds a float32 or int64 CPU tensor under another shape of as many elements. */
  public SafeTensorsWriter add(String name, long[] shape, Tensor values) {
    if (values.numel() != elements(shape)) {
      throw new IllegalArgumentException(
          name + ": " + values.numel() + " elements for shape " + Arrays.toString(shape));
    }
    torch.ScalarType type = values.scalar_type().intern();
    if (type == torch.ScalarType.Float) {
      return add(
          name,
          DType.F32,
          shape,
          channel -> {
            try (PointerScope scope = new PointerScope()) {
              Tensor dense = values.contiguous();
              if (dense.numel() > 0) {
                writeFloats(channel, dense.data_ptr_float(), 0, dense.numel());
              }
            }
          });
    }
    if (type == torch.ScalarType.Long) {
      return add(
          name,
          DType.I64,
          shape,
          channel -> {
            try (PointerScope scope = new PointerScope()) {
              if (values.numel() > 0) {
                writeLongs(channel, values.contiguous());
              }
            }
          });
    }
    throw new IllegalArgumentException(name + ": tensors of " + type + " cannot be stored");
  }

  /**
   * Adds a tensor whose bytes are produced while the file is written.
   *
   * @param content writes exactly {@code dtype.bytes()} times the product of {@code shape} bytes
   */
  public SafeTensorsWriter add(String name, DType dtype, long[] shape, TensorBytes content) {
    if (name.equals(SafeTensorsHeader.METADATA)) {
      throw new IllegalArgumentException("a tensor cannot be called " + name);
    }
    if (entries.put(name, new Entry(new TensorInfo(dtype, shape), content)) != null) {
      throw new IllegalArgumentException("there is a tensor '" + name + "' already");
    }
    return this;
  }

  /**
   * Writes the file in one step (see {@link AtomicFiles}).
   *
   * @throws PalimpsestException naming the file when it cannot be written; the old file, if any, is
   *     untouched
   */
  public void write(Path target) {
    List<Map.Entry<String, Entry>> ordered = new ArrayList<>(entries.entrySet());
    ordered.sort(
        Comparator.comparingInt(
                (Map.Entry<String, Entry> entry) ->
                    -ALIGNMENT.indexOf(entry.getValue().info().dtype()))
            .thenComparing(Map.Entry::getKey));
    byte[] header = header(ordered);
    AtomicFiles.write(
        target,
        channel -> {
          ByteBuffer start = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
          writeFully(channel, start.putLong(header.length).put(header).flip());
          for (Map.Entry<String, Entry> entry : ordered) {
            writeEntry(channel, entry.getKey(), entry.getValue());
          }
          if (metadata.containsKey(Checksums.KEY)) {
            FileSeal.put(channel, header);
          }
        });
  }

  private static void writeEntry(FileChannel channel, String name, Entry entry) throws IOException {
    long before = channel.position();
    entry.content().writeTo(channel);
    long written = channel.position() - before;
    if (written != entry.bytes()) {
      throw new IllegalStateException(
          "tensor '" + name + "' wrote " + written + " bytes, announced " + entry.bytes());
    }
  }

  private byte[] header(List<Map.Entry<String, Entry>> ordered) {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode root = mapper.createObjectNode();
    if (!metadata.isEmpty()) {
      metadata.forEach(root.putObject(SafeTensorsHeader.METADATA)::put);
    }
    long offset = 0;
    for (Map.Entry<String, Entry> entry : ordered) {
      TensorInfo info = entry.getValue().info();
      ObjectNode node = root.putObject(entry.getKey());
      node.put("dtype", info.dtype().name());
      Arrays.stream(info.shape()).forEach(node.putArray("shape")::add);
      long end = offset + entry.getValue().bytes();
      node.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json;
    try {
      json = mapper.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException failure) {
      throw new IllegalStateException("a tree of text and numbers is always JSON", failure);
    }
    byte[] padded = Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static void writeFloats(
      WritableByteChannel channel, FloatPointer values, long start, long elements)
      throws IOException {
    long position = values.position();
    float[] copy = new float[(int) Math.min(elements, BLOCK_BYTES / Float.BYTES)];
    try {
      inBlocks(
          channel,
          Float.BYTES,
          elements,
          (from, count, block) -> {
            values.position(start + from).get(copy, 0, count);
            block.asFloatBuffer().put(copy, 0, count);
          });
    } finally {
      values.position(position);
    }
  }

  private static void writeLongs(WritableByteChannel channel, Tensor dense) throws IOException {
    try (org.bytedeco.javacpp.LongPointer values = dense.data_ptr_long()) {
      long[] copy = new long[(int) Math.min(dense.numel(), BLOCK_BYTES / Long.BYTES)];
      inBlocks(
          channel,
          Long.BYTES,
          dense.numel(),
          (from, count, block) -> {
            values.position(from).get(copy, 0, count);
            block.asLongBuffer().put(copy, 0, count);
          });
    }
  }

  /** Puts {@code count} elements from element {@code from} on at the start of {@code block}. */
  @FunctionalInterface
  private interface BlockFiller {
    void fill(long from, int count, ByteBuffer block);
  }

  private static void inBlocks(
      WritableByteChannel channel, int elementBytes, long elements, BlockFiller filler)
      throws IOException {
    int most = BLOCK_BYTES / elementBytes;
    ByteBuffer block =
        ByteBuffer.allocateDirect((int) Math.min(elements, most) * elementBytes)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (long from = 0; from < elements; from += most) {
      int count = (int) Math.min(most, elements - from);
      block.clear().limit(count * elementBytes);
      filler.fill(from, count, block);
      writeFully(channel, block);
    }
  }

  private static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void checkLength(String name, long[] shape, int length) {
    if (elements(shape) != length) {
      throw new IllegalArgumentException(
          name + ": " + length + " values for shape " + Arrays.toString(shape));
    }
  }

  private static long elements(long[] shape) {
    return new TensorInfo(DType.F32, shape).elements();
  }
}
