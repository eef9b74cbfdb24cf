package dev.palimpsest.experiment;

import dev.palimpsest.results.Protocol;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A whole experiment, resolved: every setting has a value. {@code defaults.yaml} beside this class
 * says what each means; {@link ConfigFiles} reads and writes it.
 *
 * @param name of the experiment, in titles
 * @param model folder in Hugging Face layout, or {@code embedded}
 * @param seed of everything that is drawn
 * @param threads of kernels and libtorch; 0: all processors
 * @param device where models and coders compute: {@code cpu}, {@code cuda} or {@code auto}
 * @param precision of coders' products on a GPU: {@code bf16} or {@code fp32}
 * @param data the text
 * @param coders what is rewritten, one entry per coder; the first transcoder is the experiment's
 *     main result
 * @param train how coders without a path are trained
 * @param cache the latent cache
 * @param explain the explainer
 * @param score the detection score
 * @param simulate the fit of the calibrations
 * @param rewrite the spliced evaluation
 * @param report the report
 */
public record ExperimentConfig(
    String name,
    String model,
    long seed,
    int threads,
    String device,
    String precision,
    Data data,
    List<Coder> coders,
    Train train,
    Cache cache,
    Explain explain,
    Score score,
    Simulate simulate,
    Rewrite rewrite,
    Report report) {

  /** Copies the list. */
  public ExperimentConfig {
    coders = List.copyOf(coders);
  }

  /** The windows of a protocol. */
  public Windows windows(Protocol protocol) {
    return switch (protocol) {
      case ALL_TOKENS -> rewrite.allTokens();
      case LAST_TOKEN -> rewrite.lastToken();
    };
  }

  /** The protocols that are evaluated. */
  public List<Protocol> protocols() {
    return Arrays.stream(Protocol.values()).filter(p -> windows(p).enabled()).toList();
  }

  /**
   * The text: files, key of the text in JSON lines, and what is left out ({@code auto}, {@code
   * none} or ids).
   */
  public record Data(List<String> files, String textKey, String excludeTokens) {
    /** Copies the list. */
    public Data {
      files = List.copyOf(files);
    }
  }

  /** One coder: where it hooks, its shape, and the folder of a trained one in place of training. */
  public record Coder(
      String hookpoint,
      boolean transcode,
      boolean skipConnection,
      String activation,
      int numLatents,
      int k,
      Optional<String> path) {}

  /** Training; {@code lr} and {@code warmupSteps} may be {@code auto}. */
  public record Train(
      List<Long> seeds,
      long tokens,
      int batchTokens,
      int contextLength,
      String optimizer,
      String lr,
      String warmupSteps,
      long checkpointEvery,
      long evalEvery,
      long evalTokens) {
    /** Copies the list. */
    public Train {
      seeds = List.copyOf(seeds);
    }
  }

  /**
   * The latent cache: tokens read of the explain split, in contexts of a length, so many rows a
   * batch.
   */
  public record Cache(long tokens, int contextLength, int batchRows) {}

  /** The explainer's name and the budget of a text in characters. */
  public record Explain(String explainer, int maxCharacters) {}

  /**
   * Detection: tokens read of the score split, activating (and non-activating) windows per latent.
   */
  public record Score(long tokens, int windows) {}

  /** Tokens read of the calibrate split. */
  public record Simulate(long calibrationTokens) {}

  /** The grid of rewrites and the two protocols. */
  public record Rewrite(
      List<String> calibrations,
      List<Double> fractions,
      List<String> selections,
      List<Boolean> reselect,
      Windows allTokens,
      Windows lastToken,
      int resamples) {
    /** Copies the lists. */
    public Rewrite {
      calibrations = List.copyOf(calibrations);
      fractions = List.copyOf(fractions);
      selections = List.copyOf(selections);
      reselect = List.copyOf(reselect);
    }
  }

  /** Evaluation windows of one protocol; {@code windows} 0 means all there are. */
  public record Windows(boolean enabled, int contextLength, long windows) {}

  /** Pages of single latents, per coder. */
  public record Report(int latents) {}
}
