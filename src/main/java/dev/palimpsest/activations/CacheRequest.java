package dev.palimpsest.activations;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelDigest;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.util.List;
import java.util.Locale;

/**
 * What is to be cached.
 *
 * @param hooks whose rows; a transcoder's are the module's input and output, an autoencoder's the
 *     output alone
 * @param model the content of the language model's files
 * @param text whose train split is read
 * @param contextLength tokens of a window
 * @param tokens at most; all of the split where it has fewer
 * @param type what they are stored as
 * @param excluded tokens whose rows are left 0
 * @param batchTokens tokens of a pass of the model, about
 * @param shardMebibytes of a file, at most, unless one window has more
 */
public record CacheRequest(
    List<Hook> hooks,
    ModelDigest model,
    Corpus text,
    int contextLength,
    long tokens,
    StoredType type,
    ExcludedTokens excluded,
    int batchTokens,
    int shardMebibytes) {
  private static final Split SPLIT = Split.TRAIN;

  /** A shard is mapped in one piece. */
  private static final int MOST_SHARD_MEBIBYTES = 1024;

  /** Copies the list and checks the numbers. */
  public CacheRequest {
    hooks = List.copyOf(hooks);
    if (tokens < contextLength) {
      throw new UsageException(
          "--tokens is "
              + tokens
              + ", expected at least one context of "
              + contextLength
              + " (--ctx-len)");
    }
    if (shardMebibytes < 1 || shardMebibytes > MOST_SHARD_MEBIBYTES) {
      throw new UsageException(
          "--shard-mib is " + shardMebibytes + ", expected 1 to " + MOST_SHARD_MEBIBYTES);
    }
  }

  TokenWindows windows() {
    return text.windows(SPLIT, contextLength);
  }

  CachePlan plan(LanguageModel language) {
    long all = windows().size();
    int width = language.config().width();
    List<String> parts = CachePlan.parts(hooks);
    int shardWindows =
        CachePlan.shardWindows(
            (long) parts.size() * contextLength * width * type.bytes(),
            (long) shardMebibytes << 20);
    if (shardWindows == 0 || all > Integer.MAX_VALUE) {
      throw new UsageException(
          "a context of "
              + contextLength
              + " tokens at "
              + hooks.size()
              + " hookpoints is too large to be stored in one piece: fewer hookpoints"
              + " (--hookpoint), or a shorter context (--ctx-len)");
    }
    return new CachePlan(
        CachePlan.FORMAT,
        model,
        text.fingerprint(),
        text.seed(),
        SPLIT.name().toLowerCase(Locale.ROOT),
        contextLength,
        Math.min(all, tokens / contextLength),
        all,
        width,
        parts,
        type.label(),
        language.precision().label(),
        excluded.ids(),
        shardWindows);
  }
}
