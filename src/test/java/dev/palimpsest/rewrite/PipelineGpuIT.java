package dev.palimpsest.rewrite;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.TestDevices;

class PipelineGpuIT extends DevicePipeline {
  @Override
  Device device(Precision precision) {
    return TestDevices.gpu(precision);
  }
}
