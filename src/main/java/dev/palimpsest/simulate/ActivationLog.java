package dev.palimpsest.simulate;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.PalimpsestException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * True activations above 0 by latent, in scratch files: each has those of a group of neighbouring
 * latents in the order in which they came. In memory are a buffer a group and a count a latent,
 * however long the text; {@link #forEachLatent} brings in one group at a time.
 */
final class ActivationLog implements AutoCloseable {
  /** Entries of a group that is read at once: 16 MiB. */
  private static final long GROUP_ENTRIES = 1 << 21;

  private static final int MOST_GROUPS = 256;
  private static final int ENTRY_BYTES = 8;
  private static final int BUFFERED_ENTRIES = 1024;

  private final int latents;
  private final int groups;
  private final List<Path> files = new ArrayList<>();
  private final List<FileChannel> channels = new ArrayList<>();
  private final List<ByteBuffer> buffers = new ArrayList<>();
  private final int[] counts;

  /** Work on one latent. */
  @FunctionalInterface
  interface Visitor {
    /**
     * @param fired the latent's activations in the order in which they came; the visitor's own
     */
    void visit(int latent, float[] fired);
  }

  /**
   * Opens the log; what its files hold already is kept as far as {@code lengths} says.
   *
   * @param folder of the scratch files; made if missing
   * @param latents M
   * @param expected entries, to choose the size of the groups
   * @param lengths bytes of each group's file that are to be kept; empty: none
   * @param counts [M] entries of each latent in them
   */
  ActivationLog(Path folder, int latents, long expected, long[] lengths, int[] counts) {
    this.latents = latents;
    this.counts = counts.clone();
    groups = groups(latents, expected);
    try {
      Files.createDirectories(folder);
      for (int group = 0; group < groups; group++) {
        Path file = folder.resolve("activations-" + group);
        files.add(file);
        FileChannel channel =
            FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        channels.add(channel);
        long kept = lengths.length == 0 ? 0 : lengths[group];
        if (channel.size() < kept) {
          throw new EOFException("shorter than what was written to it");
        }
        channel.truncate(kept).position(kept);
        buffers.add(
            ByteBuffer.allocate(BUFFERED_ENTRIES * ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN));
      }
    } catch (IOException failure) {
      close();
      throw fault(folder, failure);
    }
  }

  /** How many files a log of so many entries has. */
  static int groups(int latents, long expected) {
    return (int) Math.min(Math.min(MOST_GROUPS, latents), 1 + expected / GROUP_ENTRIES);
  }

  void add(int latent, float activation) {
    int group = (int) ((long) latent * groups / latents);
    ByteBuffer buffer = buffers.get(group);
    buffer.putInt(latent).putFloat(activation);
    counts[latent]++;
    if (!buffer.hasRemaining()) {
      flush(group);
    }
  }

  /** Entries of each latent [M]; not to be changed. */
  int[] counts() {
    return counts;
  }

  /** Forces everything to disk; returns the bytes of each group's file. */
  long[] sync() {
    long[] lengths = new long[groups];
    for (int group = 0; group < groups; group++) {
      flush(group);
      try {
        channels.get(group).force(false);
        lengths[group] = channels.get(group).size();
      } catch (IOException failure) {
        throw fault(files.get(group), failure);
      }
    }
    return lengths;
  }

  /** Visits all latents in ascending order, those without entries too. */
  void forEachLatent(Visitor visitor) {
    int latent = 0;
    for (int group = 0; group < groups; group++) {
      flush(group);
      int end = latent;
      while (end < latents && (int) ((long) end * groups / latents) == group) {
        end++;
      }
      float[][] fired = new float[end - latent][];
      for (int i = 0; i < fired.length; i++) {
        fired[i] = new float[counts[latent + i]];
      }
      read(group, latent, fired);
      for (int i = 0; i < fired.length; i++) {
        visitor.visit(latent + i, fired[i]);
      }
      latent = end;
    }
  }

  private void read(int group, int first, float[][] fired) {
    int[] next = new int[fired.length];
    ByteBuffer block = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
    FileChannel channel = channels.get(group);
    try {
      long size = channel.size();
      for (long at = 0; at < size; ) {
        block.clear().limit((int) Math.min(block.capacity(), size - at));
        while (block.hasRemaining()) {
          if (channel.read(block, at + block.position()) < 0) {
            throw new EOFException("shorter than what was written to it");
          }
        }
        at += block.flip().limit();
        while (block.hasRemaining()) {
          int latent = block.getInt() - first;
          fired[latent][next[latent]++] = block.getFloat();
        }
      }
    } catch (IOException failure) {
      throw fault(files.get(group), failure);
    }
  }

  private void flush(int group) {
    ByteBuffer buffer = buffers.get(group).flip();
    try {
      while (buffer.hasRemaining()) {
        channels.get(group).write(buffer);
      }
    } catch (IOException failure) {
      throw fault(files.get(group), failure);
    }
    buffer.clear();
  }

  /** Closes the files and leaves them where they are. */
  @Override
  public void close() {
    for (FileChannel channel : channels) {
      try {
        channel.close();
      } catch (IOException failure) {
        throw fault(files.get(0), failure);
      }
    }
  }

  private static PalimpsestException fault(Path file, IOException failure) {
    return new PalimpsestException(
        "cannot write or read " + file + ": " + AtomicFiles.describe(failure), failure);
  }
}
