package dev.palimpsest.model;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Tensors;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Runs a model on the token ids of a file and writes what its modules took in and gave out to
 * another.
 */
public final class ActivationFile {
  /** Sequences run together have about this many tokens, which bounds the memory of a pass. */
  private static final int TOKENS_PER_PASS = 4096;

  /**
   * What was written.
   *
   * @param rows sequences, B
   * @param length tokens in each, T
   * @param meanLoss mean of {@code token_loss} in nats; empty where T is 1
   * @param tensors names, sorted
   */
  public record Result(int rows, int length, OptionalDouble meanLoss, List<String> tensors) {}

  private ActivationFile() {}

  /**
   * Reads {@code input_ids} [B, T] and writes {@code logits} [B, T, V], {@code token_loss} [B, T -
   * 1] (nats) and, for every hookpoint, {@code <hookpoint>.output} and, where the module takes one
   * plain tensor, {@code <hookpoint>.input}, all float32.
   *
   * @throws PalimpsestException naming the file or tensor at fault; nothing is written then
   */
  public static Result write(
      LanguageModel model, Path input, List<String> hookpoints, Path output, Progress progress) {
    TokenBatch all = read(input);
    Map<String, Tensor> results = new LinkedHashMap<>();
    try {
      int block = Math.max(1, Math.min(all.rows(), TOKENS_PER_PASS / all.length()));
      for (int row = 0; row < all.rows(); row += block) {
        pass(model, all, row, Math.min(block, all.rows() - row), hookpoints, results);
        progress.advanced(
            "running the model", "sequences", Math.min(all.rows(), row + block), all.rows());
      }
      SafeTensorsWriter writer = new SafeTensorsWriter();
      results.forEach(writer::add);
      writer.write(output);
      Tensor losses = results.get("token_loss");
      OptionalDouble meanLoss =
          losses == null ? OptionalDouble.empty() : mean(Tensors.toArray(losses));
      return new Result(
          all.rows(), all.length(), meanLoss, results.keySet().stream().sorted().toList());
    } finally {
      results.values().forEach(Tensor::close);
    }
  }

  private static TokenBatch read(Path input) {
    try (SafeTensors file = SafeTensors.open(input)) {
      long[] shape = file.info("input_ids").shape();
      if (shape.length != 2 || shape[0] < 1 || shape[1] < 1) {
        throw new PalimpsestException(
            input
                + ": tensor 'input_ids' has shape "
                + Arrays.toString(shape)
                + ", expected [rows, tokens], neither zero");
      }
      long[] wide = file.longs("input_ids");
      int[] ids = new int[wide.length];
      for (int i = 0; i < ids.length; i++) {
        if (wide[i] < 0 || wide[i] > Integer.MAX_VALUE) {
          throw new PalimpsestException(
              input
                  + ": tensor 'input_ids' has "
                  + wide[i]
                  + " at row "
                  + i / shape[1]
                  + ", position "
                  + i % shape[1]
                  + ", expected a token id");
        }
        ids[i] = (int) wide[i];
      }
      return new TokenBatch((int) shape[0], (int) shape[1], ids);
    }
  }

  /** Runs rows {@code from …} and puts what comes out in its place among the results. */
  private static void pass(
      LanguageModel model,
      TokenBatch all,
      int from,
      int rows,
      List<String> hookpoints,
      Map<String, Tensor> results) {
    int length = all.length();
    TokenBatch batch =
        new TokenBatch(
            rows, length, Arrays.copyOfRange(all.ids(), from * length, (from + rows) * length));
    List<String> names = new ArrayList<>(new LinkedHashSet<>(hookpoints));
    HookPlan plan = new HookPlan();
    for (String name : names) {
      plan.tapOutput(name);
      if (model.hasPlainInput(name)) {
        plan.tapInput(name);
      }
    }
    try (Forward forward = model.forward(batch, plan)) {
      put(results, "logits", all.rows(), from, forward.logits());
      if (length > 1) {
        try (Tensor loss = LanguageModel.tokenLoss(forward.logits(), batch)) {
          put(results, "token_loss", all.rows(), from, loss);
        }
      } else {
        results.computeIfAbsent("token_loss", name -> room(all.rows(), 0));
      }
      for (String name : names) {
        put(results, name + ".output", all.rows(), from, forward.output(name));
        if (model.hasPlainInput(name)) {
          put(results, name + ".input", all.rows(), from, forward.input(name));
        }
      }
    }
  }

  private static void put(
      Map<String, Tensor> results, String name, int allRows, int from, Tensor part) {
    try (PointerScope scope = new PointerScope()) {
      long[] shape = part.shape();
      long rows = shape[0];
      shape[0] = allRows;
      results.computeIfAbsent(name, n -> room(shape)).narrow(0, from, rows).copy_(part);
    }
  }

  private static Tensor room(long... shape) {
    return Tensors.empty(torch.ScalarType.Float, shape);
  }

  private static OptionalDouble mean(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).average();
  }
}
