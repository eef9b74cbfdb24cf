package dev.palimpsest.train;

import dev.palimpsest.base.UsageException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * All that decides a training run's result beside its model and its text. Two runs with the same
 * configuration, model and text end with the same bytes on the same device (given the same number
 * of threads, where the language model's libraries depend on it).
 *
 * @param coders what is trained, all from one forward pass of the model
 * @param seeds of the coders' initial weights; with more than one, every coder is trained once with
 *     each. The first also decides the splits and the order of the text
 * @param tokens to read; the run has floor(tokens / batchTokens) steps
 * @param batchTokens tokens read in a step; excluded ones among them are not trained on
 * @param contextLength of the model while training and while evaluating
 * @param optimizer the update rule and its settings
 * @param excludedTokens see {@link dev.palimpsest.text.ExcludedTokens#parse}
 * @param checkpointEvery steps between checkpoints; 0: none but the last
 * @param evalEvery steps between held-out evaluations; 0: a twentieth of the run, or as many more
 *     as keep evaluations below an eighth of the tokens
 * @param evalTokens held-out tokens read in an evaluation
 */
public record TrainConfig(
    List<CoderSpec> coders,
    List<Long> seeds,
    long tokens,
    int batchTokens,
    int contextLength,
    OptimizerConfig optimizer,
    String excludedTokens,
    long checkpointEvery,
    long evalEvery,
    long evalTokens) {

  /** Tokens of a step, or of a context, beyond which memory would not do. */
  private static final int MOST_BATCH_TOKENS = 1 << 24;

  /** More than any text has, and far from where sums overflow. */
  private static final long MOST_TOKENS = 1L << 50;

  /**
   * Copies the lists and checks the numbers.
   *
   * @throws UsageException naming the setting that cannot be meant, what was found and what was
   *     expected
   */
  public TrainConfig {
    coders = List.copyOf(coders);
    seeds = List.copyOf(seeds);
    require(!coders.isEmpty(), "no hookpoint given (--hookpoint, coders)");
    require(!seeds.isEmpty(), "no seed given (--seed, train.seeds)");
    Set<String> hookpoints = new HashSet<>();
    for (CoderSpec coder : coders) {
      require(
          hookpoints.add(coder.hookpoint()), "hookpoint " + coder.hookpoint() + " is named twice");
    }
    require(new HashSet<>(seeds).size() == seeds.size(), "a seed is named twice: " + seeds);
    within("a batch (--batch-tokens, train.batch_tokens)", batchTokens, 1, MOST_BATCH_TOKENS);
    within("a context (--ctx-len, train.context_length)", contextLength, 2, MOST_BATCH_TOKENS);
    within("the text (--tokens, train.tokens)", tokens, batchTokens, MOST_TOKENS);
    within(
        "the steps between checkpoints (--checkpoint-every, train.checkpoint_every)",
        checkpointEvery,
        0,
        MOST_TOKENS);
    within(
        "the steps between evaluations (--eval-every, train.eval_every)",
        evalEvery,
        0,
        MOST_TOKENS);
    within("an evaluation (--eval-tokens, train.eval_tokens)", evalTokens, 1, MOST_TOKENS);
  }

  /** Number of steps, floor(tokens / batchTokens). */
  public long steps() {
    return tokens / batchTokens;
  }

  /** Whether a checkpoint is due after so many steps. */
  boolean checkpointAfter(long step) {
    return step == steps() || (checkpointEvery > 0 && step % checkpointEvery == 0);
  }

  /** Whether a held-out evaluation is due after so many steps; it always is after the last. */
  boolean evaluateAfter(long step) {
    return step == steps() || step % (evalEvery > 0 ? evalEvery : automaticEvalEvery()) == 0;
  }

  private long automaticEvalEvery() {
    long twentieth = (steps() + 19) / 20;
    long eighthOfTokens = (8 * evalTokens + batchTokens - 1) / batchTokens;
    return Math.max(twentieth, eighthOfTokens);
  }

  private static void within(String what, long found, long least, long most) {
    require(
        found >= least && found <= most,
        what + ": found " + found + ", expected " + least + " to " + most);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new UsageException(message);
    }
  }
}
