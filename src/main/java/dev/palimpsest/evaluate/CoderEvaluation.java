package dev.palimpsest.evaluate;

import dev.palimpsest.activations.KeptPositions;
import dev.palimpsest.activations.NonFiniteActivations;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.Progress;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.kernels.NativeArrays;
import dev.palimpsest.model.Forward;
import dev.palimpsest.model.HookPlan;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.Splice;
import dev.palimpsest.model.TokenBatch;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenWindows;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * SAEBench's core evaluation (Karvonen et al., arXiv 2503.09532) of any number of coders on the
 * same windows: the loss of the language model untouched, with the coder's reconstruction in place
 * of the module's output, and with the zero vector there. One clean pass serves all coders; each
 * changed pass starts at the hooked layer.
 *
 * <p>Excluded positions are neither replaced nor counted.
 */
public final class CoderEvaluation implements AutoCloseable {
  /** Most logits held for one batch (64 MiB). */
  private static final long LOGITS = 1L << 24;

  private static final int MOST_ROWS = 32;

  private final LanguageModel model;
  private final TokenWindows windows;
  private final KeptPositions kept;
  private final boolean divergences;
  private final List<Subject> subjects = new ArrayList<>();
  private final Map<String, Ablation> ablations = new LinkedHashMap<>();
  private final NextTokenLoss clean;
  private final NativeArrays memory;
  private final FloatPointer zeros;
  private final TokenBatch batch;

  /**
   * A coder and where it belongs.
   *
   * @param hookpoint in the model
   */
  public record Place(String hookpoint, SparseCoder coder) {}

  /** A coder with what is being gathered about it. */
  private record Subject(Place place, CoderSplice splice, NextTokenLoss loss) {}

  /** The zero vector in place of a module's output. */
  private record Ablation(Splice splice, NextTokenLoss loss) {}

  private CoderEvaluation(
      LanguageModel model,
      List<Place> places,
      TokenWindows windows,
      ExcludedTokens excluded,
      boolean divergences) {
    this.model = model;
    this.windows = windows;
    this.kept = new KeptPositions(excluded, model.device());
    this.memory = new NativeArrays(model.device().memory());
    this.divergences = divergences;
    this.clean = new NextTokenLoss(excluded);
    int length = windows.contextLength();
    long perRow = (long) length * model.config().vocabularySize();
    int rows = (int) Math.max(1, Math.min(Math.min(MOST_ROWS, windows.size()), LOGITS / perRow));
    this.batch = new TokenBatch(rows, length, new int[rows * length]);
    int width = model.config().width();
    this.zeros = memory.floats((long) rows * length * width);
    for (Place place : places) {
      requireWidth(place, width);
      CoderSplice splice = new CoderSplice(place.coder(), kept, rows * length);
      subjects.add(new Subject(place, splice, new NextTokenLoss(excluded)));
      ablations.computeIfAbsent(
          place.hookpoint(), name -> new Ablation(this::zero, new NextTokenLoss(excluded)));
    }
  }

  private static void requireWidth(Place place, int width) {
    if (place.coder().config().width() != width) {
      throw new PalimpsestException(
          "the coder for "
              + place.hookpoint()
              + " has width "
              + place.coder().config().width()
              + ", the model "
              + width);
    }
  }

  /**
   * Evaluates coders.
   *
   * @param tokens read from the front of {@code windows}: whole windows, at least one, at most all
   * @param divergences whether KL divergences are wanted; they cost as much again as the losses
   * @param progress hears of tokens read
   * @return one result for each of {@code places}, in order
   */
  public static List<EvaluationResult> evaluate(
      LanguageModel model,
      List<Place> places,
      TokenWindows windows,
      ExcludedTokens excluded,
      long tokens,
      boolean divergences,
      Progress progress) {
    try (CoderEvaluation evaluation =
        new CoderEvaluation(model, places, windows, excluded, divergences)) {
      evaluation.run(tokens, progress);
      return evaluation.results();
    }
  }

  private void run(long tokens, Progress progress) {
    long wanted = Math.max(1, tokens / windows.contextLength());
    long count = Math.min(windows.size(), wanted);
    int length = batch.length();
    progress.advanced("evaluating", "tokens", 0, count * length);
    for (long window = 0; window < count; ) {
      int rows = (int) Math.min(batch.rows(), count - window);
      TokenBatch filled =
          rows == batch.rows() ? batch : new TokenBatch(rows, length, new int[rows * length]);
      for (int row = 0; row < rows; row++) {
        windows.read(window++, filled.ids(), row * length);
      }
      add(filled);
      progress.advanced("evaluating", "tokens", window * length, count * length);
    }
    if (clean.count() == 0) {
      throw new PalimpsestException(
          "nothing to evaluate: every position of the held-out text is excluded");
    }
  }

  private void add(TokenBatch tokens) {
    kept.select(tokens);
    HookPlan plan = new HookPlan();
    subjects.forEach(subject -> plan.tapInput(block(subject.place().hookpoint())));
    try (PointerScope scope = new PointerScope();
        Forward forward = model.forward(tokens, plan)) {
      clean.add(forward.logits(), tokens);
      if (clean.count() > 0 && !Double.isFinite(clean.crossEntropy())) {
        NonFiniteActivations.refuse(model, tokens, "the text that is evaluated");
      }
      for (Map.Entry<String, Ablation> entry : ablations.entrySet()) {
        Ablation ablation = entry.getValue();
        changed(forward, tokens, entry.getKey(), ablation.splice(), ablation.loss());
      }
      for (Subject subject : subjects) {
        changed(forward, tokens, subject.place().hookpoint(), subject.splice(), subject.loss());
      }
    }
  }

  private void changed(
      Forward before, TokenBatch tokens, String hookpoint, Splice splice, NextTokenLoss loss) {
    Tensor hidden = before.input(block(hookpoint));
    HookPlan plan = new HookPlan().splice(hookpoint, splice);
    try (PointerScope scope = new PointerScope();
        Forward after = model.forwardFrom(model.layerOf(hookpoint), hidden, plan)) {
      loss.add(after.logits(), tokens);
      if (loss.count() > 0 && !Double.isFinite(loss.crossEntropy())) {
        throw new PalimpsestException(
            "the loss with something in the place of "
                + hookpoint
                + " is not finite: what is put there is too large for the model");
      }
      if (divergences) {
        loss.addDivergence(before.logits(), after.logits(), tokens);
      }
    }
  }

  private String block(String hookpoint) {
    return model.layerHookpoint(model.layerOf(hookpoint));
  }

  private Tensor zero(Tensor input, Tensor output) {
    Tensor result = output.contiguous().clone();
    kept.scatter(zeros, result);
    return result;
  }

  private List<EvaluationResult> results() {
    List<EvaluationResult> results = new ArrayList<>();
    for (Subject subject : subjects) {
      NextTokenLoss with = subject.loss();
      String hookpoint = subject.place().hookpoint();
      NextTokenLoss without =
          ablations.getOrDefault(hookpoint, new Ablation(this::zero, with)).loss();
      ReconstructionStatistics statistics = subject.splice().statistics();
      double zero = without.crossEntropy();
      double score = (zero - with.crossEntropy()) / (zero - clean.crossEntropy());
      results.add(
          new EvaluationResult(
              hookpoint,
              score,
              clean.crossEntropy(),
              with.crossEntropy(),
              zero,
              divergence((without.divergence() - with.divergence()) / without.divergence()),
              divergence(with.divergence()),
              divergence(without.divergence()),
              1 - statistics.fvu(),
              statistics.fvu(),
              statistics.l0(),
              statistics.fracAlive(),
              FeatureDensity.of(statistics.densities()),
              clean.count(),
              model.precision().label()));
    }
    return results;
  }

  private OptionalDouble divergence(double value) {
    return divergences ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  @Override
  public void close() {
    subjects.forEach(subject -> subject.splice().close());
    memory.close();
    kept.close();
  }
}
