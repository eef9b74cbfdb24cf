package dev.palimpsest.activations;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Finds where a language model's numbers stop being numbers: the first module, in the order of
 * computation, whose output holds a NaN or an infinity. Runs the model once a layer, so it is for
 * failures, not for passes that go well.
 */
public final class NonFiniteActivations {
  private final LanguageModel model;
  private final TokenBatch batch;

  private NonFiniteActivations(LanguageModel model, TokenBatch batch) {
    this.model = model;
    this.batch = batch;
  }

  /**
   * Looks at every module of the model, and at its logits.
   *
   * @return e.g. "the output of layers.1.mlp is NaN (token 7 of sequence 2, channel 30)"; empty
   *     where all is finite
   */
  public static Optional<String> find(LanguageModel model, TokenBatch batch) {
    return new NonFiniteActivations(model, batch).find();
  }

  /**
   * Makes sure that the language model's numbers are numbers.
   *
   * @param when for the message, e.g. "step 12"
   * @throws PalimpsestException naming the first module whose output is not finite
   */
  public static void refuse(LanguageModel model, TokenBatch batch, String when) {
    find(model, batch)
        .ifPresent(
            what -> {
              throw new PalimpsestException(
                  "the language model's activations are not finite in "
                      + when
                      + ": "
                      + what
                      + "; its weights are at fault, not the coder");
            });
  }

  private Optional<String> find() {
    Optional<String> embedding = inspect(List.of(), Optional.of(model.layerHookpoint(0)), false);
    if (embedding.isPresent()) {
      return embedding;
    }
    for (int layer = 0; layer < model.config().layers(); layer++) {
      Optional<String> found = inspect(modules(layer), Optional.empty(), false);
      if (found.isPresent()) {
        return found;
      }
    }
    return inspect(List.of(), Optional.empty(), true);
  }

  /** A block's modules, itself last. */
  private List<String> modules(int layer) {
    String whole = model.layerHookpoint(layer);
    List<String> names = new ArrayList<>();
    for (String name : model.hookpoints()) {
      if (name.startsWith(whole + ".")) {
        names.add(name);
      }
    }
    names.add(whole);
    return names;
  }

  private Optional<String> inspect(List<String> outputs, Optional<String> input, boolean logits) {
    HookPlan plan = new HookPlan().logits(logits);
    outputs.forEach(plan::tapOutput);
    input.ifPresent(plan::tapInput);
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(batch, plan)) {
      if (input.isPresent()) {
        return describe("the embedding", forward.input(input.get()));
      }
      for (String name : outputs) {
        Optional<String> found = describe("the output of " + name, forward.output(name));
        if (found.isPresent()) {
          return found;
        }
      }
      return logits ? describe("the output of the head", forward.logits()) : Optional.empty();
    }
  }

  private Optional<String> describe(String what, Tensor tensor) {
    int width = (int) tensor.size(-1);
    long positions = tensor.numel() / width;
    float[] row = new float[width];
    for (long position = 0; position < positions; position++) {
      try (Tensor one = tensor.view(positions, width).select(0, position)) {
        model.device().memory().get(model.device().data(one), row, width);
      }
      for (int channel = 0; channel < width; channel++) {
        if (!Float.isFinite(row[channel])) {
          return Optional.of(
              what
                  + " is "
                  + row[channel]
                  + " (token "
                  + position % batch.length()
                  + " of sequence "
                  + position / batch.length()
                  + ", channel "
                  + channel
                  + ")");
        }
      }
    }
    return Optional.empty();
  }
}
