package dev.palimpsest.language;

import dev.palimpsest.base.Progress;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** A model of a Hugging Face folder, run in this process. */
public final class LocalTextModel implements TextModel {
  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final PromptTokens prompts;
  private final Set<Integer> stops;
  private final long budget;

  /**
   * Loads a folder: model, tokenizer, chat template, and which tokens end an answer.
   *
   * @param device where the model will live
   * @param precision of the dense layers' products
   * @param budget bytes that keys and values of attention may take
   * @throws dev.palimpsest.base.PalimpsestException naming the file and what is wrong with it
   */
  public LocalTextModel(Path folder, Device device, Precision precision, long budget) {
    this.budget = budget;
    tokenizer = Tokenizer.load(folder);
    try {
      model = LanguageModel.load(folder, device, precision);
    } catch (RuntimeException failure) {
      tokenizer.close();
      throw failure;
    }
    try {
      prompts = new PromptTokens(folder, tokenizer, model.config().vocabularySize());
      stops = StopTokens.of(folder);
    } catch (RuntimeException failure) {
      close();
      throw failure;
    }
  }

  @Override
  public List<Answer> answers(List<Prompt> asked, Sampling sampling, Progress progress) {
    Decoding.Written[] written =
        new Decoding(model, stops, budget).answers(tokens(asked), sampling, progress);
    return Arrays.stream(written)
        .map(w -> new Answer(tokenizer.decodePlain(w.tokens()), w.tokens().length, w.stopped()))
        .toList();
  }

  @Override
  public double[][] labelLogProbabilities(
      List<Prompt> asked, List<String> labels, Progress progress) {
    int[] ids = labels.stream().mapToInt(prompts::label).toArray();
    double[][] result = new double[asked.size()][];
    int[] done = {0};
    new LastLogits(model, budget)
        .of(
            tokens(asked),
            (prompt, logits) -> {
              double all = Passes.logSumExp(logits);
              result[prompt] = Arrays.stream(ids).mapToDouble(id -> logits[id] - all).toArray();
              progress.advanced("scoring labels", "prompts", ++done[0], asked.size());
            });
    return result;
  }

  /**
   * The log-probability of each token of a text from one on, given all before it.
   *
   * @param from the first token that is scored, 1 or later (0 is the first of the prompt)
   * @return one a token, in nats
   */
  public double[] tokenLogProbabilities(Prompt prompt, int from) {
    return TokenScores.of(model, prompts.of(prompt, 0), from);
  }

  private List<int[]> tokens(List<Prompt> asked) {
    List<int[]> tokens = new ArrayList<>();
    for (int i = 0; i < asked.size(); i++) {
      tokens.add(prompts.of(asked.get(i), i));
    }
    return tokens;
  }

  @Override
  public String precision() {
    return model.precision().label();
  }

  @Override
  public void close() {
    tokenizer.close();
    model.close();
  }
}
