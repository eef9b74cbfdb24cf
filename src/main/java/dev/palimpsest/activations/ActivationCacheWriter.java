package dev.palimpsest.activations;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.base.StateFiles;
import dev.palimpsest.base.UsageException;
import dev.palimpsest.kernels.Addresses;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.run.RunLock;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Writes the activations of a language model at some hooks to a folder, shard by shard; each is
 * whole or absent. The same call goes on where a killed one stopped, and ends with the same bytes.
 */
public final class ActivationCacheWriter {
  /** What the file system and headers may take besides. */
  private static final long SPARE_BYTES = 16L << 20;

  private static final double MEBIBYTE = 1 << 20;

  private final CacheRequest request;
  private final LanguageModel model;
  private final TokenWindows windows;
  private final CachePlan plan;
  private final WindowOrder order;
  private final Path folder;
  private final Progress progress;
  private final ToLongFunction<Path> room;

  /**
   * {@link #ActivationCacheWriter(CacheRequest, LanguageModel, Path, Progress, ToLongFunction)}.
   */
  public ActivationCacheWriter(
      CacheRequest request, LanguageModel model, Path folder, Progress progress) {
    this(request, model, folder, progress, ActivationCacheWriter::usableBytes);
  }

  /**
   * @param folder made if missing
   * @param room the bytes that may still be written to the file system of an existing folder
   */
  ActivationCacheWriter(
      CacheRequest request,
      LanguageModel model,
      Path folder,
      Progress progress,
      ToLongFunction<Path> room) {
    this.request = request;
    this.model = model;
    this.windows = request.windows();
    this.plan = request.plan(model);
    this.order = plan.order();
    this.folder = folder;
    this.progress = progress;
    this.room = room;
  }

  /**
   * Writes what is missing.
   *
   * @param anew whether another cache that is in the folder is thrown away
   * @return the cache, every shard of which has been looked at
   * @throws UsageException where the folder holds a cache of something else
   * @throws PalimpsestException where the disk has not the room or fails, or an activation is not
   *     finite, or beyond what the stored type can hold
   */
  public ActivationCache write(boolean anew) {
    try (RunLock lock = RunLock.of(folder)) {
      Path file = folder.resolve(ActivationCache.PLAN);
      if (anew) {
        clear(file);
      }
      if (Files.exists(file)) {
        requireSame(StateFiles.readSealed(file, CachePlan.class));
      }
      boolean[] there = shardsThere();
      requireRoom(there);
      StateFiles.writeSealed(file, plan);
      writeMissing(there);
    }
    return ActivationCache.open(folder);
  }

  private void requireSame(CachePlan before) {
    List<String> differences = plan.differences(before);
    if (!differences.isEmpty()) {
      throw new UsageException(
          folder
              + " holds activations of something else ("
              + String.join("; ", differences)
              + "): choose another --out, or start anew with --overwrite");
    }
  }

  /** The plan goes first: shards without their plan count for nothing. */
  private void clear(Path file) {
    try {
      Files.deleteIfExists(file);
      try (DirectoryStream<Path> shards = Files.newDirectoryStream(folder, "shard-*.safetensors")) {
        for (Path shard : shards) {
          Files.delete(shard);
        }
      }
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot clear " + folder + ": " + AtomicFiles.describe(failure), failure);
    }
  }

  private boolean[] shardsThere() {
    boolean[] there = new boolean[plan.shards()];
    for (int shard = 0; shard < there.length; shard++) {
      Path file = folder.resolve(CachePlan.fileName(shard));
      if (Files.exists(file)) {
        try {
          ActivationCache.openShard(folder, plan, shard);
          there[shard] = true;
        } catch (PalimpsestException damaged) {
          progress.says(damaged.getMessage() + "; it is written anew");
        }
      }
    }
    return there;
  }

  private void requireRoom(boolean[] there) {
    long missing = 0;
    for (int shard = 0; shard < there.length; shard++) {
      missing += there[shard] ? 0 : (long) plan.windowsIn(shard) * plan.windowBytes();
    }
    progress.says(
        String.format(
            Locale.ROOT,
            "%,d windows of %d tokens, %s of %s in %s: %.1f MiB in %d shards, %.1f MiB to write",
            plan.windows(),
            plan.contextLength(),
            plan.parts().size() == 1 ? "one part" : plan.parts().size() + " parts",
            plan.width() + " numbers",
            plan.dtype(),
            plan.bytes() / MEBIBYTE,
            plan.shards(),
            missing / MEBIBYTE));
    long free = room.applyAsLong(folder);
    if (missing > 0 && missing + SPARE_BYTES > free) {
      throw new PalimpsestException(
          String.format(
              Locale.ROOT,
              "%s: the activations take %.1f MiB, the disk has %.1f MiB left: fewer tokens"
                  + " (--tokens) or hookpoints, or another disk (--out)",
              folder,
              missing / MEBIBYTE,
              free / MEBIBYTE));
    }
  }

  private static long usableBytes(Path folder) {
    try {
      return Files.getFileStore(folder).getUsableSpace();
    } catch (IOException failure) {
      throw new PalimpsestException(
          "cannot tell how much room " + folder + " has: " + AtomicFiles.describe(failure),
          failure);
    }
  }

  private void writeMissing(boolean[] there) {
    int length = plan.contextLength();
    long tokens = plan.windows() * length;
    long done = 0;
    for (int shard = 0; shard < there.length; shard++) {
      done += there[shard] ? (long) plan.windowsIn(shard) * length : 0;
    }
    progress.advanced("caching activations", "tokens", done, tokens);
    int rows = Math.max(1, request.batchTokens() / length);
    String digest = plan.digest();
    try (HookedActivations activations =
        new HookedActivations(
            model, request.hooks(), ExcludedTokens.of(plan.excluded()), rows * length)) {
      ShardContent content = new ShardContent(activations, rows);
      for (int shard = 0; shard < there.length; shard++) {
        if (!there[shard]) {
          int number = shard;
          long before = done;
          new SafeTensorsWriter()
              .sealed()
              .metadata(ActivationCache.OF, digest)
              .metadata(ActivationCache.NUMBER, "" + shard)
              .metadata("parts", String.join(" ", plan.parts()))
              .add(
                  ActivationCache.TENSOR,
                  plan.type().dtype(),
                  plan.shardShape(shard),
                  channel -> content.write(number, channel, before, tokens))
              .write(folder.resolve(CachePlan.fileName(shard)));
          done += (long) plan.windowsIn(shard) * length;
        }
      }
    }
  }

  /** Runs the model over a shard's windows while the shard is written. */
  private final class ShardContent {
    private final HookedActivations activations;
    private final int rows;
    private final float[] values;
    private final ByteBuffer bytes;

    ShardContent(HookedActivations activations, int rows) {
      this.activations = activations;
      this.rows = rows;
      values = new float[plan.partElements()];
      bytes = ByteBuffer.allocateDirect(plan.windowBytes()).order(ByteOrder.LITTLE_ENDIAN);
    }

    void write(int shard, WritableByteChannel channel, long before, long tokens)
        throws IOException {
      int length = plan.contextLength();
      int count = plan.windowsIn(shard);
      for (int from = 0; from < count; from += rows) {
        int present = Math.min(rows, count - from);
        TokenBatch batch = new TokenBatch(present, length, new int[present * length]);
        for (int row = 0; row < present; row++) {
          windows.read(order.at(plan.firstWindow(shard) + from + row), batch.ids(), row * length);
        }
        activations.run(batch);
        int next = 0;
        for (int row = 0; row < present; row++) {
          next = narrow(batch, row, next);
          while (bytes.hasRemaining()) {
            channel.write(bytes);
          }
        }
        progress.advanced(
            "caching activations", "tokens", before + (long) (from + present) * length, tokens);
      }
    }

    /**
     * Fills the bytes of one window.
     *
     * @param first the first of its kept rows in the batch
     * @return the first of the next window's
     */
    private int narrow(TokenBatch batch, int row, int first) {
      int length = plan.contextLength();
      int end = first;
      while (end < activations.rows() && activations.kept().position(end) < (row + 1) * length) {
        end++;
      }
      bytes.clear();
      zero();
      int part = 0;
      for (int hook = 0; hook < request.hooks().size(); hook++) {
        if (request.hooks().get(hook).transcode()) {
          narrow(batch, row, activations.x(hook), first, end, part++);
        }
        narrow(batch, row, activations.y(hook), first, end, part++);
      }
      return end;
    }

    private void zero() {
      for (int i = 0; i < bytes.capacity(); i++) {
        bytes.put(i, (byte) 0);
      }
    }

    private void narrow(
        TokenBatch batch, int row, FloatPointer rowsOfPart, int first, int end, int part) {
      int width = plan.width();
      int count = (end - first) * width;
      model.device().memory().get(Addresses.from(rowsOfPart, (long) first * width), values, count);
      for (int kept = first; kept < end; kept++) {
        int position = activations.kept().position(kept) - row * plan.contextLength();
        int from = (kept - first) * width;
        int at = part * plan.partElements() + position * width;
        int good = plan.type().narrow(values, from, width, bytes, at);
        if (good < width) {
          throw tooLarge(batch, plan.parts().get(part), values[from + good]);
        }
      }
    }

    private PalimpsestException tooLarge(TokenBatch batch, String part, float value) {
      if (!Float.isFinite(value)) {
        NonFiniteActivations.refuse(model, batch, "the text");
      }
      return new PalimpsestException(
          "an activation of "
              + part
              + " is "
              + value
              + ", more than "
              + plan.dtype()
              + " can hold: store them as bf16 or fp32 (--dtype)");
    }
  }
}
