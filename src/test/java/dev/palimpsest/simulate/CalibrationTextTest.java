package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calibrations are fitted on the windows and positions of the protocol that uses them. */
class CalibrationTextTest {
  private static final int LATENTS = 200;
  private static final int K = 8;

  @TempDir Path folder;

  @Test
  void meansAreThoseOfTheProtocolsPositions() {
    Path source = ModelSource.resolve("embedded");
    try (LanguageModel model = LanguageModel.load(source);
        Tokenizer tokenizer = Tokenizer.load(source);
        SparseCoder coder =
            SparseCoder.initialise(
                CoderConfig.transcoder(model.config().width(), LATENTS, K, true), 5)) {
      Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, folder.resolve("tokens"));
      ExcludedTokens excluded = ExcludedTokens.of(corpus.separator());
      LatentStream stream = new LatentStream(model, coder, "layers.1.mlp", true, excluded);
      TokenNames names =
          TokenNames.of(
              tokenizer.vocabularySize(), tokenizer::token, OptionalInt.of(corpus.separator()));
      Simulator simulator =
          new LexicalSimulator(LATENTS, List.of(), new Lexicon(names, Glossary.none()));
      for (Protocol protocol : Protocol.values()) {
        CalibrationText text =
            CalibrationText.of(protocol, length -> corpus.windows(Split.CALIBRATE, length), 16, 64);
        SimulateConfig config = new SimulateConfig(16 * 500, 1000, 3, 0);
        Path file = folder.resolve(protocol.label() + ".jsonl");
        SimulateStage.run(
            stream,
            text,
            List.of(new SimulateStage.Rated(simulator, file)),
            new float[LATENTS],
            config,
            Map.of(),
            tokens -> {});
        CalibrationSet set = CalibrationStore.read(file);

        long[] chosen = LatentStream.choose(text.windows(), config.tokens(), config.seed());
        double[] sums = new double[LATENTS];
        long[] counted = {0};
        stream.run(
            text.windows(),
            chosen,
            50,
            batch -> {
              for (int i = 0; i < batch.kept().length; i++) {
                int position = batch.kept()[i] % 16;
                if (protocol == Protocol.LAST_TOKEN && position < 15) {
                  continue;
                }
                counted[0]++;
                for (int slot = i * K; slot < (i + 1) * K; slot++) {
                  sums[batch.latents()[slot]] += Math.max(0, batch.activations()[slot]);
                }
              }
            });
        assertThat(chosen).hasSize(500);
        assertThat(set.tokens()).isEqualTo(counted[0]);
        assertThat(counted[0]).isBetween(1L, protocol == Protocol.LAST_TOKEN ? 500L : 8000L);
        for (int latent = 0; latent < LATENTS; latent++) {
          double mean = sums[latent] / counted[0];
          assertThat((double) set.means().latents()[latent])
              .isCloseTo(mean, org.assertj.core.api.Assertions.within(1e-5 + 1e-4 * mean));
        }
      }
    }
  }

  @Test
  void shortWindowsOverlapWithinLongOnes() {
    TokenWindows whole =
        new TokenWindows() {
          @Override
          public int contextLength() {
            return 20;
          }

          @Override
          public long size() {
            return 3;
          }

          @Override
          public long document(long index) {
            return 7 + index;
          }

          @Override
          public void read(long index, int[] into, int offset) {
            for (int i = 0; i < 20; i++) {
              into[offset + i] = (int) (100 * index + i);
            }
          }
        };
    TokenWindows windows =
        CalibrationText.of(Protocol.LAST_TOKEN, length -> whole, 16, 20).windows();
    // Beginnings 0, 2 and 4 of each.
    assertThat(windows.size()).isEqualTo(9);
    assertThat(windows.read(4)).hasSize(16).startsWith(102).endsWith(117);
    assertThat(windows.document(4)).isEqualTo(8);
    assertThat(Arrays.stream(windows.read(8)).max()).hasValue(219);
  }
}
