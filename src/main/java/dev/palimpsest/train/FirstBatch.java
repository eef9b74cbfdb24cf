package dev.palimpsest.train;

import dev.palimpsest.coder.SparseCoder;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Centres a new coder on its first batch, as sparsify does: b_dec = mean(y); for a transcoder also
 * b_enc = -W_enc mean(x), so that pre-activations are centred (an autoencoder's are by the
 * subtraction of b_dec).
 */
final class FirstBatch {
  private FirstBatch() {}

  static void centre(SparseCoder coder, FloatPointer x, FloatPointer y, long rows) {
    int width = coder.config().width();
    double[] meanOfTargets = columnMeans(y, rows, width);
    float[] bias = new float[width];
    for (int i = 0; i < width; i++) {
      bias[i] = (float) meanOfTargets[i];
    }
    coder.decoderBias().put(bias);
    if (coder.config().transcode()) {
      coder.encoderBias().put(negativeImage(coder, columnMeans(x, rows, width)));
    }
  }

  private static double[] columnMeans(FloatPointer matrix, long rows, int width) {
    double[] sums = new double[width];
    float[] row = new float[width];
    FloatPointer cursor = new FloatPointer(matrix);
    long start = matrix.position();
    for (long r = 0; r < rows; r++) {
      cursor.position(start + r * width).get(row);
      for (int i = 0; i < width; i++) {
        sums[i] += row[i];
      }
    }
    for (int i = 0; i < width; i++) {
      sums[i] /= rows;
    }
    return sums;
  }

  /** -W_enc mean(x), [M]. */
  private static float[] negativeImage(SparseCoder coder, double[] mean) {
    int width = coder.config().width();
    float[] image = new float[coder.config().numLatents()];
    float[] row = new float[width];
    FloatPointer cursor = new FloatPointer(coder.encoder());
    for (int latent = 0; latent < image.length; latent++) {
      cursor.position((long) latent * width).get(row);
      double dot = 0;
      for (int i = 0; i < width; i++) {
        dot += row[i] * mean[i];
      }
      image[latent] = (float) -dot;
    }
    return image;
  }
}
