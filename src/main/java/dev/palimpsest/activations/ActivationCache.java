package dev.palimpsest.activations;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.safetensors.MappedTensor;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.TensorInfo;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Activations of a language model on disk, as {@link ActivationCacheWriter} has left them: {@code
 * activations.json} says of what they are, {@code shard-NNNNN.safetensors} hold them, each one
 * tensor {@code activations} [windows, parts, T, d] with a checksum over the file. Read through
 * mapped memory, any window at any time, by any number of threads.
 */
public final class ActivationCache {
  /** What says of what a cache is: by it a folder is known as one. */
  public static final String PLAN = "activations.json";

  static final String TENSOR = "activations";

  /** In a shard's metadata: {@link CachePlan#digest} of its cache. */
  static final String OF = "cache";

  /** In a shard's metadata: which it is. */
  static final String NUMBER = "shard";

  private final Path folder;
  private final CachePlan plan;
  private final List<MappedTensor> shards;

  private ActivationCache(Path folder, CachePlan plan, List<MappedTensor> shards) {
    this.folder = folder;
    this.plan = plan;
    this.shards = shards;
  }

  /** {@link #open(Path, Progress)} without telling anyone. */
  public static ActivationCache open(Path folder) {
    return open(folder, Progress.SILENT);
  }

  /**
   * Opens a cache and compares all its checksums, which reads it once.
   *
   * @throws PalimpsestException naming the file that is missing, damaged or of another cache
   */
  public static ActivationCache open(Path folder, Progress progress) {
    CachePlan plan = plan(folder);
    List<MappedTensor> shards = new ArrayList<>();
    for (int shard = 0; shard < plan.shards(); shard++) {
      progress.advanced("checking activations", "shards", shard, plan.shards());
      if (!Files.isRegularFile(folder.resolve(CachePlan.fileName(shard)))) {
        throw new PalimpsestException(
            folder
                + ": incomplete: no "
                + CachePlan.fileName(shard)
                + " of "
                + plan.shards()
                + " shards; run cache-activations again to finish it");
      }
      shards.add(openShard(folder, plan, shard));
    }
    progress.advanced("checking activations", "shards", plan.shards(), plan.shards());
    return new ActivationCache(folder, plan, shards);
  }

  /**
   * What the cache in a folder is, in one word; looks at its plan alone.
   *
   * @throws PalimpsestException where there is none
   */
  public static String digest(Path folder) {
    return plan(folder).digest();
  }

  private static CachePlan plan(Path folder) {
    Path file = folder.resolve(PLAN);
    if (!Files.isRegularFile(file)) {
      throw new PalimpsestException(
          folder
              + ": no activation cache there (no "
              + PLAN
              + "); make one with cache-activations");
    }
    return StateFiles.readSealed(file, CachePlan.class);
  }

  /**
   * @throws PalimpsestException where the shard is damaged, or of another cache
   */
  static MappedTensor openShard(Path folder, CachePlan plan, int shard) {
    Path file = folder.resolve(CachePlan.fileName(shard));
    try (SafeTensors tensors = SafeTensors.openSealed(file)) {
      if (!plan.digest().equals(tensors.metadata().get(OF))
          || !Integer.toString(shard).equals(tensors.metadata().get(NUMBER))) {
        throw new PalimpsestException(file + ": not a shard of this cache, or not this one");
      }
      tensors.expectShape(TENSOR, plan.shardShape(shard));
      TensorInfo info = tensors.info(TENSOR);
      if (info.dtype() != plan.type().dtype()) {
        throw new PalimpsestException(
            file
                + ": tensor '"
                + TENSOR
                + "' has dtype "
                + info.dtype()
                + ", expected "
                + plan.type().dtype());
      }
      return tensors.map(TENSOR);
    }
  }

  /**
   * Makes sure that a training may read this cache in place of running the language model.
   *
   * @param model the content of the language model's files
   * @param hooks of the coders
   * @throws UsageException naming all that does not fit
   */
  public void require(
      ModelDigest model,
      Corpus text,
      int contextLength,
      ExcludedTokens excluded,
      List<Hook> hooks) {
    List<String> faults = new ArrayList<>(plan.model().differences(model));
    if (!plan.text().equals(text.fingerprint())) {
      faults.add("the text");
    }
    compare("the seed of the splits", plan.seed(), text.seed(), faults);
    compare("the context length", plan.contextLength(), contextLength, faults);
    compare("the excluded tokens", plan.excludedTokens(), excluded.ids(), faults);
    for (Hook hook : hooks) {
      if (plan.output(hook).isEmpty()) {
        faults.add("no output of " + hook.hookpoint() + " in " + plan.parts());
      } else if (plan.input(hook).isEmpty()) {
        faults.add("no input of " + hook.hookpoint() + " in " + plan.parts());
      }
    }
    if (!faults.isEmpty()) {
      throw new UsageException(
          folder + " holds activations of something else: " + String.join("; ", faults));
    }
  }

  private static void compare(String what, Object there, Object here, List<String> faults) {
    if (!there.equals(here)) {
      faults.add(what + " is " + there + " there, " + here + " here");
    }
  }

  /** The order in which a training goes through the windows. */
  public CachedOrder order(TokenWindows windows, long seed) {
    return new CachedOrder(plan, windows, seed);
  }

  /** What this cache is, in one word. */
  public String digest() {
    return plan.digest();
  }

  /** Where it lies. */
  public Path folder() {
    return folder;
  }

  /** Windows in it. */
  public long windows() {
    return plan.windows();
  }

  /** Tokens in it, excluded ones too. */
  public long tokens() {
    return plan.windows() * plan.contextLength();
  }

  /** Bytes of all activations. */
  public long bytes() {
    return plan.bytes();
  }

  /** Number of files that hold them. */
  public int shards() {
    return plan.shards();
  }

  /** d. */
  public int width() {
    return plan.width();
  }

  /** What they are stored as. */
  public StoredType type() {
    return plan.type();
  }

  /** What the language model computed in. */
  public String precision() {
    return plan.precision();
  }

  /** What is stored of every window, in order. */
  public List<String> parts() {
    return plan.parts();
  }

  /** Which part is the coder's input; it must be there, see {@link #require}. */
  int inputPart(Hook hook) {
    return plan.input(hook).orElseThrow();
  }

  /** Which part is the coder's target. */
  int outputPart(Hook hook) {
    return plan.output(hook).orElseThrow();
  }

  /**
   * Reads numbers of one part of a window.
   *
   * @param slot of the window, 0 … windows() - 1
   * @param part its number
   * @param from first number, of T × d
   * @param count how many
   * @param into receives them at its front
   */
  void read(long slot, int part, int from, int count, float[] into) {
    int shard = (int) (slot / plan.shardWindows());
    int window = (int) (slot % plan.shardWindows());
    int first = window * plan.windowElements() + part * plan.partElements() + from;
    shards.get(shard).read(first, count, into);
  }
}
