package dev.palimpsest.latents;

import static org.assertj.core.api.Assertions.assertThat;

import dev.palimpsest.base.ChildProcess;
import dev.palimpsest.coder.CoderConfig;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cache killed with -9 and repeated goes on where it was and ends with the same bytes. */
class CacheKillTest {
  private static final int ROWS = 600;
  private static final int KILLS = 3;
  private static final Pattern KEPT = Pattern.compile("\"rows\" : (\\d+)");

  @TempDir Path folder;

  /** The process that is killed: caches into the folder of its first argument. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      Path source = ModelSource.resolve("embedded");
      try (LanguageModel model = LanguageModel.load(source);
          Tokenizer tokenizer = Tokenizer.load(source);
          SparseCoder coder =
              SparseCoder.initialise(
                  CoderConfig.transcoder(model.config().width(), 300, 8, true), 5)) {
        Corpus corpus = Corpus.open(List.of("embedded"), tokenizer, 0, Path.of(arguments[1]));
        LatentStream stream =
            new LatentStream(
                model, coder, "layers.1.mlp", true, ExcludedTokens.of(corpus.separator()));
        boolean[] first = {true};
        CacheStage.run(
            stream,
            corpus.windows(Split.EXPLAIN, 32),
            new CacheConfig(ROWS * 32, 4, 3),
            Map.of("coder", "new"),
            Path.of(arguments[0]),
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
    Path whole = folder.resolve("whole");
    start(whole).finish();
    Path killed = folder.resolve("killed");
    for (int kill = 0; kill < KILLS; kill++) {
      int wanted = ROWS * kill / KILLS + random.nextInt(1, ROWS / KILLS / 2);
      start(killed).killWhen(() -> keptRows(killed) >= wanted);
    }
    assertThat(LatentCache.isComplete(killed)).isFalse();
    int keptBefore = keptRows(killed);
    start(killed).finish();
    Matcher first =
        Pattern.compile("first row (\\d+)").matcher(Files.readString(folder.resolve("killed.log")));
    assertThat(first.find()).isTrue();
    assertThat(Integer.parseInt(first.group(1)))
        .as("kill.seed %d", seed)
        .isEqualTo(keptBefore)
        .isGreaterThanOrEqualTo(ROWS / 2);
    assertThat(digests(killed)).as("kill.seed %d", seed).isEqualTo(digests(whole)).hasSize(6);
  }

  private static int keptRows(Path out) {
    try {
      Matcher rows = KEPT.matcher(Files.readString(out.resolve(".building/state.json")));
      return rows.find() ? Integer.parseInt(rows.group(1)) : 0;
    } catch (IOException notYet) {
      return 0;
    }
  }

  private static Map<String, String> digests(Path folder) throws IOException {
    Map<String, String> digests = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        digests.put(
            folder.relativize(file).toString(), HexFormat.of().formatHex(Files.readAllBytes(file)));
      }
    }
    return digests;
  }
}
