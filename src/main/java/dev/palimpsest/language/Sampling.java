package dev.palimpsest.language;

import dev.palimpsest.base.UsageException;

/**
 * How an answer is written.
 *
 * @param maxTokens the most tokens
 * @param temperature what logits are divided by; 0: always the likeliest token (greedy)
 * @param topP only the likeliest tokens whose probabilities add up to this take part; 1: all
 * @param seed of the draws; a prompt's answer depends on the seed and its place among the prompts,
 *     not on the others
 */
public record Sampling(int maxTokens, double temperature, double topP, long seed) {
  /** Checks the values. */
  public Sampling {
    if (maxTokens < 1) {
      throw new UsageException("--max-tokens is " + maxTokens + ", expected 1 or more");
    }
    if (!(temperature >= 0 && temperature <= 100)) {
      throw new UsageException("--temperature is " + temperature + ", expected 0 to 100");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new UsageException("--top-p is " + topP + ", expected more than 0, at most 1");
    }
  }

  /** The likeliest tokens. */
  public static Sampling greedy(int maxTokens) {
    return new Sampling(maxTokens, 0, 1, 0);
  }
}
