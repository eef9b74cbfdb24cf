package dev.palimpsest.coder;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Device;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Encodes the activations of a file: reads {@code x} [N, d] and, where present, {@code y} [N, d];
 * writes {@code latent_acts} [N, k] f32, {@code latent_indices} [N, k] i64, {@code out} [N, d] f32
 * and the scalar {@code fvu}. The FVU is against y, or against x for an autoencoder; a transcoder
 * without y has none. Rows are taken in parts, so that memory does not grow with their number.
 */
public final class FileEncoder {
  private static final String INPUT = "x";
  private static final String TARGET = "y";
  private static final int MOST_ROWS = 4096;
  private static final int MOST_ELEMENTS = 1 << 24;

  /**
   * What was encoded.
   *
   * @param rows N
   * @param k latents kept per row
   * @param l0 active latents per row, mean; 0 without rows
   * @param fvu fraction of variance unexplained, where there is a target that varies
   */
  public record Result(long rows, int k, double l0, OptionalDouble fvu) {}

  private final SparseCoder coder;
  private final int partRows;

  /** An encoder that takes rows in parts of a few megabytes. */
  public FileEncoder(SparseCoder coder) {
    this(coder, Math.max(1, Math.min(MOST_ROWS, MOST_ELEMENTS / coder.config().width())));
  }

  /** An encoder that takes {@code partRows} rows at a time. */
  FileEncoder(SparseCoder coder, int partRows) {
    this.coder = coder;
    this.partRows = partRows;
  }

  /**
   * Encodes {@code input} and writes {@code output}, whole or not at all.
   *
   * @throws PalimpsestException naming file, tensor, found and expected
   */
  public Result encode(Path input, Path output, Progress progress) {
    try (SafeTensors tensors = SafeTensors.open(input)) {
      long rows = rowsOf(input, tensors);
      boolean hasTarget = tensors.contains(TARGET);
      if (hasTarget) {
        tensors.expectShape(TARGET, rows, coder.config().width());
      }
      try (SpoolFile values = new SpoolFile(output);
          SpoolFile indices = new SpoolFile(output);
          SpoolFile outputs = new SpoolFile(output);
          Part part = new Part(coder, (int) Math.min(rows, partRows), hasTarget)) {
        long active = 0;
        for (long start = 0; start < rows; start += partRows) {
          long count = Math.min(partRows, rows - start);
          part.read(tensors, start, count);
          active += part.encode(coder, count, values, indices, outputs);
          progress.advanced("encoding", "rows", start + count, rows);
        }
        Optional<Double> fvu = part.fvu(coder.config());
        write(output, rows, values, indices, outputs, fvu);
        return new Result(
            rows,
            coder.config().k(),
            rows == 0 ? 0 : active / (double) rows,
            fvu.filter(Double::isFinite).map(OptionalDouble::of).orElse(OptionalDouble.empty()));
      }
    }
  }

  private long rowsOf(Path input, SafeTensors tensors) {
    long[] shape = tensors.info(INPUT).shape();
    int width = coder.config().width();
    if (shape.length != 2 || shape[1] != width) {
      throw new PalimpsestException(
          input
              + ": tensor '"
              + INPUT
              + "' has shape "
              + Arrays.toString(shape)
              + ", expected [rows, "
              + width
              + "], the coder's width");
    }
    return shape[0];
  }

  private void write(
      Path output,
      long rows,
      SpoolFile values,
      SpoolFile indices,
      SpoolFile outputs,
      Optional<Double> fvu) {
    long k = coder.config().k();
    SafeTensorsWriter writer =
        new SafeTensorsWriter()
            .add("latent_acts", DType.F32, new long[] {rows, k}, values::copyTo)
            .add("latent_indices", DType.I64, new long[] {rows, k}, indices::copyTo)
            .add("out", DType.F32, new long[] {rows, coder.config().width()}, outputs::copyTo);
    fvu.ifPresent(value -> writer.add("fvu", new long[0], new float[] {value.floatValue()}));
    writer.write(output);
  }

  /** The buffers of one part of the rows. */
  private static final class Part implements AutoCloseable {
    private final Device device;
    private final NativeArrays memory;
    private final NativeArrays host = new NativeArrays();
    private final int width;
    private final FloatPointer staging;
    private final FloatPointer x;
    private final FloatPointer out;
    private final Optional<FloatPointer> y;
    private final SparseActivations latents;
    private final StreamingFvu fvu;

    Part(SparseCoder coder, int rows, boolean hasTarget) {
      device = coder.device();
      memory = new NativeArrays(device.memory());
      width = coder.config().width();
      staging = host.floats(device.isHost() ? 0 : (long) rows * width);
      x = memory.floats((long) rows * width);
      out = memory.floats((long) rows * width);
      y = hasTarget ? Optional.of(memory.floats((long) rows * width)) : Optional.empty();
      latents = new SparseActivations(device.memory(), rows, coder.config().k());
      fvu = new StreamingFvu(width, device);
    }

    void read(SafeTensors tensors, long start, long rows) {
      read(tensors, INPUT, start, rows, x);
      y.ifPresent(target -> read(tensors, TARGET, start, rows, target));
    }

    private void read(SafeTensors tensors, String name, long start, long rows, FloatPointer into) {
      if (device.isHost()) {
        tensors.readFinite(name, start * width, rows * width, into);
      } else {
        tensors.readFinite(name, start * width, rows * width, staging);
        device.memory().fromHost(staging, into, rows * width);
      }
    }

    /** Encodes, decodes and stores the rows read; returns how many latents are active. */
    long encode(
        SparseCoder coder, long rows, SpoolFile values, SpoolFile indices, SpoolFile outputs) {
      coder.encode(x, rows, latents);
      coder.decode(latents, x, out);
      fvu.add(out, y.orElse(x), rows);
      float[] activations = latents.valuesArray(rows);
      values.append(activations);
      indices.append(latents.indicesArray(rows));
      float[] output = new float[Math.toIntExact(rows * width)];
      device.memory().get(out, output, output.length);
      outputs.append(output);
      long active = 0;
      for (float value : activations) {
        if (value > 0) {
          active++;
        }
      }
      return active;
    }

    Optional<Double> fvu(CoderConfig config) {
      return y.isPresent() || !config.transcode() ? Optional.of(fvu.value()) : Optional.empty();
    }

    @Override
    public void close() {
      fvu.close();
      latents.close();
      memory.close();
      host.close();
    }
  }
}
