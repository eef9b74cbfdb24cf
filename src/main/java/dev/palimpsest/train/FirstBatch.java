package dev.palimpsest.train;

import dev.palimpsest.coder.Columns;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.Memory;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Centres a new coder on its first batch, as sparsify does: b_dec = mean(y); for a transcoder also
 * b_enc = -W_enc mean(x), so that pre-activations are centred (an autoencoder's are by the
 * subtraction of b_dec).
 */
final class FirstBatch {
  /** Elements of the encoder that pass through the heap at a time. */
  private static final int BLOCK = 1 << 16;

  private FirstBatch() {}

  static void centre(SparseCoder coder, FloatPointer x, FloatPointer y, long rows) {
    int width = coder.config().width();
    Memory memory = coder.device().memory();
    double[] mean = new double[width];
    Columns.means(memory, y, rows, mean);
    float[] bias = new float[width];
    for (int i = 0; i < width; i++) {
      bias[i] = (float) mean[i];
    }
    memory.put(bias, coder.decoderBias(), width);
    if (coder.config().transcode()) {
      Columns.means(memory, x, rows, mean);
      float[] image = negativeImage(coder, mean);
      memory.put(image, coder.encoderBias(), image.length);
    }
    coder.refresh();
  }

  /** -W_enc mean(x), [M]. */
  private static float[] negativeImage(SparseCoder coder, double[] mean) {
    int width = mean.length;
    float[] image = new float[coder.config().numLatents()];
    int blockRows = Math.min(image.length, Math.max(1, BLOCK / width));
    float[] block = new float[blockRows * width];
    for (int start = 0; start < image.length; start += blockRows) {
      int count = Math.min(blockRows, image.length - start);
      FloatPointer rows = Addresses.from(coder.encoder(), (long) start * width);
      coder.device().memory().get(rows, block, count * width);
      for (int row = 0; row < count; row++) {
        double dot = 0;
        for (int i = 0; i < width; i++) {
          dot += block[row * width + i] * mean[i];
        }
        image[start + row] = (float) -dot;
      }
    }
    return image;
  }
}
