package dev.palimpsest.activations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.safetensors.HalfFloats;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a cache holds is what the model computes, rounded; and nothing is written without room. */
class ActivationCacheTest {
  private static final List<Hook> HOOKS =
      List.of(new Hook("layers.1.mlp", true), new Hook("layers.2", false));
  private static final int LENGTH = 32;

  @TempDir static Path folder;

  @SuppressWarnings("NullAway.Init")
  private static LanguageModel model;

  @SuppressWarnings("NullAway.Init")
  private static Corpus text;

  @BeforeAll
  static void load() {
    Path source = ModelSource.resolve(ModelSource.EMBEDDED);
    model = LanguageModel.load(source);
    text =
        Corpus.openFor(
            source,
            model.config().vocabularySize(),
            List.of(ModelSource.EMBEDDED),
            0,
            folder.resolve("tokens"),
            CorpusOptions.defaults());
  }

  @AfterAll
  static void close() {
    model.close();
  }

  private static CacheRequest request(StoredType type, long windows) {
    return new CacheRequest(
        HOOKS,
        new ModelDigest(Map.of("model.safetensors", "ab")),
        text,
        LENGTH,
        windows * LENGTH,
        type,
        ExcludedTokens.of(text.separator()),
        3 * LENGTH,
        1);
  }

  private static ActivationCache write(String name, StoredType type, long windows) {
    return new ActivationCacheWriter(
            request(type, windows), model, folder.resolve(name), Progress.SILENT)
        .write(false);
  }

  private static float[] floats(FloatPointer rows, int count) {
    float[] values = new float[count];
    Device.cpu().memory().get(rows, values, count);
    return values;
  }

  @Test
  void rowsAreTheModelsOwnRounded() {
    TokenWindows windows = text.windows(Split.TRAIN, LENGTH);
    ExcludedTokens excluded = ExcludedTokens.of(text.separator());
    for (StoredType type : StoredType.values()) {
      ActivationCache cache = write(type.label(), type, 40);
      // Batches that end within a window, and a hook that both others share a part with.
      int batch = 3 * LENGTH - 5;
      List<Hook> hooks =
          List.of(HOOKS.get(1), HOOKS.get(0), new Hook(HOOKS.get(0).hookpoint(), false));
      CachedOrder order = cache.order(windows, 0);
      try (CachedRows rows =
              new CachedRows(cache, hooks, windows, 0, batch, excluded, Device.cpu());
          HookedActivations live = new HookedActivations(model, hooks, excluded, batch)) {
        for (long step : new long[] {0, 1, 2, 9, 3, 3, 30}) {
          TokenBatch tokens = rows.newBatch();
          rows.load(step, tokens);
          for (int row = 0; row < 3; row++) {
            assertThat(windows.read(order.window(order.slot(3 * step + row))))
                .containsExactly(
                    java.util.Arrays.copyOfRange(tokens.ids(), row * LENGTH, (row + 1) * LENGTH));
          }
          int n = live.run(tokens, batch);
          assertThat(rows.rows()).isEqualTo(n).isPositive();
          int count = n * rows.width();
          for (int hook = 0; hook < hooks.size(); hook++) {
            assertThat(floats(rows.x(hook), count))
                .isEqualTo(rounded(type, floats(live.x(hook), count)));
            assertThat(floats(rows.y(hook), count))
                .isEqualTo(rounded(type, floats(live.y(hook), count)));
          }
        }
      }
    }
  }

  private static float[] rounded(StoredType type, float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case FP16 -> HalfFloats.fromFloat16(HalfFloats.toFloat16(values[i]));
            case BF16 -> HalfFloats.fromBfloat16(HalfFloats.toBfloat16(values[i]));
            case FP32 -> values[i];
          };
    }
    return values;
  }

  @Test
  void aPartOfTheSplitIsReadInTheSplitsOrderOnceAndThenInItsOwn() {
    TokenWindows windows = text.windows(Split.TRAIN, LENGTH);
    ActivationCache cache = write("part", StoredType.FP16, 50);
    WindowOrder live = CachePlan.order(windows.size(), 0);
    CachedOrder own = cache.order(windows, 0);
    CachedOrder other = cache.order(windows, 3);
    List<Long> first = new ArrayList<>();
    List<Long> second = new ArrayList<>();
    List<Long> others = new ArrayList<>();
    for (int position = 0; position < 50; position++) {
      assertThat(own.window(own.slot(position))).isEqualTo(live.at(position));
      first.add(own.slot(position));
      second.add(own.slot(50 + position));
      others.add(other.slot(position));
    }
    assertThat(second).isNotEqualTo(first).containsExactlyInAnyOrderElementsOf(first);
    assertThat(others).isNotEqualTo(first).containsExactlyInAnyOrderElementsOf(first);
    assertThat(new TreeSet<>(first)).hasSize(50);
  }

  @Test
  void nothingIsWrittenWithoutRoom() {
    Path out = folder.resolve("no-room");
    List<String> said = new ArrayList<>();
    Progress progress =
        new Progress() {
          @Override
          public void advanced(String what, String unit, long done, long total, String note) {}

          @Override
          public void says(String line) {
            said.add(line);
          }
        };
    // 60 windows of 32 tokens, three parts of 128 numbers in two bytes: 1.4 MiB.
    assertThatThrownBy(
            () ->
                new ActivationCacheWriter(
                        request(StoredType.FP16, 60), model, out, progress, where -> 17_000_000)
                    .write(false))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("take 1.4 MiB, the disk has 16.2 MiB left");
    assertThat(said).singleElement().asString().contains("1.4 MiB in 2 shards, 1.4 MiB to write");
    assertThat(out).doesNotExist();
    new ActivationCacheWriter(
            request(StoredType.FP16, 60), model, out, progress, where -> 19_000_000)
        .write(false);
    // Finished, it needs no room.
    new ActivationCacheWriter(request(StoredType.FP16, 60), model, out, progress, where -> 0)
        .write(false);
    assertThat(said.get(2)).contains("0.0 MiB to write");
  }

  @Test
  void numbersBeyondTheStoredTypeAreCounted() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    float[] values = {1, 65_519, 65_520, 2};
    assertThat(StoredType.FP16.narrow(values, 0, 4, bytes, 0)).isEqualTo(2);
    assertThat(StoredType.BF16.narrow(values, 0, 4, bytes, 0)).isEqualTo(4);
    assertThat(StoredType.BF16.narrow(new float[] {0, Float.MAX_VALUE}, 0, 2, bytes, 0))
        .isEqualTo(1);
    assertThat(StoredType.FP32.narrow(new float[] {Float.NaN}, 0, 1, bytes, 0)).isZero();
  }

  @Test
  void whatCannotBeMeantIsRefused() {
    assertThatThrownBy(() -> request(StoredType.FP16, 0))
        .isInstanceOf(UsageException.class)
        .hasMessage("--tokens is 0, expected at least one context of 32 (--ctx-len)");
    assertThatThrownBy(() -> StoredType.labelled("int8"))
        .isInstanceOf(UsageException.class)
        .hasMessage("unknown dtype 'int8', expected one of fp16, bf16, fp32");
  }
}
