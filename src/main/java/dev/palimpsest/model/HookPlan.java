package dev.palimpsest.model;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What to read and replace in one forward pass. Hookpoints go by the names of {@link
 * LanguageModel#hookpoints()} (with or without the family's prefix, such as {@code gpt_neox.}); the
 * plan is checked when the pass starts. Without logits the pass stops as soon as everything asked
 * for has been seen.
 */
public final class HookPlan {
  private final Set<String> inputs = new LinkedHashSet<>();
  private final Set<String> outputs = new LinkedHashSet<>();
  private final Map<String, Splice> splices = new LinkedHashMap<>();
  private boolean logits = true;
  private Optional<KeyValues> remembered = Optional.empty();
  private Optional<Recall> recalled = Optional.empty();

  /** Keys and values to go on from: the first {@code positions} of those remembered. */
  record Recall(KeyValues past, int positions) {}

  /** Logits and nothing else. */
  public HookPlan() {}

  /** Keeps the module's input. */
  public HookPlan tapInput(String hookpoint) {
    inputs.add(hookpoint);
    return this;
  }

  /** Keeps the module's output; where it is spliced, what the splice put in its place. */
  public HookPlan tapOutput(String hookpoint) {
    outputs.add(hookpoint);
    return this;
  }

  /**
   * Puts the splice's result in the place of the module's output; at most one splice a hookpoint.
   */
  public HookPlan splice(String hookpoint, Splice splice) {
    if (splices.put(hookpoint, splice) != null) {
      throw new IllegalArgumentException("two splices at " + hookpoint);
    }
    return this;
  }

  /** Whether the pass goes on to the head; true unless said otherwise. */
  public HookPlan logits(boolean wanted) {
    logits = wanted;
    return this;
  }

  /** Keeps the keys and values of the blocks that run. */
  public HookPlan remember(KeyValues into) {
    remembered = Optional.of(into);
    return this;
  }

  /**
   * The pass has one token a row; it stands at position {@code positions}, after as many remembered
   * ones.
   *
   * @param past of the same rows
   */
  public HookPlan recall(KeyValues past, int positions) {
    recalled = Optional.of(new Recall(past, positions));
    return this;
  }

  Optional<KeyValues> remembered() {
    return remembered;
  }

  Optional<Recall> recalled() {
    return recalled;
  }

  Set<String> inputs() {
    return inputs;
  }

  Set<String> outputs() {
    return outputs;
  }

  Map<String, Splice> splices() {
    return splices;
  }

  boolean wantsLogits() {
    return logits;
  }
}
