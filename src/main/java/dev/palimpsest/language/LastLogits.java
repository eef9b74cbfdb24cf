package dev.palimpsest.language;

import dev.palimpsest.model.CachedRun;
import dev.palimpsest.model.Extension;
import dev.palimpsest.model.LanguageModel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Logits after the last token of many sequences. What several begin with is run once, its keys and
 * values are kept while they are needed; several sequences share a pass. The tree is gone through
 * in depth, so that what is kept at a time is the path to what is in hand; the budget bounds it.
 */
public final class LastLogits {
  private final LanguageModel model;
  private final Passes passes;
  private final long budget;
  private long held;

  /**
   * @param budget bytes of keys and values; a sequence is run even where it alone needs more, and a
   *     beginning that does not fit is run again for each that has it
   */
  public LastLogits(LanguageModel model, long budget) {
    this.model = model;
    this.passes = new Passes(model);
    this.budget = budget;
  }

  /** Hears of each sequence once, in no particular order. */
  public interface Sink {
    void accept(int sequence, float[] logits);
  }

  /** A beginning in memory, and how many of its children are still to come. */
  private static final class Kept {
    private final Optional<Kept> above;
    private final CachedRun run;
    private int users;

    Kept(Optional<Kept> above, CachedRun run, int users) {
      this.above = above;
      this.run = run;
      this.users = users;
    }

    List<CachedRun> chain() {
      List<CachedRun> chain = new ArrayList<>(above.map(Kept::chain).orElse(List.of()));
      chain.add(run);
      return chain;
    }
  }

  /** A node whose beginning is in memory. */
  private record Ready(PrefixTree node, Optional<Kept> above) {}

  /** Runs all sequences. */
  public void of(List<int[]> sequences, Sink sink) {
    sequences.forEach(sequence -> model.requireLength(sequence.length));
    Deque<Ready> waiting = new ArrayDeque<>();
    PrefixTree.of(sequences).forEach(tree -> waiting.push(new Ready(tree, Optional.empty())));
    try {
      while (!waiting.isEmpty()) {
        List<Ready> batch = take(waiting);
        run(batch, waiting, sink);
      }
    } finally {
      waiting.forEach(ready -> release(ready.above));
    }
  }

  /** Nodes for one pass, or one long node alone. */
  private List<Ready> take(Deque<Ready> waiting) {
    List<Ready> batch = new ArrayList<>();
    int tokens = 0;
    long bytes = 0;
    while (!waiting.isEmpty()) {
      Ready next = waiting.peek();
      int length = next.node.tokens().length;
      long size = model.cachedBytesOfToken() * length;
      boolean fits = held + bytes + size <= budget;
      if (!fits && !next.node.children().isEmpty()) {
        waiting.pop();
        List<PrefixTree> parts = next.node.unshared();
        next.above.ifPresent(kept -> kept.users += parts.size() - 1);
        parts.forEach(part -> waiting.push(new Ready(part, next.above)));
        continue;
      }
      if (!batch.isEmpty() && (tokens + length > Passes.TOKENS || !fits)) {
        break;
      }
      batch.add(waiting.pop());
      tokens += length;
      bytes += size;
    }
    return batch;
  }

  private void run(List<Ready> batch, Deque<Ready> waiting, Sink sink) {
    List<CachedRun> runs = new ArrayList<>();
    boolean done = false;
    try {
      for (Ready ready : batch) {
        runs.add(model.run(ready.node.tokens().length));
      }
      float[][] logits = logits(batch, runs);
      int row = 0;
      for (Ready ready : batch) {
        if (!ready.node.ends().isEmpty()) {
          float[] here = logits[row++];
          ready.node.ends().forEach(sequence -> sink.accept(sequence, here));
        }
      }
      done = true;
    } finally {
      for (int i = 0; i < runs.size(); i++) {
        keep(batch.get(i), runs.get(i), done, waiting);
      }
    }
  }

  private void keep(Ready ready, CachedRun run, boolean done, Deque<Ready> waiting) {
    List<PrefixTree> children = ready.node.children();
    if (!done || children.isEmpty()) {
      run.close();
      release(ready.above);
      return;
    }
    held += model.cachedBytesOfToken() * run.capacity();
    Optional<Kept> kept = Optional.of(new Kept(ready.above, run, children.size()));
    children.forEach(child -> waiting.push(new Ready(child, kept)));
  }

  private void release(Optional<Kept> kept) {
    if (kept.isPresent() && --kept.get().users == 0) {
      held -= model.cachedBytesOfToken() * kept.get().run.capacity();
      kept.get().run.close();
      release(kept.get().above);
    }
  }

  /** Logits where sequences end; tokens beyond those of a pass go in several. */
  private float[][] logits(List<Ready> batch, List<CachedRun> runs) {
    int longest = batch.stream().mapToInt(ready -> ready.node.tokens().length).max().orElse(0);
    if (longest > Passes.TOKENS) {
      int[] tokens = batch.get(0).node.tokens();
      int from = 0;
      for (; tokens.length - from > Passes.TOKENS; from += Passes.TOKENS) {
        int[] part = Arrays.copyOfRange(tokens, from, from + Passes.TOKENS);
        passes.logitsAfter(List.of(extension(batch.get(0), runs.get(0), part)), new int[0]);
      }
      int[] rest = Arrays.copyOfRange(tokens, from, tokens.length);
      boolean ends = !batch.get(0).node.ends().isEmpty();
      return passes.logitsAfter(
          List.of(extension(batch.get(0), runs.get(0), rest)), ends ? new int[] {0} : new int[0]);
    }
    List<Extension> extensions = new ArrayList<>();
    List<Integer> wanted = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      PrefixTree node = batch.get(i).node;
      extensions.add(extension(batch.get(i), runs.get(i), node.tokens()));
      if (!node.ends().isEmpty()) {
        wanted.add(i);
      }
    }
    return passes.logitsAfter(extensions, wanted.stream().mapToInt(Integer::intValue).toArray());
  }

  private static Extension extension(Ready ready, CachedRun run, int[] tokens) {
    return new Extension(ready.above.map(Kept::chain).orElse(List.of()), run, tokens);
  }
}
