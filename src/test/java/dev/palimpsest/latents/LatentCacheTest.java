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
import java.util.Map;
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
    LatentCacheBuilder interrupted =
        new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, Map.of());
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

  @Test
  void noActivationIsLostToItsFormat() {
    for (float extreme : new float[] {70_000, 1e30f, 1e-9f}) {
      SyntheticCache.write(
          folder,
          rows,
          LATENTS,
          3,
          (latent, row, p) -> p == 4 && latent == 3 ? extreme : truth(latent, row, p));
      try (SafeTensors file = SafeTensors.open(folder.resolve("0_1.safetensors"))) {
        assertThat(file.info("activations").dtype()).isEqualTo(DType.F32);
      }
      try (LatentCache cache = LatentCache.open(folder)) {
        assertThat(cache.activations(3).activations()).contains(extreme);
      }
    }
    write(3);
    assertHoldsTheTruth();
  }

  @Test
  void whatIsNotFiniteIsNotCached() {
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      assertThatThrownBy(
              () ->
                  SyntheticCache.write(
                      folder, rows, LATENTS, 3, (latent, row, p) -> latent == 3 ? bad : 0))
          .isInstanceOf(PalimpsestException.class)
          .hasMessageContaining("latent 3 is " + bad);
    }
  }

  @Test
  void aFlippedBitIsFoundWhereverItIs() throws IOException {
    write(3);
    for (String name : List.of("2_4.safetensors", "config.json")) {
      Path file = folder.resolve(name);
      byte[] good = Files.readAllBytes(file);
      Random random = new Random(2);
      for (int trial = 0; trial < 200; trial++) {
        byte[] bad = good.clone();
        int at = random.nextInt(bad.length);
        bad[at] ^= (byte) (1 << random.nextInt(8));
        Files.write(file, bad);
        assertThatThrownBy(() -> LatentCache.open(folder).close())
            .as("%s, byte %d", name, at)
            .isInstanceOf(PalimpsestException.class)
            .hasMessageContaining(name);
      }
      Files.write(file, good);
    }
    assertHoldsTheTruth();
  }

  /** Delphi's files have no checksum: what they say is compared with the header. */
  @Test
  void impossibleEntriesAreRefused() {
    write(3);
    refuse(new int[] {0, 0, 3}, 1, "latent 3 of a file of 3");
    refuse(new int[] {ROWS, 0, 1}, 1, "row 7 in a cache of 7 rows");
    refuse(new int[] {0, LENGTH, 1}, 1, "position 20 of row 0");
    refuse(new int[] {0, 5, 1, 0, 5, 1}, 1, "latent 3 do not ascend");
    refuse(new int[] {0, 5, 1, 0, 4, 1}, 1, "latent 3 do not ascend");
    refuse(new int[] {0, 5, 1}, Float.POSITIVE_INFINITY, "activation Infinity");
    refuse(new int[] {0, 5, 1}, Float.NaN, "activation NaN");
    refuse(new int[] {0, 5, 1}, -1, "activation -1");
  }

  private void refuse(int[] locations, float activation, String why) {
    float[] activations = new float[locations.length / 3];
    java.util.Arrays.fill(activations, activation);
    new SafeTensorsWriter()
        .add("locations", DType.U32, new long[] {activations.length, 3}, locations)
        .add("activations", new long[] {activations.length}, activations)
        .add("tokens", new long[] {ROWS, LENGTH}, new long[ROWS * LENGTH])
        .write(folder.resolve("2_4.safetensors"));
    assertThatThrownBy(() -> LatentCache.open(folder).close())
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("2_4.safetensors")
        .hasMessageContaining(why);
  }

  @Test
  void tokensMustBeTokensAndFitTheHeader() {
    write(3);
    long[] tokens = new long[ROWS * LENGTH];
    tokens[30] = -1;
    writeTokens(new long[] {ROWS, LENGTH}, tokens);
    assertThatThrownBy(() -> LatentCache.open(folder).close())
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("0_1.safetensors: token -1");
    writeTokens(new long[] {LENGTH, ROWS}, new long[ROWS * LENGTH]);
    assertThatThrownBy(() -> LatentCache.open(folder).close())
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("tokens [20, 7], expected [7, 20]");
  }

  private void writeTokens(long[] shape, long[] tokens) {
    new SafeTensorsWriter()
        .add("locations", DType.U32, new long[] {0, 3}, new int[0])
        .add("activations", new long[] {0}, new float[0])
        .add("tokens", shape, tokens)
        .write(folder.resolve("0_1.safetensors"));
  }

  @Test
  void aStoppedBuilderIsGoneOnWith() throws IOException {
    write(3);
    byte[] whole = Files.readAllBytes(folder.resolve("5_6.safetensors"));
    List<LatentBatch> batches = SyntheticCache.batches(rows, LATENTS, 3, LatentCacheTest::truth);
    Map<String, String> source = Map.of("test", "synthetic");
    LatentCacheBuilder stopped =
        new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, source);
    stopped.add(batches.get(0));
    stopped.keep();
    stopped.add(batches.get(1)); // lost: it was not kept
    stopped.close();
    try (LatentCacheBuilder other =
        new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, Map.of("test", "other"))) {
      assertThat(other.rowsAdded()).isZero();
    }
    stopped = new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, source);
    assertThat(stopped.rowsAdded()).isZero();
    stopped.add(batches.get(0));
    stopped.keep();
    stopped.close();
    try (LatentCacheBuilder again =
        new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, source)) {
      assertThat(again.rowsAdded()).isEqualTo(3);
      again.add(batches.get(1));
      again.add(batches.get(2));
      again.finish(
          new CacheHeader(
              "layers.0.mlp", LATENTS, LENGTH, ROWS, again.countedTokens(), 5, List.of(0), source));
    }
    assertThat(Files.readAllBytes(folder.resolve("5_6.safetensors"))).isEqualTo(whole);
    assertThat(folder.resolve(".building")).doesNotExist();
    assertHoldsTheTruth();
  }

  @Test
  void damagedScratchIsNotGoneOnWith() throws IOException {
    List<LatentBatch> batches = SyntheticCache.batches(rows, LATENTS, 3, LatentCacheTest::truth);
    for (String name : List.of("group-2", "tokens", "state.json")) {
      LatentCacheBuilder stopped =
          new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, Map.of());
      stopped.add(batches.get(0));
      stopped.keep();
      stopped.close();
      Path file = folder.resolve(".building").resolve(name);
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 1;
      Files.write(file, bytes);
      try (LatentCacheBuilder again =
          new LatentCacheBuilder(folder, LATENTS, LENGTH, ROWS, LATENTS, Map.of())) {
        assertThat(again.rowsAdded()).as(name).isZero();
        batches.forEach(again::add);
      }
    }
  }
}
