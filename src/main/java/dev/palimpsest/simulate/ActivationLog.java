package dev.palimpsest.simulate;

import dev.palimpsest.latents.ScratchLog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
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

  private final int groups;
  private final List<ScratchLog> logs = new ArrayList<>();
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
   * How far a log had come.
   *
   * @param marks of the groups' files
   * @param counts [M] entries of each latent
   */
  @SuppressWarnings("ArrayRecordComponent") // a plain carrier, never compared
  record Mark(List<ScratchLog.Mark> marks, int[] counts) {
    /** The beginning of a log. */
    static Mark start(int latents, int groups) {
      return new Mark(Collections.nCopies(groups, ScratchLog.Mark.START), new int[latents]);
    }
  }

  /**
   * Opens the log; what was written after a mark is cut off.
   *
   * @param folder of the scratch files, which is there
   */
  ActivationLog(Path folder, Mark mark) {
    counts = mark.counts().clone();
    groups = mark.marks().size();
    try {
      for (int group = 0; group < groups; group++) {
        logs.add(new ScratchLog(folder.resolve("activations-" + group), mark.marks().get(group)));
      }
    } catch (RuntimeException fault) {
      close();
      throw fault;
    }
  }

  /** How many files a log of so many entries has. */
  static int groups(int latents, long expected) {
    return (int) Math.min(Math.min(MOST_GROUPS, latents), 1 + expected / GROUP_ENTRIES);
  }

  void add(int latent, float activation) {
    logs.get(group(latent)).next(ENTRY_BYTES).putInt(latent).putFloat(activation);
    counts[latent]++;
  }

  private int group(int latent) {
    return (int) ((long) latent * groups / counts.length);
  }

  /** Forces everything to disk. */
  Mark sync() {
    return new Mark(logs.stream().map(ScratchLog::sync).toList(), counts.clone());
  }

  /** Visits all latents in ascending order, those without entries too. */
  void forEachLatent(Visitor visitor) {
    int first = 0;
    for (int group = 0; group < groups; group++) {
      int end = first;
      while (end < counts.length && group(end) == group) {
        end++;
      }
      float[][] fired = read(group, first, end);
      for (int latent = first; latent < end; latent++) {
        visitor.visit(latent, fired[latent - first]);
      }
      first = end;
    }
  }

  private float[][] read(int group, int first, int end) {
    float[][] fired = new float[end - first][];
    for (int latent = first; latent < end; latent++) {
      fired[latent - first] = new float[counts[latent]];
    }
    int[] next = new int[fired.length];
    logs.get(group)
        .read(
            block -> {
              while (block.hasRemaining()) {
                int latent = block.getInt() - first;
                fired[latent][next[latent]++] = block.getFloat();
              }
            });
    return fired;
  }

  /** Closes the files and leaves them where they are. */
  @Override
  public void close() {
    logs.forEach(ScratchLog::close);
  }
}
