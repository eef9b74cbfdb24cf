package dev.palimpsest.latents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CacheStageTest {
  private static final int LENGTH = 32;
  private static final int K = 8;

  @Test
  void cachesWhatTheCoderSays(@TempDir Path folder) throws IOException {
    Path source = ModelSource.resolve("embedded");
    try (LanguageModel model = LanguageModel.load(source);
        Tokenizer tokenizer = Tokenizer.load(source);
        SparseCoder coder =
            SparseCoder.initialise(
                CoderConfig.transcoder(model.config().width(), 300, K, true), 5)) {
      Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, folder.resolve("tokens"));
      TokenWindows windows = corpus.windows(Split.EXPLAIN, LENGTH);
      ExcludedTokens excluded = ExcludedTokens.of(corpus.separator());
      LatentStream stream = new LatentStream(model, coder, "layers.1.mlp", true, excluded);
      CacheConfig config = new CacheConfig(40 * LENGTH, 7, 3);
      Map<String, String> made = Map.of("coder", "new");
      Path cached = folder.resolve("latents");

      CacheStage.Result result = CacheStage.run(stream, windows, config, made, cached, n -> {});
      assertThat(result.built()).isTrue();
      assertThat(CacheStage.run(stream, windows, config, made, cached, n -> {}).built()).isFalse();

      Path damaged = cached.resolve("60_119.safetensors");
      byte[] bytes = Files.readAllBytes(damaged);
      bytes[bytes.length / 2] ^= 4;
      Files.write(damaged, bytes);
      assertThat(CacheStage.run(stream, windows, config, made, cached, n -> {}).built()).isTrue();
      bytes[bytes.length / 2] ^= 4;
      assertThat(Files.readAllBytes(damaged)).isEqualTo(bytes);

      long[] chosen = LatentStream.choose(windows, config.tokens(), config.seed());
      assertThat(chosen).hasSize(40).isSorted().doesNotHaveDuplicates();
      try (LatentCache cache = LatentCache.open(cached)) {
        float[][][] truth = new float[40][LENGTH][300];
        long[] counted = {0};
        stream.run(
            windows,
            chosen,
            40,
            batch -> {
              counted[0] += batch.kept().length;
              for (int i = 0; i < batch.kept().length; i++) {
                int place = batch.kept()[i];
                assertThat(batch.tokens()[place]).isNotEqualTo(corpus.separator());
                for (int slot = i * K; slot < (i + 1) * K; slot++) {
                  truth[place / LENGTH][place % LENGTH][batch.latents()[slot]] =
                      Math.max(0, batch.activations()[slot]);
                }
              }
            });
        assertThat(cache.header().tokens()).isEqualTo(counted[0]).isLessThan(40 * LENGTH);
        for (int row = 0; row < 40; row++) {
          assertThat(cache.row(row)).isEqualTo(windows.read(chosen[row]));
        }
        long firings = 0;
        for (int latent = 0; latent < 300; latent++) {
          LatentRecord record = cache.activations(latent);
          firings += record.count();
          for (int i = 0; i < record.count(); i++) {
            float expected = truth[record.rows()[i]][record.positions()[i]][latent];
            assertThat(record.activations()[i])
                .isCloseTo(expected, org.assertj.core.api.Assertions.withinPercentage(0.5));
          }
        }
        assertThat(firings).isBetween(counted[0] * K * 9 / 10, counted[0] * K);
      }
    }
  }
}
