package dev.palimpsest.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.ChildProcess;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.latents.Keeping;
import dev.palimpsest.latents.LatentStream;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A fit of calibrations killed with -9 and repeated goes on and ends with the same bytes. */
class SimulateKillTest {
  private static final int LATENTS = 300;
  private static final int ROWS = 600;
  private static final int KILLS = 3;
  private static final Pattern KEPT = Pattern.compile("rows[^0-9]{1,6}([0-9]+)");

  @TempDir Path folder;

  /** The process that is killed: fits to the file of its first argument. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      Path source = ModelSource.resolve("embedded");
      try (LanguageModel model = LanguageModel.load(source);
          Tokenizer tokenizer = Tokenizer.load(source);
          SparseCoder coder =
              SparseCoder.initialise(
                  CoderConfig.transcoder(model.config().width(), LATENTS, 8, true), 5)) {
        Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, Path.of(arguments[1]));
        TokenNames names =
            TokenNames.of(
                tokenizer.vocabularySize(), tokenizer::token, OptionalInt.of(corpus.separator()));
        Lexicon lexicon = new Lexicon(names, Glossary.none());
        List<Explanation> texts =
            IntStream.range(0, LATENTS).mapToObj(i -> new Explanation(i, text(i), "test")).toList();
        Path file = Path.of(arguments[0]);
        float[] maxima = new float[LATENTS];
        Arrays.fill(maxima, 3);
        boolean[] first = {true};
        SimulateStage.run(
            new LatentStream(
                model, coder, "layers.1.mlp", true, ExcludedTokens.of(corpus.separator())),
            new CalibrationText(corpus.windows(Split.CALIBRATE, 32), 0),
            List.of(
                new SimulateStage.Rated(new LexicalSimulator(LATENTS, texts, lexicon), file),
                new SimulateStage.Rated(
                    new LexicalSimulator(LATENTS, ShuffledExplanations.of(texts, 1), lexicon),
                    file.resolveSibling(file.getFileName() + ".shuffled"))),
            maxima,
            new SimulateConfig(ROWS * 32, 4 * 32, 3, 0),
            Map.of("coder", "new"),
            done -> {
              if (first[0]) {
                System.out.println("first row " + (done / 32 - 4));
                first[0] = false;
              }
              // Slow enough to be killed on its way, on any machine.
              LockSupport.parkNanos(5_000_000);
            },
            Keeping.always());
      }
    }

    private static String text(int latent) {
      String[] words = {"the", "was", "dog", "a", "little", "and", "to", "she"};
      String[] degrees = {"strong", "fair", "mild"};
      return degrees[latent % 3]
          + " on "
          + words[latent % 8]
          + ", "
          + words[(latent / 8 + 1 + latent) % 8]
          + ". Else rare (-"
          + (1 + latent % 4)
          + ").";
    }
  }

  private ChildProcess start(Path out) throws IOException {
    return new ChildProcess(
        Child.class,
        folder.resolve(out.getFileName() + ".log"),
        out.toString(),
        folder.resolve("tokens").toString());
  }

  @Test
  void killedAndRepeated() throws IOException, InterruptedException {
    long seed = Long.getLong("kill.seed", System.nanoTime() & 0xFFFF);
    System.out.println("kill.seed " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Path whole = folder.resolve("whole.jsonl");
    start(whole).finish();
    Path killed = folder.resolve("killed.jsonl");
    for (int kill = 0; kill < KILLS; kill++) {
      int wanted = ROWS * kill / KILLS + random.nextInt(1, ROWS / KILLS / 2);
      start(killed).killWhen(() -> keptRows(killed) >= wanted);
    }
    assertThat(killed).doesNotExist();
    int keptBefore = keptRows(killed);
    start(killed).finish();
    Matcher first =
        Pattern.compile("first row (\\d+)")
            .matcher(Files.readString(folder.resolve("killed.jsonl.log")));
    assertThat(first.find()).isTrue();
    assertThat(Integer.parseInt(first.group(1)))
        .as("kill.seed %d", seed)
        .isEqualTo(keptBefore)
        .isGreaterThanOrEqualTo(ROWS / 2);
    for (String suffix : List.of("", ".shuffled")) {
      assertThat(folder.resolve("killed.jsonl" + suffix))
          .as("kill.seed %d", seed)
          .hasSameBinaryContentAs(folder.resolve("whole.jsonl" + suffix));
    }
    assertThat(CalibrationStore.read(killed).borrowed()).contains(false);
    assertThat(folder.resolve(".killed.jsonl.building")).doesNotExist();
  }

  private int keptRows(Path out) {
    Path state = folder.resolve("." + out.getFileName() + ".building/state.safetensors");
    try {
      byte[] bytes = Files.readAllBytes(state);
      String head =
          new String(
              bytes, 0, Math.min(4096, bytes.length), java.nio.charset.StandardCharsets.ISO_8859_1);
      Matcher rows = KEPT.matcher(head);
      return rows.find() ? Integer.parseInt(rows.group(1)) : 0;
    } catch (IOException notYet) {
      return 0;
    }
  }
}
