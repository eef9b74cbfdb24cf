package dev.palimpsest.language;

import dev.palimpsest.base.Progress;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.model.CachedRun;
import dev.palimpsest.model.Extension;
import dev.palimpsest.model.LanguageModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Writes answers to many prompts together. Every pass takes the next token of each answer in the
 * making, and pieces of prompts not yet read; an answer that ends makes room for the next prompt.
 * What an answer says does not depend on the others.
 */
public final class Decoding {
  /** Answers in the making; more would not read weights less often. */
  private static final int MOST_ROWS = 32;

  private final LanguageModel model;
  private final Passes passes;
  private final Set<Integer> stops;
  private final long budget;

  /**
   * @param stops tokens that end an answer
   * @param budget bytes of keys and values; one prompt is taken even where it needs more
   */
  public Decoding(LanguageModel model, Set<Integer> stops, long budget) {
    this.model = model;
    this.passes = new Passes(model);
    this.stops = stops;
    this.budget = budget;
  }

  /**
   * What was written, without the token that ended it.
   *
   * @param stopped whether the model ended it
   */
  @SuppressWarnings("ArrayRecordComponent") // handed on once, never compared
  public record Written(int[] tokens, boolean stopped) {}

  /**
   * How one answer is drawn.
   *
   * @param place tells apart answers of one seed
   */
  record Draw(Sampling sampling, int place) {}

  /** Hears an answer as soon as it is there. */
  @FunctionalInterface
  interface Sink {
    void accept(int prompt, Written written);
  }

  /** One answer in the making. */
  private final class Row {
    private final int index;
    private final int[] prompt;
    private final int most;
    private final CachedRun run;
    private final Sampler sampler;
    private final List<Integer> written = new ArrayList<>();
    private int read;

    Row(int index, int[] prompt, Draw draw) {
      this.index = index;
      this.prompt = prompt;
      most = mostTokens(prompt, draw.sampling);
      run = model.run(prompt.length + most);
      sampler =
          new Sampler(draw.sampling, Seeds.stream(draw.sampling.seed(), "answer", draw.place));
    }

    /** The next tokens to run, at most so many. */
    int[] next(int room) {
      if (read == prompt.length) {
        return new int[] {written.get(written.size() - 1)};
      }
      int from = read;
      read = Math.min(prompt.length, from + Math.max(1, room));
      return Arrays.copyOfRange(prompt, from, read);
    }

    boolean wantsLogits() {
      return read == prompt.length;
    }
  }

  /** Where positions are learned, an answer ends with them. */
  private int mostTokens(int[] prompt, Sampling sampling) {
    return Math.min(sampling.maxTokens(), model.longestSequence() - prompt.length);
  }

  /** Answers, in the prompts' order. */
  public Written[] answers(List<int[]> prompts, Sampling sampling, Progress progress) {
    Written[] answers = new Written[prompts.size()];
    int[] finished = {0};
    answer(
        prompts,
        IntStream.range(0, prompts.size()).mapToObj(place -> new Draw(sampling, place)).toList(),
        (prompt, written) -> {
          answers[prompt] = written;
          progress.advanced("writing answers", "prompts", ++finished[0], prompts.size());
        });
    return answers;
  }

  /** The same, each with its own way of drawing; told in the order in which they end. */
  void answer(List<int[]> prompts, List<Draw> draws, Sink sink) {
    prompts.forEach(prompt -> model.requireLength(prompt.length + 1));
    List<Row> rows = new ArrayList<>();
    int taken = 0;
    int finished = 0;
    try {
      while (finished < prompts.size()) {
        while (taken < prompts.size()
            && isRoomFor(prompts.get(taken), draws.get(taken).sampling, rows)) {
          rows.add(new Row(taken, prompts.get(taken), draws.get(taken)));
          taken++;
        }
        step(rows);
        for (Row row : List.copyOf(rows)) {
          if (isFinished(row)) {
            row.run.close();
            rows.remove(row);
            finished++;
            sink.accept(row.index, written(row));
          }
        }
      }
    } finally {
      rows.forEach(row -> row.run.close());
    }
  }

  private boolean isRoomFor(int[] prompt, Sampling sampling, List<Row> rows) {
    long held = rows.stream().mapToLong(row -> row.run.capacity()).sum();
    long bytes = model.cachedBytesOfToken() * (held + prompt.length + mostTokens(prompt, sampling));
    return rows.isEmpty() || (rows.size() < MOST_ROWS && bytes <= budget);
  }

  private void step(List<Row> rows) {
    List<Extension> extensions = new ArrayList<>();
    List<Row> asking = new ArrayList<>();
    List<Integer> wanted = new ArrayList<>();
    int tokens = 0;
    // Answers in the making first, so that none waits for the reading of long prompts.
    for (boolean reading : new boolean[] {false, true}) {
      for (Row row : rows) {
        if ((row.read < row.prompt.length) != reading || (reading && tokens >= Passes.TOKENS)) {
          continue;
        }
        int[] next = row.next(Passes.TOKENS - tokens);
        tokens += next.length;
        extensions.add(new Extension(List.of(), row.run, next));
        if (row.wantsLogits()) {
          asking.add(row);
          wanted.add(extensions.size() - 1);
        }
      }
    }
    float[][] logits =
        passes.logitsAfter(extensions, wanted.stream().mapToInt(Integer::intValue).toArray());
    IntStream.range(0, asking.size())
        .forEach(i -> asking.get(i).written.add(asking.get(i).sampler.next(logits[i])));
  }

  private boolean isFinished(Row row) {
    int count = row.written.size();
    return count > 0 && (count == row.most || stops.contains(row.written.get(count - 1)));
  }

  private Written written(Row row) {
    int count = row.written.size();
    boolean stopped = stops.contains(row.written.get(count - 1));
    return new Written(
        row.written.stream().limit(stopped ? count - 1L : count).mapToInt(t -> t).toArray(),
        stopped);
  }
}
