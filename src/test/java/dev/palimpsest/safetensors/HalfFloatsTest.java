package dev.palimpsest.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {
  @Test
  void everyHalfSurvivesTheRoundTrip() {
    for (int bits = 0; bits < 65536; bits++) {
      short half = (short) bits;
      float sixteen = HalfFloats.fromFloat16(half);
      float brain = HalfFloats.fromBfloat16(half);
      if (!Float.isNaN(sixteen)) {
        assertThat(HalfFloats.toFloat16(sixteen)).isEqualTo(half);
      }
      if (!Float.isNaN(brain)) {
        assertThat(HalfFloats.toBfloat16(brain)).isEqualTo(half);
      }
    }
  }

  @Test
  void narrowingRoundsToNearestTiesToEven() {
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(1 + 0x1p-11f))).isEqualTo(1f);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(1 + 0x3p-11f))).isEqualTo(1 + 0x2p-10f);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(65519.99f))).isEqualTo(65504f);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(65520f)))
        .isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(-0x1p-25f))).isEqualTo(-0f);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(0x1.8p-24f))).isEqualTo(0x1p-23f);
    assertThat(HalfFloats.fromFloat16(HalfFloats.toFloat16(Float.NaN))).isNaN();
    assertThat(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(1 + 0x1p-8f))).isEqualTo(1f);
    assertThat(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(Float.MAX_VALUE)))
        .isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(Float.NaN))).isNaN();
    SplittableRandom random = new SplittableRandom(11);
    for (int i = 0; i < 100_000; i++) {
      float value = (float) (random.nextGaussian() * Math.exp(random.nextDouble(-16, 8)));
      float error = Math.abs(HalfFloats.fromFloat16(HalfFloats.toFloat16(value)) - value);
      assertThat(error).isLessThanOrEqualTo(Math.max(Math.abs(value) * 0x1p-11f, 0x1p-25f));
    }
  }
}
