package dev.palimpsest.fuzz;

import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.fuzz.Mutator.Kind;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelConfig;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.safetensors.ShardedSafeTensors;
import dev.palimpsest.safetensors.TensorReader;
import dev.palimpsest.text.CorpusFuzzing;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
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
    all.addAll(new StateFuzzTargets(folder).all());
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
    List<Map<String, byte[]>> tokenizers =
        TokenizerSamples.all().stream().map(bytes -> Map.of("tokenizer.json", bytes)).toList();
    Path text = anew("text");
    // Documents enough for every split to have some.
    StringBuilder lines = new StringBuilder();
    StringBuilder plain = new StringBuilder();
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int i = 0; i < 150; i++) {
      lines.append("{\"text\":\"once ").append(i).append(" é 🙂\",\"id\":").append(i).append("}\n");
      plain.append("one ").append(i).append("\n\nthree four\n<|endoftext|>\n");
      for (int id : new int[] {0, 1 + i % 190, 1 + i * i % 90, 7, 8, 9}) {
        ids.write(id);
        ids.write(0);
      }
    }
    Files.writeString(text.resolve("a.jsonl"), lines);
    Files.writeString(text.resolve("a.txt"), plain);
    Files.write(text.resolve("a.jsonl.gz"), gzip(lines.toString()));
    Files.write(text.resolve("a.bin"), ids.toByteArray());
    Path cached = anew("cached");
    Files.copy(text.resolve("a.txt"), cached.resolve("a.txt"));
    CorpusFuzzing.read(cached.resolve("a.txt"), cached.resolve("cache"));
    return List.of(
        cached("token cache index", cached, ".index"),
        cached("token cache", cached, ".bin"),
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

  /** What has been tokenised before, and is damaged since: it is made again. */
  private static FuzzTarget cached(String name, Path good, String ending) throws IOException {
    String file =
        content(good).keySet().stream()
            .filter(each -> each.endsWith(ending))
            .findFirst()
            .orElseThrow();
    return target(
        name,
        Kind.BYTES,
        file,
        2,
        at -> CorpusFuzzing.read(at.resolve("a.txt"), at.resolve("cache")),
        good);
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

  /** A target with one good folder. */
  static FuzzTarget target(
      String name, Kind kind, String file, int share, FuzzTarget.Reader reader, Path good)
      throws IOException {
    return new FuzzTarget(name, kind, file, List.of(content(good)), share, reader);
  }

  private Path anew(String name) throws IOException {
    return anew(folder, name);
  }

  /** An empty folder. */
  static Path anew(Path folder, String name) throws IOException {
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

  /** All files of a folder, by their paths in it. */
  static Map<String, byte[]> content(Path folder) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        files.put(folder.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }
}
