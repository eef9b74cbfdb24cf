package dev.palimpsest.model;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A plan at work in one forward pass: what each hookpoint still has to see, and what has been kept.
 */
final class ActiveHooks {
  /** What is asked of one hookpoint; the names are those of the plan. */
  private static final class Wishes {
    private final List<String> inputs = new ArrayList<>();
    private final List<String> outputs = new ArrayList<>();
    private Optional<Splice> splice = Optional.empty();

    int count() {
      return (inputs.isEmpty() ? 0 : 1) + (outputs.isEmpty() && splice.isEmpty() ? 0 : 1);
    }
  }

  private final Map<Hookpoint, Wishes> wishes = new HashMap<>();
  private final boolean wantsLogits;
  private final Forward kept;
  private final Optional<KeyValues> remembered;
  private final Optional<HookPlan.Recall> recalled;
  private final Optional<DistinctTokens> distinct;
  private final Optional<ExtensionPass> extension;
  private int outstanding;

  /**
   * @param resolve from a plan's name to a hookpoint; throws for unknown names
   * @param firstLayer the first layer that will run: hooks below it cannot be met
   * @param distinct the different tokens, where the first block can make use of them
   * @param extension where the tokens come after others
   */
  ActiveHooks(
      HookPlan plan,
      Function<String, Hookpoint> resolve,
      int firstLayer,
      Forward kept,
      Optional<DistinctTokens> distinct,
      Optional<ExtensionPass> extension) {
    this.distinct = distinct;
    this.extension = extension;
    this.wantsLogits = plan.wantsLogits();
    this.kept = kept;
    this.remembered = plan.remembered();
    this.recalled = plan.recalled();
    plan.inputs().forEach(name -> wish(resolve.apply(name)).inputs.add(name));
    plan.outputs().forEach(name -> wish(resolve.apply(name)).outputs.add(name));
    plan.splices()
        .forEach(
            (name, splice) -> {
              Wishes wish = wish(resolve.apply(name));
              if (wish.splice.isPresent()) {
                throw new UsageException("two splices at " + name);
              }
              wish.splice = Optional.of(splice);
            });
    wishes
        .keySet()
        .forEach(
            hookpoint -> {
              if (hookpoint.layer() < firstLayer) {
                throw new IllegalArgumentException(
                    "layer "
                        + hookpoint.layer()
                        + " is hooked, but the pass starts at "
                        + firstLayer);
              }
            });
    this.outstanding = wishes.values().stream().mapToInt(Wishes::count).sum();
  }

  /** The different tokens of the batch, where the first block can make use of them. */
  Optional<DistinctTokens> distinct() {
    return distinct;
  }

  /** Where the tokens come after others, in sequences of different lengths. */
  Optional<ExtensionPass> extension() {
    return extension;
  }

  /** How many positions lie before the pass's first. */
  int offset() {
    return recalled.map(HookPlan.Recall::positions).orElse(0);
  }

  /**
   * The keys and values that a block's attention sees, its own given: after those of earlier
   * positions, if any.
   */
  KeyValues.Pair seen(int layer, Tensor keys, Tensor values) {
    remembered.ifPresent(into -> into.put(layer, keys, values));
    if (recalled.isEmpty()) {
      return new KeyValues.Pair(keys, values);
    }
    KeyValues.Pair past = recalled.get().past().get(layer);
    return new KeyValues.Pair(after(past.keys(), keys), after(past.values(), values));
  }

  private Tensor after(Tensor past, Tensor own) {
    if (own.size(1) != 1) {
      throw new IllegalArgumentException(
          "a pass that recalls keys has one token a row, found " + own.size(1));
    }
    return torch.cat(new TensorVector(past.narrow(1, 0, offset()), own), 1);
  }

  /** Whether nothing that comes later is asked for. */
  boolean done() {
    return outstanding == 0 && !wantsLogits;
  }

  /** Whether the output of a module is kept, so that it may not be overwritten. */
  boolean holds(int layer, Hookpoint.Site site) {
    return wishes.containsKey(new Hookpoint(layer, site));
  }

  /** Tells of a module's input. */
  void input(int layer, Hookpoint.Site site, Tensor input) {
    Wishes wish = wishes.get(new Hookpoint(layer, site));
    if (wish != null && !wish.inputs.isEmpty()) {
      kept.keepInput(wish.inputs, input);
      outstanding--;
    }
  }

  /** Tells of a module's output; returns what flows on. */
  Tensor output(int layer, Hookpoint.Site site, Tensor input, Tensor output) {
    Wishes wish = wishes.get(new Hookpoint(layer, site));
    if (wish == null || (wish.outputs.isEmpty() && wish.splice.isEmpty())) {
      return output;
    }
    Tensor result = output;
    if (wish.splice.isPresent()) {
      result = wish.splice.get().replace(input, output).contiguous();
      if (!Arrays.equals(result.shape(), output.shape())) {
        throw new PalimpsestException(
            "the splice at layer "
                + layer
                + " ("
                + site.label()
                + ") gave shape "
                + Arrays.toString(result.shape())
                + ", expected "
                + Arrays.toString(output.shape()));
      }
    }
    if (!wish.outputs.isEmpty()) {
      kept.keepOutput(wish.outputs, result);
    }
    outstanding--;
    return result;
  }

  private Wishes wish(Hookpoint hookpoint) {
    return wishes.computeIfAbsent(hookpoint, h -> new Wishes());
  }
}
