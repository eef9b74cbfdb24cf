package dev.palimpsest.fuzz;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.experiment.ExperimentFuzzing;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.fuzz.Mutator.Kind;
import dev.palimpsest.latents.LatentCache;
import dev.palimpsest.latents.SyntheticCache;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.report.TrainingCurve;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.safetensors.ShardedSafeTensors;
import dev.palimpsest.safetensors.TensorReader;
import dev.palimpsest.simulate.LatentScore;
import dev.palimpsest.simulate.ScoreStore;
import dev.palimpsest.text.CorpusFuzzing;
import dev.palimpsest.train.TrainFuzzing;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** All readers, each with good files made by the writers where there are any. */
final class FuzzTargets {
  private static final List<String> FAMILIES =
      List.of("gpt2", "gpt_neox", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral");

  private final Path folder;

  /**
   * @param folder for the good files while they are made
   */
  FuzzTargets(Path folder) {
    this.folder = folder;
  }

  List<FuzzTarget> all() throws IOException {
    List<FuzzTarget> all = new ArrayList<>();
    all.addAll(tensors());
    all.addAll(models());
    all.addAll(texts());
    all.addAll(state());
    return all;
  }

  private List<FuzzTarget> tensors() throws IOException {
    Path plain = anew("plain");
    writer().write(plain.resolve("a.safetensors"));
    Path sealed = anew("sealed");
    writer().sealed().metadata("step", "7").write(sealed.resolve("a.safetensors"));
    Path sharded = anew("sharded");
    writer().write(sharded.resolve("one.safetensors"));
    new SafeTensorsWriter()
        .add("z", new long[] {2}, new float[2])
        .write(sharded.resolve("two.safetensors"));
    Files.writeString(
        sharded.resolve(ShardedSafeTensors.INDEX_FILE),
        "{\"metadata\":{\"total_size\":99},\"weight_map\":{\"a\":\"one.safetensors\","
            + "\"b\":\"one.safetensors\",\"z\":\"two.safetensors\"}}");
    return List.of(
        target("safetensors", Kind.SAFETENSORS, "a.safetensors", 8, FuzzTargets::readPlain, plain),
        target("sealed", Kind.SAFETENSORS, "a.safetensors", 2, FuzzTargets::readSealed, sealed),
        target(
            "index.json",
            Kind.JSON,
            ShardedSafeTensors.INDEX_FILE,
            3,
            FuzzTargets::readSharded,
            sharded));
  }

  private static SafeTensorsWriter writer() {
    return new SafeTensorsWriter()
        .metadata("format", "pt")
        .add("a", new long[] {2, 3}, new float[] {1, 2, 3, 4, 5, 6})
        .add("b", DType.F16, new long[] {3}, new float[] {1, 2, 3})
        .add("c", DType.BF16, new long[] {1}, new float[] {1})
        .add("d", new long[] {2}, new long[] {-1, 9})
        .add("e", DType.U16, new long[] {2}, new int[] {7, 65535})
        .add("f", new long[] {0, 4}, new float[0]);
  }

  private static void readPlain(Path folder) {
    try (SafeTensors file = SafeTensors.open(folder.resolve("a.safetensors"))) {
      readAll(file);
    }
  }

  private static void readSealed(Path folder) {
    try (SafeTensors file = SafeTensors.openSealed(folder.resolve("a.safetensors"))) {
      readAll(file);
    }
  }

  private static void readSharded(Path folder) {
    try (TensorReader reader = ShardedSafeTensors.openCheckpoint(folder)) {
      readAll(reader);
    }
  }

  private static void readAll(TensorReader reader) {
    for (String name : reader.names()) {
      DType dtype = reader.info(name).dtype();
      if (dtype.isReal()) {
        reader.floats(name);
      } else if (dtype.isWhole()) {
        reader.longs(name);
      }
    }
    reader.metadata();
  }

  private List<FuzzTarget> models() throws IOException {
    List<Map<String, byte[]>> configs = new ArrayList<>();
    List<Map<String, byte[]>> whole = new ArrayList<>();
    for (String family : FAMILIES) {
      Map<String, byte[]> model = new TreeMap<>();
      for (String file : List.of("config.json", "model.safetensors")) {
        model.put(file, Files.readAllBytes(TestModels.golden(family).resolve(file)));
      }
      whole.add(model);
      configs.add(Map.of("config.json", model.get("config.json")));
    }
    List<Map<String, byte[]>> coders = new ArrayList<>();
    for (String run : List.of("sae_adam", "skip_transcoder_adam", "sae_groupmax_adam")) {
      coders.add(
          content(resource("/golden/sparsify/" + run + "/layers.1.mlp/cfg.json").getParent()));
    }
    Path own = anew("coder");
    try (SparseCoder coder =
        SparseCoder.load(resource("/golden/sparsify/sae_adam/layers.1.mlp/cfg.json").getParent())) {
      coder.save(own);
    }
    List<Map<String, byte[]>> sealed = List.of(content(own));
    return List.of(
        new FuzzTarget("config.json", Kind.JSON, "config.json", configs, 8, ModelConfig::read),
        new FuzzTarget("model", Kind.JSON, "config.json", whole, 4, FuzzTargets::loadModel),
        new FuzzTarget(
            "weights", Kind.SAFETENSORS, "model.safetensors", whole, 4, FuzzTargets::loadModel),
        new FuzzTarget(
            "cfg.json", Kind.JSON, "cfg.json", coders, 4, at -> SparseCoder.load(at).close()),
        new FuzzTarget(
            "coder",
            Kind.SAFETENSORS,
            "sae.safetensors",
            coders,
            4,
            at -> SparseCoder.load(at).close()),
        new FuzzTarget(
            "sealed coder",
            Kind.SAFETENSORS,
            "sae.safetensors",
            sealed,
            2,
            at -> SparseCoder.load(at).close()));
  }

  private static void loadModel(Path folder) {
    LanguageModel.load(folder).close();
  }

  private List<FuzzTarget> texts() throws IOException {
    Path tokenizer = anew("tokenizer");
    Files.write(tokenizer.resolve("tokenizer.json"), TokenizerSamples.all().get(0));
    List<Map<String, byte[]>> tokenizers =
        TokenizerSamples.all().stream().map(bytes -> Map.of("tokenizer.json", bytes)).toList();
    Path text = anew("text");
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      lines
          .append("{\"text\":\"once upon a time ")
          .append(i)
          .append(" é 🙂\",\"id\":")
          .append(i)
          .append("}\n");
    }
    Files.writeString(text.resolve("a.jsonl"), lines);
    Files.writeString(text.resolve("a.txt"), "one two\n\nthree four five\n\n".repeat(8));
    Files.write(text.resolve("a.jsonl.gz"), gzip(lines.toString()));
    byte[] ids = new byte[400];
    for (int i = 0; i < ids.length; i += 2) {
      ids[i] = (byte) (i % 22 == 0 ? 0 : i % 180);
    }
    Files.write(text.resolve("a.bin"), ids);
    return List.of(
        new FuzzTarget(
            "tokenizer.json",
            Kind.JSON,
            "tokenizer.json",
            tokenizers,
            4,
            CorpusFuzzing::checkTokenizer),
        corpus("jsonl", Kind.JSON_LINES, text, "a.jsonl"),
        corpus("txt", Kind.TEXT, text, "a.txt"),
        corpus("jsonl.gz", Kind.BYTES, text, "a.jsonl.gz"),
        corpus("bin", Kind.BYTES, text, "a.bin"));
  }

  private FuzzTarget corpus(String name, Kind kind, Path from, String file) throws IOException {
    Map<String, byte[]> alone = Map.of(file, Files.readAllBytes(from.resolve(file)));
    Path cache = folder.resolve("cache");
    return new FuzzTarget(
        name,
        kind,
        file,
        List.of(alone),
        3,
        at -> {
          Fuzzing.empty(cache); // tokenised anew, or the cache would answer
          CorpusFuzzing.read(at.resolve(file), cache);
        });
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private List<FuzzTarget> state() throws IOException {
    Path cache = anew("latents");
    SyntheticCache.write(
        cache,
        SyntheticCache.rows(6, 8, 30, 1),
        7,
        2,
        (latent, row, position) -> row[position] % 7 == latent ? 1.5f + position : 0);
    Path explanations = anew("explanations");
    ExplanationStore.write(
        explanations.resolve("a.jsonl"),
        List.of(
            new Explanation(0, "fires on ' the'", "lexical"),
            new Explanation(3, "verbs", "lexical")));
    Path scores = anew("scores");
    ScoreStore.write(
        scores.resolve("a.jsonl"),
        List.of(new LatentScore(0, .75, .5, 1, .25, 8, 8), new LatentScore(3, .5, 1, 0, 0, 8, 8)));
    Path checkpoint = anew("checkpoint");
    TrainFuzzing.writeCheckpoint(checkpoint);
    Path identity = anew("identity");
    TrainFuzzing.writeIdentity(identity.resolve("train.json"));
    Path metrics = anew("metrics");
    Files.writeString(
        metrics.resolve("metrics.jsonl"),
        """
        {"step":0,"coders":[{"coder":"layers.2.mlp","fvu":0.9}]}
        {"step":1,"coders":[{"coder":"layers.2.mlp","fvu":0.5,"held_out_fvu":0.6}]}
        """);
    Path experiment = anew("experiment");
    for (String name : List.of("demo.yaml", "defaults.yaml")) {
      try (InputStream in = ExperimentFuzzing.class.getResourceAsStream(name)) {
        Files.write(experiment.resolve(name), Objects.requireNonNull(in, name).readAllBytes());
      }
    }
    return List.of(
        target(
            "latent cache", Kind.SAFETENSORS, "0_0.safetensors", 4, FuzzTargets::readCache, cache),
        target("latent cache header", Kind.JSON, "config.json", 4, FuzzTargets::readCache, cache),
        target(
            "explanations",
            Kind.JSON_LINES,
            "a.jsonl",
            4,
            at -> ExplanationStore.read(at.resolve("a.jsonl")),
            explanations),
        target(
            "scores",
            Kind.JSON_LINES,
            "a.jsonl",
            4,
            at -> ScoreStore.balancedAccuracy(ScoreStore.read(at.resolve("a.jsonl")), 8),
            scores),
        target(
            "checkpoint",
            Kind.SAFETENSORS,
            "checkpoints/step-000000000007/trainer.safetensors",
            3,
            FuzzTargets::readCheckpoint,
            checkpoint),
        target(
            "checkpoint state",
            Kind.JSON,
            "checkpoints/step-000000000007/state.json",
            3,
            FuzzTargets::readCheckpoint,
            checkpoint),
        target(
            "train identity",
            Kind.JSON,
            "train.json",
            3,
            at -> TrainFuzzing.readIdentity(at.resolve("train.json")),
            identity),
        target(
            "metrics.jsonl",
            Kind.JSON_LINES,
            "metrics.jsonl",
            3,
            at -> TrainingCurve.readAll(at.resolve("metrics.jsonl")),
            metrics),
        target(
            "experiment",
            Kind.TEXT,
            "demo.yaml",
            4,
            at -> ExperimentFuzzing.read(at.resolve("demo.yaml")),
            experiment),
        target(
            "defaults",
            Kind.TEXT,
            "defaults.yaml",
            4,
            at -> ExperimentFuzzing.read(at.resolve("defaults.yaml")),
            experiment));
  }

  private static void readCheckpoint(Path folder) {
    TrainFuzzing.readCheckpoint(folder);
  }

  private static void readCache(Path folder) {
    try (LatentCache cache = LatentCache.open(folder)) {
      cache.statistics();
      for (int latent = 0; latent < cache.latents(); latent++) {
        cache.activations(latent);
      }
    }
  }

  private static FuzzTarget target(
      String name, Kind kind, String file, int share, FuzzTarget.Reader reader, Path good)
      throws IOException {
    return new FuzzTarget(name, kind, file, List.of(content(good)), share, reader);
  }

  private Path anew(String name) throws IOException {
    Path made = folder.resolve(name);
    Fuzzing.empty(made);
    return made;
  }

  private static Path resource(String name) {
    try {
      return Path.of(Objects.requireNonNull(FuzzTargets.class.getResource(name)).toURI());
    } catch (java.net.URISyntaxException failure) {
      throw new AssertionError(failure);
    }
  }

  private static Map<String, byte[]> content(Path folder) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }
}
