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
    return Arrays.stream(written).map(this::answer).toList();
  }

  @Override
  public double[][] labelLogProbabilities(
      List<Prompt> asked, List<String> labels, Progress progress) {
    double[][] result = new double[asked.size()][];
    int[] done = {0};
    scoreLabels(
        asked,
        labels,
        (prompt, scores) -> {
          result[prompt] = scores;
          progress.advanced("scoring labels", "prompts", ++done[0], asked.size());
        });
    return result;
  }

  @Override
  public void scoreLabels(List<Prompt> asked, List<String> labels, ScoreSink sink) {
    int[] ids = labels.stream().mapToInt(prompts::label).toArray();
    new LastLogits(model, budget)
        .of(
            tokens(asked),
            (prompt, logits) -> {
              double all = Passes.logSumExp(logits);
              sink.accept(prompt, Arrays.stream(ids).mapToDouble(id -> logits[id] - all).toArray());
            });
  }

  @Override
  public void answer(List<Prompt> asked, List<Sampling> samplings, AnswerSink sink) {
    new Decoding(model, stops, budget)
        .answer(
            tokens(asked),
            samplings.stream().map(sampling -> new Decoding.Draw(sampling, 0)).toList(),
            (prompt, written) -> sink.accept(prompt, answer(written)));
  }

  private Answer answer(Decoding.Written written) {
    int[] ids = written.tokens();
    return new Answer(tokenizer.decodePlain(ids), ids.length, written.stopped());
  }

  /** A slot's probabilities are those after the tokens before it: one of many equal beginnings. */
  @Override
  public void fillSlots(List<Prompt> asked, String slot, List<String> labels, SlotSink sink) {
    int[] ids = labels.stream().mapToInt(prompts::label).toArray();
    List<int[]> beginnings = new ArrayList<>();
    List<int[]> places = new ArrayList<>();
    double[][][] scores = new double[asked.size()][][];
    int[] left = new int[asked.size()];
    for (int prompt = 0; prompt < asked.size(); prompt++) {
      int[] tokens = prompts.of(asked.get(prompt), prompt);
      List<Integer> slots =
          Slots.in(Arrays.stream(tokens).mapToObj(tokenizer::token).toList(), slot);
      scores[prompt] = new double[slots.size()][];
      left[prompt] = slots.size();
      for (int i = 0; i < slots.size(); i++) {
        beginnings.add(Arrays.copyOf(tokens, slots.get(i)));
        places.add(new int[] {prompt, i});
      }
      if (slots.isEmpty()) {
        sink.accept(prompt, scores[prompt]);
      }
    }
    new LastLogits(model, budget)
        .of(
            beginnings,
            (beginning, logits) -> {
              int prompt = places.get(beginning)[0];
              double all = Passes.logSumExp(logits);
              scores[prompt][places.get(beginning)[1]] =
                  Arrays.stream(ids).mapToDouble(id -> logits[id] - all).toArray();
              if (--left[prompt] == 0) {
                sink.accept(prompt, scores[prompt]);
              }
            });
  }

  @Override
  public int length(Prompt prompt) {
    return prompts.of(prompt, 0).length;
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
