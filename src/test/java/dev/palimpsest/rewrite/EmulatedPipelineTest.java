package dev.palimpsest.rewrite;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.TestDevices;

class EmulatedPipelineTest extends DevicePipeline {
  @Override
  Device device(Precision precision) {
    return TestDevices.emulated(precision);
  }
}
