package dev.palimpsest.simulate;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.JsonFaults;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.latents.ScratchLog;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * How far a fit of calibrations had come, on disk: a safetensors file with a checksum. Doubles are
 * kept as the 64-bit integers of their bits, so that the fit goes on from exactly these.
 */
final class CalibrationState {
  private static final String HEAD = "state";

  /**
   * @param identity of what is fitted to what
   * @param rows windows done
   * @param tokens of them that count
   * @param marks of the log of activations
   */
  private record Head(
      SortedMap<String, String> identity, long rows, long tokens, List<ScratchLog.Mark> marks) {}

  private final SafeTensorsWriter writer = new SafeTensorsWriter().sealed();
  private final Map<String, long[]> read = new TreeMap<>();
  private final Head head;

  CalibrationState(
      SortedMap<String, String> identity, long rows, long tokens, List<ScratchLog.Mark> marks) {
    head = new Head(new TreeMap<>(identity), rows, tokens, marks);
  }

  private CalibrationState(Head head) {
    this.head = head;
  }

  long rows() {
    return head.rows();
  }

  long tokens() {
    return head.tokens();
  }

  List<ScratchLog.Mark> marks() {
    return head.marks();
  }

  boolean isOf(SortedMap<String, String> identity) {
    return head.identity().equals(identity);
  }

  CalibrationState put(String name, long[] values) {
    writer.add(name, new long[] {values.length}, values);
    return this;
  }

  CalibrationState put(String name, double[] values) {
    long[] bits = new long[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Double.doubleToRawLongBits(values[i]);
    }
    return put(name, bits);
  }

  void write(Path file) {
    writer.metadata(HEAD, Json.line(head)).write(file);
  }

  long[] longs(String name, int count) {
    long[] values = read.get(name);
    if (values == null || (count >= 0 && values.length != count)) {
      throw new PalimpsestException("the state has no '" + name + "' of " + count);
    }
    return values;
  }

  double[] doubles(String name, int count) {
    long[] bits = longs(name, count);
    double[] values = new double[bits.length];
    for (int i = 0; i < bits.length; i++) {
      values[i] = Double.longBitsToDouble(bits[i]);
    }
    return values;
  }

  /**
   * @throws PalimpsestException where the file is damaged
   */
  static CalibrationState read(Path file) {
    try (SafeTensors tensors = SafeTensors.openSealed(file)) {
      CalibrationState state =
          new CalibrationState(
              Json.MAPPER.readValue(tensors.metadata().getOrDefault(HEAD, ""), Head.class));
      for (String name : tensors.names()) {
        state.read.put(name, tensors.longs(name));
      }
      return state;
    } catch (JsonProcessingException fault) {
      throw new PalimpsestException(file + ": " + JsonFaults.describe(fault), fault);
    }
  }
}
