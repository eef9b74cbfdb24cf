package dev.palimpsest.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class JsonTest {
  @SuppressWarnings("ArrayRecordComponent") // written, never compared
  private record Figures(
      double a, Float b, OptionalDouble c, double[] d, List<Double> e, float[] f) {}

  @Test
  void whatIsNoNumberIsNull() {
    Figures figures =
        new Figures(
            Double.NaN,
            Float.NEGATIVE_INFINITY,
            OptionalDouble.of(Double.POSITIVE_INFINITY),
            new double[] {1.5, Double.NaN},
            List.of(2.5, Double.NaN),
            new float[] {Float.NaN, 3});
    String expected =
        "{\"a\":null,\"b\":null,\"c\":null,\"d\":[1.5,null],\"e\":[2.5,null],\"f\":[null,3.0]}";
    assertThat(Json.line(figures)).isEqualTo(expected);
    assertThat(Json.pretty(figures).replaceAll("\\s", "")).isEqualTo(expected);
    Object tree = Json.MAPPER.valueToTree(Map.of("x", Double.NaN));
    assertThat(Json.line(tree)).isEqualTo("{\"x\":null}");
  }
}
