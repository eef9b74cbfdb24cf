package dev.palimpsest.latents;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.HalfFloats;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Writes a latent cache in delphi's layout, batch by batch.
 *
 * <p>Firings are appended to scratch files, each for a group of neighbouring latents and small
 * enough to be sorted in memory; {@link #finish} sorts one after the other by (latent, row,
 * position) and streams it into its range's file. So memory is bounded by the batch and one group,
 * never by the cache. The scratch folder is removed at the end; what an interrupted builder left
 * behind is removed by the next one.
 */
public final class LatentCacheBuilder implements AutoCloseable {
  private static final long GROUP_ENTRIES = 1 << 21;
  private static final String SCRATCH = ".building";

  private final Path folder;
  private final LatentRanges ranges;
  private final int contextLength;
  private final long rows;
  private final int groupsPerRange;
  private final List<FiringLog> logs = new ArrayList<>();
  private final TokenLog tokenLog;
  private long rowsAdded;
  private long countedTokens;

  /**
   * @param folder where the cache will be; a complete cache that is there already stops being one
   * @param latents number of latents M
   * @param rows how many rows will be added
   * @param k most firings at a position, to choose the size of the groups
   */
  public LatentCacheBuilder(Path folder, int latents, int contextLength, long rows, int k) {
    this.folder = folder;
    this.ranges = LatentRanges.of(latents);
    this.contextLength = contextLength;
    this.rows = rows;
    long expected = rows * contextLength * k;
    groupsPerRange = (int) Math.min(256, 1 + expected / ranges.count() / GROUP_ENTRIES);
    Path scratch = folder.resolve(SCRATCH);
    try {
      Files.deleteIfExists(folder.resolve(CacheHeader.FILE));
      removeScratch(scratch);
      Files.createDirectories(scratch);
    } catch (IOException failure) {
      throw unwritable(folder, failure);
    }
    for (int group = 0; group < ranges.count() * groupsPerRange; group++) {
      logs.add(new FiringLog(scratch.resolve("group-" + group)));
    }
    tokenLog = new TokenLog(scratch.resolve("tokens"));
  }

  /** Adds the next rows. */
  public void add(LatentBatch batch) {
    if (batch.firstRow() != rowsAdded || batch.length() != contextLength) {
      throw new IllegalArgumentException(
          "rows from " + batch.firstRow() + " on, expected those from " + rowsAdded + " on");
    }
    tokenLog.add(batch.tokens());
    for (int i = 0; i < batch.kept().length; i++) {
      int row = (int) rowsAdded + batch.kept()[i] / contextLength;
      int position = batch.kept()[i] % contextLength;
      for (int slot = i * batch.k(); slot < (i + 1) * batch.k(); slot++) {
        float activation = batch.activations()[slot];
        if (activation > 0) {
          int latent = batch.latents()[slot];
          logs.get(group(latent)).add(row, position, latent, activation);
        }
      }
    }
    rowsAdded += batch.rows();
    countedTokens += batch.kept().length;
  }

  /** Tokens added so far that count. */
  public long countedTokens() {
    return countedTokens;
  }

  /**
   * Writes the files, the header last.
   *
   * @param header describes the cache; its numbers of rows and tokens must be those added
   */
  public void finish(CacheHeader header) {
    if (rowsAdded != rows || header.rows() != rows || header.tokens() != countedTokens) {
      throw new IllegalStateException(rowsAdded + " rows were added, expected " + rows);
    }
    for (int range = 0; range < ranges.count(); range++) {
      write(range);
    }
    close();
    AtomicFiles.writeString(folder.resolve(CacheHeader.FILE), Json.pretty(header));
  }

  private void write(int range) {
    int first = ranges.start(range);
    int latents = ranges.start(range + 1) - first;
    boolean narrow = rows <= 1 << 16 && contextLength <= 1 << 16 && latents <= 1 << 16;
    List<FiringLog> groups = logs.subList(range * groupsPerRange, (range + 1) * groupsPerRange);
    long entries = groups.stream().mapToLong(FiringLog::entries).sum();
    new SafeTensorsWriter()
        .add(
            "locations",
            narrow ? DType.U16 : DType.U32,
            new long[] {entries, 3},
            channel -> {
              for (FiringLog group : groups) {
                writeLocations(channel, SortedFirings.of(group, first, latents), narrow, first);
              }
            })
        .add(
            "activations",
            DType.F16,
            new long[] {entries},
            channel -> {
              for (FiringLog group : groups) {
                writeActivations(channel, SortedFirings.of(group, first, latents));
              }
            })
        .add(
            "tokens",
            DType.I64,
            new long[] {rows, contextLength},
            channel -> tokenLog.writeTo(channel))
        .write(folder.resolve(ranges.file(range)));
  }

  private static void writeLocations(
      WritableByteChannel channel, SortedFirings firings, boolean narrow, int firstLatent)
      throws IOException {
    ByteBuffer block = block(firings.size() * (narrow ? 6 : 12));
    for (int i = 0; i < firings.size(); i++) {
      if (narrow) {
        block.putShort((short) firings.row(i)).putShort((short) firings.position(i));
        block.putShort((short) (firings.latent(i) - firstLatent));
      } else {
        block.putInt(firings.row(i)).putInt(firings.position(i));
        block.putInt(firings.latent(i) - firstLatent);
      }
    }
    writeFully(channel, block.flip());
  }

  private static void writeActivations(WritableByteChannel channel, SortedFirings firings)
      throws IOException {
    ByteBuffer block = block(firings.size() * 2);
    for (int i = 0; i < firings.size(); i++) {
      block.putShort(HalfFloats.toFloat16(firings.activation(i)));
    }
    writeFully(channel, block.flip());
  }

  private static ByteBuffer block(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private int group(int latent) {
    int range = ranges.rangeOf(latent);
    int first = ranges.start(range);
    int size = ranges.start(range + 1) - first;
    return range * groupsPerRange + (int) ((long) (latent - first) * groupsPerRange / size);
  }

  @Override
  public void close() {
    logs.forEach(FiringLog::close);
    tokenLog.close();
    try {
      removeScratch(folder.resolve(SCRATCH));
    } catch (IOException failure) {
      throw unwritable(folder, failure);
    }
  }

  private static void removeScratch(Path scratch) throws IOException {
    if (Files.isDirectory(scratch)) {
      try (Stream<Path> files = Files.list(scratch)) {
        for (Path file : files.toList()) {
          Files.deleteIfExists(file);
        }
      }
      Files.deleteIfExists(scratch);
    }
  }

  private static PalimpsestException unwritable(Path folder, IOException failure) {
    return new PalimpsestException(
        "cannot write " + folder + ": " + AtomicFiles.describe(failure), failure);
  }
}
