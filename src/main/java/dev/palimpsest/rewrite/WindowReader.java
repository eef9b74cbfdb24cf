package dev.palimpsest.rewrite;

import dev.palimpsest.base.Seeds;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.results.RewriteConfig;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import dev.palimpsest.text.WindowOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads the evaluation windows batch by batch, leaving out those without any counted token. */
final class WindowReader {
  private final TokenWindows windows;
  private final Protocol protocol;
  private final ExcludedTokens excluded;
  private final WindowOrder order;
  private final boolean inOrder;
  private final long wanted;
  private long position;
  private long taken;

  /**
   * The inputs and targets of some windows.
   *
   * @param windows index of each window in its split [R]
   * @param tokens what the model sees [R, T]: all but the last token of each window
   * @param rows one for each patched and counted position, ascending by (window, position)
   */
  record Batch(List<Long> windows, TokenBatch tokens, List<Row> rows) {
    /** The patched positions in the flattened tokens [n]. */
    int[] flatPositions() {
      return rows.stream()
          .mapToInt(row -> row.inBatch() * tokens.length() + row.position())
          .toArray();
    }

    /** What is predicted at the patched positions [n]. */
    long[] targets() {
      return rows.stream().mapToLong(Row::target).toArray();
    }

    /** An identity of each row that does not depend on batching [n]. */
    long[] keys() {
      return rows.stream()
          .mapToLong(row -> windows.get(row.inBatch()) * tokens.length() + row.position())
          .toArray();
    }

    /** The context of one window [T]. */
    int[] context(int inBatch) {
      return Arrays.copyOfRange(
          tokens.ids(), inBatch * tokens.length(), (inBatch + 1) * tokens.length());
    }
  }

  /**
   * A patched and counted position.
   *
   * @param inBatch the window's place in the batch
   * @param position in the context
   * @param target the token after it
   */
  record Row(int inBatch, int position, int target) {}

  WindowReader(TokenWindows windows, ExcludedTokens excluded, RewriteConfig config) {
    if (windows.contextLength() != config.windowTokens()) {
      throw new IllegalArgumentException(
          "windows of " + windows.contextLength() + " tokens for " + config.windowTokens());
    }
    this.windows = windows;
    this.protocol = config.protocol();
    this.excluded = excluded;
    boolean all = config.maxWindows() == 0 || config.maxWindows() >= windows.size();
    // What may stop early must have read a fair sample of the text whenever it stops.
    inOrder = all && config.untilCi() == 0;
    wanted = all ? windows.size() : config.maxWindows();
    order = new WindowOrder(windows.size(), Seeds.mix(config.seed(), 0x52455752L));
  }

  /** An upper bound of the windows that will be read, for progress. */
  long windows() {
    return wanted;
  }

  /** The next windows, at most {@code count}; empty at the end. */
  Optional<Batch> next(int count) {
    int length = windows.contextLength() - 1;
    List<Long> indices = new ArrayList<>();
    List<Row> rows = new ArrayList<>();
    int[] ids = new int[count * length];
    int[] window = new int[length + 1];
    while (indices.size() < count && taken < wanted && position < windows.size()) {
      long index = inOrder ? position : order.at(position);
      position++;
      windows.read(index, window, 0);
      int before = rows.size();
      int first = protocol == Protocol.LAST_TOKEN ? length - 1 : 0;
      for (int t = first; t < length; t++) {
        if (!excluded.contains(window[t])) {
          rows.add(new Row(indices.size(), t, window[t + 1]));
        }
      }
      if (rows.size() > before) {
        System.arraycopy(window, 0, ids, indices.size() * length, length);
        indices.add(index);
        taken++;
      }
    }
    if (indices.isEmpty()) {
      return Optional.empty();
    }
    int[] used = Arrays.copyOf(ids, indices.size() * length);
    return Optional.of(new Batch(indices, new TokenBatch(indices.size(), length, used), rows));
  }
}
