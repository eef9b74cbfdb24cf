package dev.palimpsest.rewrite;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The batches that an evaluation has measured, on disk as they are done, so that a process that was
 * killed loses one batch at most. The file begins with what the losses depend on; each batch
 * follows with its length and a checksum and is forced to disk. A file of other inputs is thrown
 * away; of a damaged one what lies before the damage is kept. Either is said in one line.
 *
 * <p>A record is {@code [int bytes][int CRC32C][payload]}, big-endian. The first payload is the
 * identity in UTF-8; a batch's is variants, windows W, then W longs (index in the split), W ints
 * (counted tokens) and three times variants × W doubles (cross-entropy, KL, squared error).
 */
final class LossJournal implements AutoCloseable {
  /** Of a record: its length and its checksum. */
  private static final int HEAD = 8;

  private static final int MOST_BYTES = 1 << 30;

  private final Optional<FileChannel> channel;
  private final Path file;
  private final Deque<BatchLosses> known;

  private LossJournal(Optional<FileChannel> channel, Path file, Deque<BatchLosses> known) {
    this.channel = channel;
    this.file = file;
    this.known = known;
  }

  /** Keeps nothing. */
  static LossJournal none() {
    return new LossJournal(Optional.empty(), Path.of(""), new ArrayDeque<>());
  }

  /**
   * Opens or begins a journal.
   *
   * @param identity of everything the losses depend on
   * @param progress hears where a journal cannot be used
   */
  static LossJournal open(Path file, String identity, Progress progress) {
    Deque<BatchLosses> known = new ArrayDeque<>();
    long valid = 0;
    if (Files.isRegularFile(file)) {
      try {
        valid = read(ByteBuffer.wrap(Files.readAllBytes(file)), identity, known, file, progress);
      } catch (IOException failure) {
        throw failed(file, failure);
      }
    }
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      channel.truncate(valid).position(valid);
      LossJournal journal = new LossJournal(Optional.of(channel), file, known);
      if (valid == 0) {
        journal.write(identity.getBytes(StandardCharsets.UTF_8));
      }
      return journal;
    } catch (IOException failure) {
      throw failed(file, failure);
    }
  }

  /** Reads what is whole; returns the bytes that are worth keeping. */
  private static long read(
      ByteBuffer all, String identity, Deque<BatchLosses> known, Path file, Progress progress) {
    Optional<ByteBuffer> first = record(all);
    if (first.isEmpty()) {
      progress.says(file + ": damaged, begun anew");
      return 0;
    }
    if (!StandardCharsets.UTF_8.decode(first.get()).toString().equals(identity)) {
      progress.says(file + ": of other settings or inputs, begun anew");
      return 0;
    }
    long valid = all.position();
    while (all.hasRemaining()) {
      Optional<BatchLosses> batch = record(all).flatMap(LossJournal::batch);
      if (batch.isEmpty()) {
        progress.says(file + ": damaged after " + known.size() + " batches, which are kept");
        return valid;
      }
      known.add(batch.get());
      valid = all.position();
    }
    return valid;
  }

  /** The next record's payload; empty where it is cut off or its checksum does not agree. */
  private static Optional<ByteBuffer> record(ByteBuffer all) {
    if (all.remaining() < HEAD) {
      return Optional.empty();
    }
    int bytes = all.getInt();
    int checksum = all.getInt();
    if (bytes < 0 || bytes > all.remaining()) {
      return Optional.empty();
    }
    ByteBuffer payload = all.slice(all.position(), bytes);
    all.position(all.position() + bytes);
    return checksum(payload.duplicate()) == checksum ? Optional.of(payload) : Optional.empty();
  }

  private static Optional<BatchLosses> batch(ByteBuffer payload) {
    try {
      int variants = payload.getInt();
      int count = payload.getInt();
      if (variants < 1
          || count < 1
          || 12L * count + 24L * variants * count != payload.remaining()) {
        return Optional.empty();
      }
      long[] windows = new long[count];
      int[] tokens = new int[count];
      Arrays.setAll(windows, i -> payload.getLong());
      Arrays.setAll(tokens, i -> payload.getInt());
      BatchLosses losses = new BatchLosses(variants, windows, tokens);
      for (double[][] values : kinds(losses)) {
        for (double[] row : values) {
          Arrays.setAll(row, i -> payload.getDouble());
        }
      }
      return Optional.of(losses);
    } catch (BufferUnderflowException cutOff) {
      return Optional.empty();
    }
  }

  private static List<double[][]> kinds(BatchLosses losses) {
    return List.of(losses.crossEntropy(), losses.divergence(), losses.squaredError());
  }

  /**
   * The losses of the next batch, if they are known.
   *
   * @param windows of the batch; where they are not those of the journal, nothing of it is used
   */
  Optional<BatchLosses> next(List<Long> windows, int variants) {
    BatchLosses next = known.peek();
    if (next == null) {
      return Optional.empty();
    }
    if (next.variants() != variants
        || !Arrays.equals(next.windows(), windows.stream().mapToLong(Long::longValue).toArray())) {
      throw new PalimpsestException(
          file + ": holds other windows than these settings name; delete it to begin anew");
    }
    return Optional.of(known.remove());
  }

  /** Keeps a batch. */
  void append(BatchLosses losses) {
    if (channel.isEmpty()) {
      return;
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(losses.variants());
      out.writeInt(losses.windows().length);
      for (long window : losses.windows()) {
        out.writeLong(window);
      }
      for (int tokens : losses.tokens()) {
        out.writeInt(tokens);
      }
      for (double[][] values : kinds(losses)) {
        for (double[] row : values) {
          for (double value : row) {
            out.writeDouble(value);
          }
        }
      }
      write(bytes.toByteArray());
    } catch (IOException failure) {
      throw failed(file, failure);
    }
  }

  private void write(byte[] payload) throws IOException {
    if (payload.length > MOST_BYTES) {
      throw new IOException("a record of " + payload.length + " bytes");
    }
    ByteBuffer record = ByteBuffer.allocate(HEAD + payload.length);
    record.putInt(payload.length).putInt(checksum(ByteBuffer.wrap(payload))).put(payload).flip();
    FileChannel open = channel.orElseThrow();
    while (record.hasRemaining()) {
      open.write(record);
    }
    open.force(false);
  }

  private static int checksum(ByteBuffer bytes) {
    CRC32C sum = new CRC32C();
    sum.update(bytes);
    return (int) sum.getValue();
  }

  /** The evaluation is done and written: the journal is no longer needed. */
  void delete() {
    close();
    if (channel.isPresent()) {
      try {
        Files.deleteIfExists(file);
      } catch (IOException failure) {
        throw failed(file, failure);
      }
    }
  }

  @Override
  public void close() {
    if (channel.isPresent()) {
      try {
        channel.get().close();
      } catch (IOException failure) {
        throw failed(file, failure);
      }
    }
  }

  private static PalimpsestException failed(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot keep losses in " + file + ": " + AtomicFiles.describe(failure), failure);
  }
}
