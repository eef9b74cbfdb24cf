package dev.palimpsest.train;

import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.TestDevices;

class EmulatedQueueTest extends DeviceQueue {
  @Override
  Device device(Precision precision) {
    return TestDevices.emulated(precision);
  }
}
