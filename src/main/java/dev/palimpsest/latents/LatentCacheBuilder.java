package dev.palimpsest.latents;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.StateFiles;
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
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Writes a latent cache in delphi's layout, batch by batch.
 *
 * <p>Firings are appended to scratch files, each for a group of neighbouring latents and small
 * enough to be sorted in memory; {@link #finish} sorts one after the other by (latent, row,
 * position) and streams it into its range's file. So memory is bounded by the batch and one group,
 * never by the cache.
 *
 * <p>What was added before a {@link #keep} survives the process: a builder of the same identity
 * goes on behind it, and the files end with the same bytes. The scratch folder is removed at the
 * end, and by a builder of another identity.
 *
 * <p>Activations are stored as 16-bit floats like delphi's. Where one of them is beyond their range
 * (above 65,504, or so small that it would become 0), all are stored as 32-bit floats, so that none
 * is lost.
 */
public final class LatentCacheBuilder implements AutoCloseable {
  private static final long GROUP_ENTRIES = 1 << 21;
  private static final String SCRATCH = ".building";
  private static final String STATE = "state.json";
  private static final Pattern RANGE_FILE = Pattern.compile("[0-9]+_[0-9]+\\.safetensors");

  private final Path folder;
  private final LatentRanges ranges;
  private final int contextLength;
  private final long rows;
  private final int groupsPerRange;
  private final SortedMap<String, String> identity;
  private final List<FiringLog> logs = new ArrayList<>();
  private TokenLog tokenLog;
  private long rowsAdded;
  private long countedTokens;
  private boolean wide;
  private int rangesWritten;

  /**
   * How far a builder had come.
   *
   * @param identity of what is being made
   * @param rows added so far
   * @param tokens of them that count
   * @param wide whether an activation needs 32 bits
   * @param ranges files that are finished
   * @param logs marks of the groups' scratch files, and last of the tokens'
   */
  private record State(
      SortedMap<String, String> identity,
      long rows,
      long tokens,
      boolean wide,
      int ranges,
      List<ScratchLog.Mark> logs) {}

  /**
   * @param folder where the cache will be; a complete cache that is there already stops being one
   * @param latents number of latents M
   * @param rows how many rows will be added
   * @param k most firings at a position, to choose the size of the groups
   * @param source what the rows are made from: a builder that was stopped is only gone on with for
   *     the same source
   */
  public LatentCacheBuilder(
      Path folder, int latents, int contextLength, long rows, int k, Map<String, String> source) {
    this.folder = folder;
    this.ranges = LatentRanges.of(latents);
    this.contextLength = contextLength;
    this.rows = rows;
    long expected = rows * contextLength * k;
    groupsPerRange = (int) Math.min(256, 1 + expected / ranges.count() / GROUP_ENTRIES);
    identity = new TreeMap<>(source);
    identity.put("cache", latents + " latents, " + rows + " rows of " + contextLength);
    identity.put("scratch", ranges.count() + " ranges of " + groupsPerRange + " groups");
    try {
      Files.deleteIfExists(folder.resolve(CacheHeader.FILE));
    } catch (IOException failure) {
      throw unwritable(folder, failure);
    }
    tokenLog = goOn().orElseGet(this::begin);
  }

  /** The folder of a builder's work in progress. */
  static Path scratch(Path folder) {
    return folder.resolve(SCRATCH);
  }

  private Path scratch() {
    return scratch(folder);
  }

  /** Takes up what a stopped builder of the same identity has kept; empty where that is nothing. */
  private Optional<TokenLog> goOn() {
    Path file = scratch().resolve(STATE);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    try {
      State state = StateFiles.readSealed(file, State.class);
      int groups = ranges.count() * groupsPerRange;
      if (!state.identity().equals(identity) || state.logs().size() != groups + 1) {
        return Optional.empty();
      }
      for (int group = 0; group < groups; group++) {
        logs.add(new FiringLog(logFile(group), state.logs().get(group)));
      }
      TokenLog tokens = new TokenLog(scratch().resolve("tokens"), state.logs().get(groups));
      rowsAdded = state.rows();
      countedTokens = state.tokens();
      wide = state.wide();
      rangesWritten = state.ranges();
      return Optional.of(tokens);
    } catch (PalimpsestException damaged) {
      // Nothing is lost but time: the rows are made anew.
      logs.forEach(FiringLog::close);
      logs.clear();
      return Optional.empty();
    }
  }

  private TokenLog begin() {
    ScratchFolder.remove(scratch());
    try {
      Files.createDirectories(scratch());
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          if (RANGE_FILE.matcher(file.getFileName().toString()).matches()) {
            Files.delete(file);
          }
        }
      }
    } catch (IOException failure) {
      throw unwritable(folder, failure);
    }
    for (int group = 0; group < ranges.count() * groupsPerRange; group++) {
      logs.add(new FiringLog(logFile(group), ScratchLog.Mark.START));
    }
    return new TokenLog(scratch().resolve("tokens"), ScratchLog.Mark.START);
  }

  private Path logFile(int group) {
    return scratch().resolve("group-" + group);
  }

  /** Rows added so far, by this builder and a stopped one that it goes on from. */
  public long rowsAdded() {
    return rowsAdded;
  }

  /** Makes sure that what was added so far outlives the process. */
  public void keep() {
    List<ScratchLog.Mark> marks = new ArrayList<>();
    logs.forEach(log -> marks.add(log.sync()));
    marks.add(tokenLog.sync());
    StateFiles.writeSealed(
        scratch().resolve(STATE),
        new State(identity, rowsAdded, countedTokens, wide, rangesWritten, marks));
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
        if (!Float.isFinite(activation)) {
          throw new PalimpsestException(
              "latent "
                  + batch.latents()[slot]
                  + " is "
                  + activation
                  + " at position "
                  + position
                  + " of row "
                  + row
                  + ": an activation must be a finite number");
        }
        if (activation > 0) {
          int latent = batch.latents()[slot];
          float stored = HalfFloats.fromFloat16(HalfFloats.toFloat16(activation));
          wide |= stored == 0 || !Float.isFinite(stored);
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
    while (rangesWritten < ranges.count()) {
      keep();
      write(rangesWritten);
      rangesWritten++;
    }
    close();
    StateFiles.writeSealed(folder.resolve(CacheHeader.FILE), header);
    ScratchFolder.remove(scratch());
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
            wide ? DType.F32 : DType.F16,
            new long[] {entries},
            channel -> {
              for (FiringLog group : groups) {
                writeActivations(channel, SortedFirings.of(group, first, latents), wide);
              }
            })
        .add(
            "tokens",
            DType.I64,
            new long[] {rows, contextLength},
            channel -> tokenLog.writeTo(channel))
        .sealed()
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

  private static void writeActivations(
      WritableByteChannel channel, SortedFirings firings, boolean wide) throws IOException {
    ByteBuffer block = block(firings.size() * (wide ? 4 : 2));
    for (int i = 0; i < firings.size(); i++) {
      if (wide) {
        block.putFloat(firings.activation(i));
      } else {
        block.putShort(HalfFloats.toFloat16(firings.activation(i)));
      }
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

  /** Closes the scratch files; what was kept stays, unless the cache is finished. */
  @Override
  public void close() {
    logs.forEach(FiringLog::close);
    tokenLog.close();
  }

  private static PalimpsestException unwritable(Path folder, IOException failure) {
    return new PalimpsestException(
        "cannot write " + folder + ": " + AtomicFiles.describe(failure), failure);
  }
}
