package dev.palimpsest.coder;

import dev.palimpsest.kernels.CoderParameters;
import dev.palimpsest.kernels.ParameterArrays;
import dev.palimpsest.tensor.SafeTensorsWriter;
import dev.palimpsest.tensor.TensorReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One float for every parameter of a coder, in native memory: the parameters themselves, or their
 * gradients or moments. The names of the five arrays are sparsify's.
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

  private final NativeArrays memory = new NativeArrays();
  private final Part encoder;
  private final Part encoderBias;
  private final Part decoder;
  private final Part decoderBias;
  private final Optional<Part> skip;
  private final List<Part> parts = new ArrayList<>();

  /** All zeros, shaped for {@code config}. */
  public ParameterSet(CoderConfig config) {
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

  /** The kernels' view of these values as a coder. */
  CoderParameters asCoder(CoderConfig config) {
    return new CoderParameters(
        config.width(),
        config.numLatents(),
        encoder(),
        encoderBias(),
        decoder(),
        decoderBias(),
        skip(),
        config.subtractDecoderBias());
  }

  /** Native bytes held. */
  public long totalBytes() {
    return memory.totalBytes();
  }

  /** Copies all values of a set of the same shape. */
  public void copyFrom(ParameterSet other) {
    for (int i = 0; i < parts.size(); i++) {
      FloatPointer target = parts.get(i).values();
      FloatPointer source = other.parts.get(i).values();
      if (target.capacity() != source.capacity()) {
        throw new IllegalArgumentException("parameter sets of different shapes");
      }
      Pointer.memcpy(target, source, target.capacity() * Float.BYTES);
    }
  }

  /**
   * Adds every array under {@code prefix} + its name; the memory is read when the file is written.
   */
  public void addTo(SafeTensorsWriter writer, String prefix) {
    for (Part part : parts) {
      writer.add(prefix + part.name(), part.shape(), part.values());
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
      reader.readFloats(prefix + part.name(), part.values());
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
