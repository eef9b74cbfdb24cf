package dev.palimpsest.latents;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.HalfFloats;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatentCacheTest {
  private static final int LATENTS = 13;
  private static final int ROWS = 7;
  private static final int LENGTH = 20;

  @TempDir private Path folder;
  private final List<int[]> rows = SyntheticCache.rows(ROWS, LENGTH, 6, 11);

  /** Fires at a third of the tokens; latent 12 never. */
  private static float truth(int latent, int[] row, int position) {
    int hash = Math.floorMod(31 * latent + 17 * row[position] + 7 * position, 3);
    return latent == 12 || hash > 0 ? 0 : 0.25f + latent + 0.1f * position;
  }

  private void write(int batchRows) {
    SyntheticCache.write(folder, rows, LATENTS, batchRows, LatentCacheTest::truth);
  }

  private void assertHoldsTheTruth() {
    try (LatentCache cache = LatentCache.open(folder)) {
      assertThat(cache.latents()).isEqualTo(LATENTS);
      assertThat(cache.contextLength()).isEqualTo(LENGTH);
      for (int row = 0; row < ROWS; row++) {
        assertThat(cache.row(row)).isEqualTo(rows.get(row));
      }
      LatentStatistics statistics = cache.statistics();
      assertThat(statistics.alive()).isEqualTo(LATENTS - 1);
      for (int latent = 0; latent < LATENTS; latent++) {
        LatentRecord record = cache.activations(latent);
        int next = 0;
        for (int row = 0; row < ROWS; row++) {
          for (int position = 0; position < LENGTH; position++) {
            float truth = rows.get(row)[position] == 0 ? 0 : truth(latent, rows.get(row), position);
            if (truth > 0) {
              assertThat(record.rows()[next]).isEqualTo(row);
              assertThat(record.positions()[next]).isEqualTo(position);
              assertThat(record.activations()[next])
                  .isEqualTo(HalfFloats.fromFloat16(HalfFloats.toFloat16(truth)));
              next++;
            }
          }
        }
        assertThat(record.count()).isEqualTo(next);
        assertThat(cache.count(latent)).isEqualTo(next);
        assertThat(statistics.counts()[latent]).isEqualTo(next);
        assertThat(statistics.maxima()[latent]).isEqualTo(record.maximum());
      }
    }
  }

  @Test
  void keepsWhatItWasGiven() {
    write(3);
    assertHoldsTheTruth();
  }

  @Test
  void hasDelphisLayout() throws IOException {
    write(2);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "0_1.safetensors",
              "2_4.safetensors",
              "5_6.safetensors",
              "7_9.safetensors",
              "10_12.safetensors",
              "config.json");
    }
    try (SafeTensors file = SafeTensors.open(folder.resolve("2_4.safetensors"))) {
      long entries = file.info("activations").elements();
      assertThat(file.names()).containsExactlyInAnyOrder("locations", "activations", "tokens");
      assertThat(file.info("locations").dtype()).isEqualTo(DType.U16);
      assertThat(file.info("locations").shape()).containsExactly(entries, 3);
      assertThat(file.info("activations").dtype()).isEqualTo(DType.F16);
      assertThat(file.info("tokens").shape()).containsExactly(ROWS, LENGTH);
      assertThat(file.longs("locations")[2]).isZero();
    }
    assertThat(Files.readString(folder.resolve("config.json"))).contains("\"ctx_len\" : 20");
  }

  @Test
  void theBatchSizeLeavesNoTrace() throws IOException {
    write(1);
    byte[] one = Files.readAllBytes(folder.resolve("5_6.safetensors"));
    write(7);
    assertThat(Files.readAllBytes(folder.resolve("5_6.safetensors"))).isEqualTo(one);
  }

  @Test
  void anInterruptedBuilderLeavesNothingThatLooksWhole() {
    write(3);
    assertThat(LatentCache.isComplete(folder)).isTrue();
    LatentCacheBuilder interrupted = new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS);
    interrupted.add(SyntheticCache.batches(rows, LATENTS, 3, LatentCacheTest::truth).get(0));
    assertThat(LatentCache.isComplete(folder)).isFalse();
    write(3);
    assertHoldsTheTruth();
    interrupted.close();
  }

  @Test
  void readsFilesInTheOrderOfRows() {
    write(3);
    for (String name : List.of("0_1", "2_4", "5_6", "7_9", "10_12")) {
      shuffle(folder.resolve(name + ".safetensors"));
    }
    assertHoldsTheTruth();
  }

  /** Sorts a file's entries by (row, position), latents in random order within a position. */
  private static void shuffle(Path path) {
    long[] locations;
    float[] activations;
    long[] tokens;
    try (SafeTensors file = SafeTensors.open(path)) {
      locations = file.longs("locations");
      activations = file.floats("activations");
      tokens = file.longs("tokens");
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < activations.length; i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(5));
    order.sort(
        (a, b) ->
            Long.compare(
                locations[3 * a] * LENGTH + locations[3 * a + 1],
                locations[3 * b] * LENGTH + locations[3 * b + 1]));
    int[] sorted = new int[locations.length];
    float[] values = new float[activations.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = activations[order.get(i)];
      for (int c = 0; c < 3; c++) {
        sorted[3 * i + c] = (int) locations[3 * order.get(i) + c];
      }
    }
    new SafeTensorsWriter()
        .add("locations", DType.U32, new long[] {values.length, 3}, sorted)
        .add("activations", DType.F16, new long[] {values.length}, values)
        .add("tokens", new long[] {ROWS, LENGTH}, tokens)
        .write(path);
  }

  @Test
  void rejectsWhatIsNotACache() throws IOException {
    assertThatThrownBy(() -> LatentCache.open(folder)).isInstanceOf(PalimpsestException.class);
    write(3);
    Files.delete(folder.resolve("5_6.safetensors"));
    assertThatThrownBy(() -> LatentCache.open(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("5_6.safetensors");
  }
}
