package dev.palimpsest.train;

import dev.palimpsest.coder.ParameterSet;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.kernels.Memory;
import org.bytedeco.javacpp.FloatPointer;

/** The schedule-free average x = (y - (1 - b) z) / b, which is not stored while training. */
final class AveragedPoint {
  private static final int BLOCK = 1 << 14;

  private AveragedPoint() {}

  /** Writes x into {@code into}, from the parameters y and signum's z. */
  static void write(ParameterSet y, ParameterSet z, double momentum, ParameterSet into) {
    for (int part = 0; part < into.parts().size(); part++) {
      write(
          into.where(),
          y.parts().get(part).values(),
          z.parts().get(part).values(),
          (float) momentum,
          into.parts().get(part).values());
    }
  }

  private static void write(
      Memory where, FloatPointer y, FloatPointer z, float momentum, FloatPointer into) {
    float[] points = new float[BLOCK];
    float[] movingPoints = new float[BLOCK];
    for (long start = 0; start < into.capacity(); start += BLOCK) {
      int count = (int) Math.min(BLOCK, into.capacity() - start);
      where.get(Addresses.from(y, start), points, count);
      where.get(Addresses.from(z, start), movingPoints, count);
      for (int i = 0; i < count; i++) {
        points[i] = (float) ((points[i] - (1.0 - momentum) * movingPoints[i]) / momentum);
      }
      where.put(points, Addresses.from(into, start), count);
    }
  }
}
