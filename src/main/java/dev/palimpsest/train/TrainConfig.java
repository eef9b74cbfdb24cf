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

  /**
   * Copies the lists and checks the numbers.
   *
   * @throws UsageException naming the option that cannot be meant
   */
  public TrainConfig {
    coders = List.copyOf(coders);
    seeds = List.copyOf(seeds);
    require(!coders.isEmpty(), "no hookpoint given (--hookpoint)");
    require(!seeds.isEmpty(), "no seed given (--seed)");
    Set<String> hookpoints = new HashSet<>();
    for (CoderSpec coder : coders) {
      require(
          hookpoints.add(coder.hookpoint()), "hookpoint " + coder.hookpoint() + " is named twice");
    }
    require(new HashSet<>(seeds).size() == seeds.size(), "a seed is named twice: " + seeds);
    require(batchTokens >= 1, "--batch-tokens must be at least 1, found " + batchTokens);
    require(contextLength >= 2, "--ctx-len must be at least 2, found " + contextLength);
    require(
        tokens >= batchTokens,
        "--tokens " + tokens + " is less than one batch of " + batchTokens + " (--batch-tokens)");
    require(checkpointEvery >= 0, "--checkpoint-every must not be negative");
    require(evalEvery >= 0, "--eval-every must not be negative");
    require(evalTokens >= 1, "--eval-tokens must be at least 1, found " + evalTokens);
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

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new UsageException(message);
    }
  }
}
