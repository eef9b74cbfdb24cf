package dev.palimpsest.train;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.KernelException;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.TestDevices;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

class EmulatedTrainingTest extends DeviceTraining {
  @Override
  Device device(Precision precision) {
    return TestDevices.emulated(precision);
  }

  @Test
  void memoryOfTheHostIsRefused() {
    try (SparseCoder coder =
            SparseCoder.initialise(CoderConfig.autoencoder(4, 8, 2), 1, device(Precision.FP32));
        CoderTrainer trainer = new CoderTrainer(coder, OptimizerConfig.of(Optimizer.ADAM), 5);
        NativeArrays host = new NativeArrays()) {
      FloatPointer x = host.floats(12);
      assertThatThrownBy(() -> trainer.step(x, x, 3))
          .isInstanceOf(KernelException.class)
          .hasMessageContaining("encode: x is not in these kernels' memory");
    }
  }
}
