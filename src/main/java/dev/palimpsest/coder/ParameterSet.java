package dev.palimpsest.coder;

import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.CoderParameters;
import dev.palimpsest.kernels.HostMemory;
import dev.palimpsest.kernels.Memory;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.kernels.ParameterArrays;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.safetensors.TensorReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One float for every parameter of a coder, where its kernels work: the parameters themselves, or
 * their gradients or moments. The names of the five arrays are sparsify's.
 */
public final class ParameterSet implements AutoCloseable {
  static final String ENCODER = "encoder.weight";
  static final String ENCODER_BIAS = "encoder.bias";
  static final String DECODER = "W_dec";
  static final String DECODER_BIAS = "b_dec";
  static final String SKIP = "W_skip";

  /**
   * One of the arrays.
   *
   * @param name its name in files
   * @param shape its sizes, outermost first
   * @param values its elements, row-major
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared; made and read in one place
  public record Part(String name, long[] shape, FloatPointer values) {
    /** The number of elements. */
    public long elements() {
      return values.capacity();
    }
  }

  /** Elements that pass through the heap at a time. */
  private static final int BLOCK = 1 << 16;

  private final Memory where;
  private final NativeArrays memory;
  private final Part encoder;
  private final Part encoderBias;
  private final Part decoder;
  private final Part decoderBias;
  private final Optional<Part> skip;
  private final List<Part> parts = new ArrayList<>();

  /** All zeros, shaped for {@code config}, in the machine's own memory. */
  public ParameterSet(CoderConfig config) {
    this(config, HostMemory.INSTANCE);
  }

  /** All zeros, shaped for {@code config}, where some kernels work. */
  public ParameterSet(CoderConfig config, Memory where) {
    this.where = where;
    this.memory = new NativeArrays(where);
    long latents = config.numLatents();
    long width = config.width();
    encoder = allocate(ENCODER, latents, width);
    encoderBias = allocate(ENCODER_BIAS, latents);
    decoder = allocate(DECODER, latents, width);
    decoderBias = allocate(DECODER_BIAS, width);
    skip = config.skipConnection() ? Optional.of(allocate(SKIP, width, width)) : Optional.empty();
  }

  /** W_enc [M, d]. */
  public FloatPointer encoder() {
    return encoder.values();
  }

  /** b_enc [M]. */
  public FloatPointer encoderBias() {
    return encoderBias.values();
  }

  /** W_dec [M, d]. */
  public FloatPointer decoder() {
    return decoder.values();
  }

  /** b_dec [d]. */
  public FloatPointer decoderBias() {
    return decoderBias.values();
  }

  /** W_skip [d out, d in], where there is a skip connection. */
  public Optional<FloatPointer> skip() {
    return skip.map(Part::values);
  }

  /** All arrays, always in the same order. */
  public List<Part> parts() {
    return List.copyOf(parts);
  }

  /** The kernels' view of these values as gradients or moments. */
  public ParameterArrays asArrays() {
    return new ParameterArrays(encoder(), encoderBias(), decoder(), decoderBias(), skip());
  }

  /** The kernels' view of these values as a coder; {@code operands} as there. */
  CoderParameters asCoder(CoderConfig config, Optional<Pointer> operands) {
    return new CoderParameters(
        config.width(),
        config.numLatents(),
        encoder(),
        encoderBias(),
        decoder(),
        decoderBias(),
        skip(),
        config.subtractDecoderBias(),
        operands);
  }

  /** Bytes held. */
  public long totalBytes() {
    return memory.totalBytes();
  }

  /** Where the values are. */
  public Memory where() {
    return where;
  }

  /** Copies all values of a set of the same shape in the same memory. */
  public void copyFrom(ParameterSet other) {
    for (int i = 0; i < parts.size(); i++) {
      FloatPointer target = parts.get(i).values();
      FloatPointer source = other.parts.get(i).values();
      if (target.capacity() != source.capacity()) {
        throw new IllegalArgumentException("parameter sets of different shapes");
      }
      where.copy(source, target, target.capacity());
    }
  }

  /**
   * Adds every array under {@code prefix} + its name; the memory is read when the file is written.
   */
  public void addTo(SafeTensorsWriter writer, String prefix) {
    for (Part part : parts) {
      if (where.isHost()) {
        writer.add(prefix + part.name(), part.shape(), part.values());
      } else {
        writer.add(
            prefix + part.name(), DType.F32, part.shape(), channel -> writeTo(channel, part));
      }
    }
  }

  /**
   * Reads every array from {@code prefix} + its name.
   *
   * @throws dev.palimpsest.base.PalimpsestException naming file, tensor, found and expected
   */
  public void readFrom(TensorReader reader, String prefix) {
    for (Part part : parts) {
      reader.expectShape(prefix + part.name(), part.shape());
    }
    for (Part part : parts) {
      if (where.isHost()) {
        reader.readFloats(prefix + part.name(), part.values());
      } else {
        try (NativeArrays host = new NativeArrays()) {
          FloatPointer read = host.floats(part.elements());
          reader.readFloats(prefix + part.name(), read);
          where.fromHost(read, part.values(), part.elements());
        }
      }
    }
  }

  private void writeTo(WritableByteChannel channel, Part part) throws IOException {
    float[] values = new float[(int) Math.min(BLOCK, part.elements())];
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long start = 0; start < part.elements(); start += values.length) {
      int count = (int) Math.min(values.length, part.elements() - start);
      where.get(Addresses.from(part.values(), start), values, count);
      bytes.clear().limit(count * Float.BYTES);
      bytes.asFloatBuffer().put(values, 0, count);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
  }

  @Override
  public void close() {
    memory.close();
  }

  private Part allocate(String name, long... shape) {
    long elements = 1;
    for (long size : shape) {
      elements = Math.multiplyExact(elements, size);
    }
    Part part = new Part(name, shape, memory.floats(elements));
    parts.add(part);
    return part;
  }
}
