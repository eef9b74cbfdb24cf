package dev.palimpsest.cli;

import static dev.palimpsest.cli.TrainRuns.lasting;
import static dev.palimpsest.cli.TrainRuns.metrics;
import static dev.palimpsest.cli.TrainRuns.palimpsest;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.cli.TrainRuns.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training from cached activations is training from the model's own, to the stored rounding. */
class CacheActivationsCommandTest {
  /** All tokens of the runs of {@link TrainRuns#options}, and more: 24 steps of 5 windows of 64. */
  private static final String ENOUGH = "9000";

  @TempDir Path folder;

  private Outcome cache(Path out, String... more) {
    List<String> options = new ArrayList<>(List.of("cache-activations", "embedded", "--json"));
    options.addAll(Arrays.asList(more));
    String[][] rest = {
      {"--ctx-len", "64"},
      {"--tokens", ENOUGH},
      {"--dtype", "fp32"},
      {"--threads", "1"},
      {"--token-cache", folder.resolve("tokens").toString()},
      {"--out", out.toString()}
    };
    if (!options.contains("--hookpoint")) {
      options.addAll(List.of("--hookpoint", "layers.2.mlp"));
    }
    for (String[] option : rest) {
      if (!options.contains(option[0])) {
        options.addAll(List.of(option));
      }
    }
    return palimpsest(options.toArray(String[]::new));
  }

  private Outcome train(Path out, String... more) {
    List<String> options = new ArrayList<>(Arrays.asList(more));
    if (!options.contains("--hookpoint")) {
      options.addAll(List.of("--hookpoint", "layers.2.mlp", "--transcode"));
    }
    return palimpsest(
        TrainRuns.options(folder.resolve("tokens"), out, options.toArray(String[]::new)));
  }

  private Path trained(String name, String... more) {
    Path out = folder.resolve(name);
    Outcome outcome = train(out, more);
    assertThat(outcome.status()).as(outcome.err()).isZero();
    return out;
  }

  private Path cached(String name, String... more) {
    Path out = folder.resolve(name);
    Outcome outcome = cache(out, more);
    assertThat(outcome.status()).as(outcome.err()).isZero();
    return out;
  }

  @Test
  void storedWholeTheyGiveTheSameBytes() throws IOException {
    Path cache = cached("cache");
    Path live = trained("live");
    Path read = trained("read", "--activations", cache.toString());
    assertThat(lasting(read)).isEqualTo(lasting(live)).isNotEmpty();
  }

  @Test
  void severalHookpointsAndSeedsOfOneCache() throws IOException {
    String[] where = {"--hookpoint", "layers.1.mlp", "layers.2.mlp"};
    Path cache = cached("cache", where);
    String[] seeds = {"--hookpoint", "layers.1.mlp", "layers.2.mlp", "--seed", "0", "5"};
    Path live = trained("live", seeds);
    List<String> more = new ArrayList<>(Arrays.asList(seeds));
    more.addAll(List.of("--activations", cache.toString()));
    Path read = trained("read", more.toArray(String[]::new));
    assertThat(lasting(read)).hasSize(4 * 3 + 1).isEqualTo(lasting(live));
    // A transcoder of one of them alone, from the same cache.
    assertThat(lasting(trained("one", "--activations", cache.toString())))
        .isEqualTo(lasting(trained("one-live")));
  }

  @Test
  void aWholeSplitIsReadInItsOwnOrderPassAfterPass() throws IOException {
    // Documents of nine tokens: about 32 windows in the train split, read several times over.
    Path text = TinyTraining.tokens(folder.resolve("text.bin"), 3000, 1);
    String model = TinyTraining.model(folder.resolve("model")).toString();
    Path live = folder.resolve("live");
    Outcome first = TinyTraining.train(model, text, live, "--tokens", "6000", "--transcode");
    assertThat(first.status()).as(first.err()).isZero();
    Path cache = folder.resolve("cache");
    Outcome made =
        palimpsest(
            "cache-activations",
            model,
            "--json",
            "--data",
            text.toString(),
            "--token-dtype",
            "u16",
            "--end-of-text",
            "" + TinyTraining.MARK,
            "--hookpoint",
            "layers.1.mlp",
            "--ctx-len",
            "8",
            "--dtype",
            "fp32",
            "--token-cache",
            folder.resolve("tokens").toString(),
            "--out",
            cache.toString());
    assertThat(made.status()).as(made.err()).isZero();
    assertThat(made.json().get("tokens").asLong()).isLessThan(3000);
    Path read = folder.resolve("read");
    Outcome second =
        TinyTraining.train(
            model, text, read, "--tokens", "6000", "--transcode", "--activations", cache + "");
    assertThat(second.status()).as(second.err()).isZero();
    assertThat(lasting(read)).isEqualTo(lasting(live));
  }

  @Test
  void roundedTheyGiveNearlyTheSame() throws IOException {
    Path live = trained("live");
    for (String dtype : List.of("fp16", "bf16")) {
      Path cache = cached(dtype, "--dtype", dtype);
      Path read = trained("read-" + dtype, "--activations", cache.toString());
      List<JsonNode> exact = metrics(live);
      List<JsonNode> rounded = metrics(read);
      double most = dtype.equals("fp16") ? 2e-3 : 2e-2;
      for (int step = 0; step < exact.size(); step++) {
        assertThat(fvu(rounded.get(step))).isCloseTo(fvu(exact.get(step)), within(most));
      }
      assertThat(lasting(read)).isNotEqualTo(lasting(live));
    }
  }

  @Test
  void inTheModelsPrecision() throws IOException {
    Path cache = cached("cache", "--precision", "bf16");
    assertThat(cache(cache, "--precision", "bf16").json().get("precision").asText())
        .isEqualTo("bf16");
    Outcome other = cache(cache);
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("precision is fp32, there bf16");
    Path live = trained("live", "--precision", "bf16");
    Path read = trained("read", "--precision", "bf16", "--activations", cache.toString());
    assertThat(lasting(read)).isEqualTo(lasting(live));
    Outcome exact = train(live);
    assertThat(exact.status()).isEqualTo(2);
    assertThat(exact.err()).contains("the model's precision was bf16, is fp32");
  }

  private static double fvu(JsonNode line) {
    return line.findValue("fvu").asDouble();
  }

  @Test
  void anotherSeedReadsPartOfASplitInAnotherOrder() throws IOException {
    Path cache = cached("cache", "--tokens", "640");
    Path read = trained("read", "--activations", cache.toString());
    assertThat(metrics(read)).hasSize(24);
    // The corpus is dealt by the seed: what is held out there may have been cached here.
    Outcome other =
        train(folder.resolve("other"), "--seed", "7", "--activations", cache.toString());
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("the seed of the splits is 0 there, 7 here");
  }

  @Test
  void aTrainingGoesOnFromTheCacheAlone() throws IOException {
    Path cache = cached("cache");
    Path whole = trained("whole", "--activations", cache.toString());
    Path begun =
        trained(
            "begun",
            "--activations",
            cache.toString(),
            "--optimizer",
            "signum",
            "--tokens",
            "3000");
    Path longer = trained("begun", "--activations", cache.toString(), "--optimizer", "signum");
    assertThat(longer).isEqualTo(begun);
    Path once = trained("once", "--activations", cache.toString(), "--optimizer", "signum");
    // Not the metrics: the shorter run was evaluated at its end.
    assertThat(coders(longer)).isEqualTo(coders(once)).isNotEmpty();
    Outcome live = train(whole);
    assertThat(live.status()).isEqualTo(2);
    assertThat(live.err()).contains("activations of a cache, not the model's own");
  }

  private static Map<String, String> coders(Path run) throws IOException {
    Map<String, String> files = lasting(run);
    files.remove("metrics.jsonl");
    return files;
  }

  @Test
  void whatDoesNotFitIsRefusedInOneLine() throws IOException {
    Path cache = cached("cache", "--outputs-only");
    Outcome noInput = train(folder.resolve("a"), "--activations", cache.toString());
    assertThat(noInput.status()).isEqualTo(2);
    assertThat(noInput.err().strip())
        .doesNotContain("\n")
        .contains("no input of layers.2.mlp in [layers.2.mlp.output]");
    Outcome elsewhere =
        train(folder.resolve("b"), "--hookpoint", "layers.1", "--activations", cache.toString());
    assertThat(elsewhere.err()).contains("no output of layers.1");
    Outcome longer =
        train(folder.resolve("c"), "--ctx-len", "32", "--activations", cache.toString());
    assertThat(longer.err()).contains("the context length is 64 there, 32 here");
    Outcome excluded =
        train(folder.resolve("d"), "--exclude-tokens", "none", "--activations", cache.toString());
    assertThat(excluded.err()).contains("the excluded tokens is");
    Outcome absent =
        train(folder.resolve("e"), "--activations", folder.resolve("tokens").toString());
    assertThat(absent.status()).isEqualTo(1);
    assertThat(absent.err()).contains("no activation cache there");
    for (String run : List.of("a", "b", "c", "d", "e")) {
      assertThat(folder.resolve(run)).doesNotExist();
    }
  }

  @Test
  void damagedIncompleteAndForeignOnesAreRefused() throws IOException {
    Path cache = cached("cache");
    Path shard = cache.resolve("shard-00000.safetensors");
    byte[] good = Files.readAllBytes(shard);
    byte[] bad = good.clone();
    bad[bad.length / 2] ^= 4;
    Files.write(shard, bad);
    Outcome damaged = train(folder.resolve("a"), "--activations", cache.toString());
    assertThat(damaged.status()).isEqualTo(1);
    assertThat(damaged.err().strip()).doesNotContain("\n").contains(shard + ": damaged");

    Files.delete(shard);
    Outcome incomplete = train(folder.resolve("a"), "--activations", cache.toString());
    assertThat(incomplete.err()).contains("incomplete: no shard-00000.safetensors");

    Path other = cached("other", "--hookpoint", "layers.1.mlp");
    Files.copy(other.resolve("shard-00000.safetensors"), shard);
    Outcome foreign = train(folder.resolve("a"), "--activations", cache.toString());
    assertThat(foreign.err()).contains("not a shard of this cache");

    // The same command mends it.
    assertThat(cached("cache")).isEqualTo(cache);
    assertThat(Files.readAllBytes(shard)).isEqualTo(good);

    Outcome another = cache(cache, "--dtype", "bf16");
    assertThat(another.status()).isEqualTo(2);
    assertThat(another.err().strip())
        .contains("holds activations of something else (dtype is bf16, there fp32)");
    assertThat(Files.readAllBytes(shard)).isEqualTo(good);
    cached("cache", "--dtype", "bf16", "--overwrite");
    assertThat(Files.size(shard)).isLessThan(good.length * 2L / 3);
  }
}
