package dev.palimpsest.experiment;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.base.WholeNumbers;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.simulate.Calibration;
import dev.palimpsest.text.CorpusOptions;
import dev.palimpsest.text.TokenWidth;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A whole experiment, resolved: every setting has a value. {@code defaults.yaml} beside this class
 * says what each means; {@link ConfigFiles} reads and writes it.
 *
 * @param name of the experiment, in titles
 * @param model folder in Hugging Face layout, or {@code embedded}
 * @param seed of everything that is drawn
 * @param threads of kernels and libtorch; 0: all processors; at most 256, or as many as there are
 *     processors
 * @param device where models and coders compute: {@code cpu}, {@code cuda} or {@code auto}
 * @param precision of coders' products on a GPU: {@code bf16} or {@code fp32}
 * @param modelPrecision of the products of the language model's dense layers: {@code bf16} or
 *     {@code fp32}
 * @param strict whether a name in an explanation that no token has is an error, not a warning
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
    String modelPrecision,
    boolean strict,
    Data data,
    List<Coder> coders,
    Train train,
    Cache cache,
    Explain explain,
    Score score,
    Simulate simulate,
    Rewrite rewrite,
    Report report) {

  /** The word for a value that the program chooses. */
  static final String AUTO = "auto";

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

  /** Whether some rewrite uses the joint calibration, which otherwise is not fitted. */
  boolean fitsJointly() {
    return rewrite.calibrations().contains(Calibration.JOINT.label());
  }

  /** The protocols that are evaluated. */
  public List<Protocol> protocols() {
    return Arrays.stream(Protocol.values()).filter(p -> windows(p).enabled()).toList();
  }

  /** The same with other places of the model and the text. */
  ExperimentConfig withInputs(String otherModel, List<String> files) {
    return with(otherModel, data.withFiles(files), coders, train);
  }

  /** The same with another training. */
  ExperimentConfig withTrain(Train other) {
    return with(model, data, coders, other);
  }

  /** The same with paths of models and prompts from the root. */
  ExperimentConfig withWholePrompts() {
    return with(
        model,
        data,
        coders,
        train,
        explain.withWholePaths(),
        score.withWholePaths(),
        simulate.withWholePaths());
  }

  /** The same with other coders. */
  ExperimentConfig withCoders(List<Coder> others) {
    return with(model, data, others, train);
  }

  private ExperimentConfig with(
      String otherModel, Data otherData, List<Coder> otherCoders, Train otherTrain) {
    return with(otherModel, otherData, otherCoders, otherTrain, explain, score, simulate);
  }

  private ExperimentConfig with(
      String otherModel,
      Data otherData,
      List<Coder> otherCoders,
      Train otherTrain,
      Explain otherExplain,
      Score otherScore,
      Simulate otherSimulate) {
    return new ExperimentConfig(
        name,
        otherModel,
        seed,
        threads,
        device,
        precision,
        modelPrecision,
        strict,
        otherData,
        otherCoders,
        otherTrain,
        cache,
        otherExplain,
        otherScore,
        otherSimulate,
        rewrite,
        report);
  }

  /**
   * The text.
   *
   * @param files or the word {@code embedded}
   * @param textKey of the text in JSON lines
   * @param skipNullTexts whether JSON lines whose text is null are passed over
   * @param tokenDtype of ids in token files: {@code u16}, {@code u32} or {@code auto}
   * @param endOfText id of the token before documents, or {@code auto}
   * @param bosEveryWindow whether every window begins with that token
   * @param withinDocuments whether a window holds tokens of one document only
   * @param excludeTokens see {@link dev.palimpsest.text.ExcludedTokens#parse}
   */
  public record Data(
      List<String> files,
      String textKey,
      boolean skipNullTexts,
      String tokenDtype,
      String endOfText,
      boolean bosEveryWindow,
      boolean withinDocuments,
      String excludeTokens) {
    /** Copies the list. */
    public Data {
      files = List.copyOf(files);
    }

    /** The same of other files. */
    Data withFiles(List<String> others) {
      return new Data(
          others,
          textKey,
          skipNullTexts,
          tokenDtype,
          endOfText,
          bosEveryWindow,
          withinDocuments,
          excludeTokens);
    }

    /**
     * How the files are read.
     *
     * @throws UsageException naming the setting that cannot be meant
     */
    CorpusOptions options() {
      Optional<TokenWidth> width =
          tokenDtype.equals(AUTO)
              ? Optional.empty()
              : Arrays.stream(TokenWidth.values())
                  .filter(known -> known.name().equalsIgnoreCase(tokenDtype))
                  .findFirst();
      if (width.isEmpty() && !tokenDtype.equals(AUTO)) {
        throw new UsageException(
            "data.token_dtype: expected u16, u32 or auto, found '" + tokenDtype + "'");
      }
      return new CorpusOptions(
          textKey, skipNullTexts, width, endOfTextId(), bosEveryWindow, withinDocuments);
    }

    private OptionalInt endOfTextId() {
      if (endOfText.equals(AUTO)) {
        return OptionalInt.empty();
      }
      long id = WholeNumbers.parse(endOfText).orElse(-1);
      if (id < 0 || id > Integer.MAX_VALUE) {
        throw new UsageException(
            "data.end_of_text: expected a token id or auto, found '" + endOfText + "'");
      }
      return OptionalInt.of((int) id);
    }
  }

  /**
   * One coder.
   *
   * @param hookpoint where it belongs; before {@link CoderEntries} has looked at it, also a pattern
   * @param numLatents M; 0: {@code expansionFactor} times the width
   * @param path folder of a trained coder, in place of training one
   */
  public record Coder(
      String hookpoint,
      boolean transcode,
      boolean skipConnection,
      String activation,
      int numLatents,
      int expansionFactor,
      int k,
      Optional<String> path) {
    /** The same with another folder of a trained one. */
    Coder withPath(Optional<String> folder) {
      return new Coder(
          hookpoint, transcode, skipConnection, activation, numLatents, expansionFactor, k, folder);
    }

    /** The same under another name and with M latents. */
    Coder resolved(String name, int latents) {
      return new Coder(
          name, transcode, skipConnection, activation, latents, expansionFactor, k, path);
    }
  }

  /**
   * Training; {@code lr} and {@code warmupSteps} may be {@code auto}.
   *
   * @param freezeEncoder whether the encoder stays as it was at the start, a control
   * @param activations folder of a cache to read in place of running the language model
   */
  public record Train(
      List<Long> seeds,
      long tokens,
      int batchTokens,
      int contextLength,
      String optimizer,
      String lr,
      String warmupSteps,
      boolean freezeEncoder,
      long checkpointEvery,
      long evalEvery,
      long evalTokens,
      Optional<String> activations) {
    /** Copies the list. */
    public Train {
      seeds = List.copyOf(seeds);
    }

    /** The same with a cache in another place. */
    Train withActivations(Optional<String> folder) {
      return new Train(
          seeds,
          tokens,
          batchTokens,
          contextLength,
          optimizer,
          lr,
          warmupSteps,
          freezeEncoder,
          checkpointEvery,
          evalEvery,
          evalTokens,
          folder);
    }
  }

  /**
   * The latent cache: at most {@code tokens} read of the explain split and, where that has fewer
   * than {@code leastTokens}, of a sample of the train split behind it; in contexts of a length, so
   * many rows a batch.
   */
  public record Cache(long tokens, long leastTokens, int contextLength, int batchRows) {}

  /**
   * How latents are explained.
   *
   * @param explainer who explains
   * @param maxCharacters the lexical explainer's budget of a text
   * @param tokens how many tokens of the cache the lexical explainer looks at
   * @param latents so many are explained; 0: all
   * @param leastWindows windows in which an explained latent fires, at least; of language models,
   *     and wherever {@code latents} is not 0
   * @param method what a language model is shown
   * @param windows examples of a latent
   * @param windowLength tokens of an example
   * @param temperature of a language model's answer
   * @param maxTokens of a language model's answer
   * @param prompt a person's prompt file
   */
  public record Explain(
      Interpreter explainer,
      int maxCharacters,
      int tokens,
      int latents,
      int leastWindows,
      String method,
      int windows,
      int windowLength,
      double temperature,
      int maxTokens,
      Optional<String> prompt) {
    /** Refuses to look at nothing. */
    public Explain {
      if (tokens < 1) {
        throw new UsageException("explain.tokens: found " + tokens + ", expected at least 1");
      }
    }

    /** The same with paths from the root. */
    Explain withWholePaths() {
      return new Explain(
          explainer.withWholePath(),
          maxCharacters,
          tokens,
          latents,
          leastWindows,
          method,
          windows,
          windowLength,
          temperature,
          maxTokens,
          prompt.map(SourcePaths::whole));
    }
  }

  /**
   * How explanations are scored.
   *
   * @param tokens read of the score split
   * @param windows activating, and as many others, of a latent
   * @param judge who says whether an explanation matches
   * @param scorers what a language model is asked, the ranking one first
   * @param perQuestion windows of a question
   * @param detectionPrompt a person's prompt file
   * @param fuzzingPrompt a person's prompt file
   */
  public record Score(
      long tokens,
      int windows,
      Interpreter judge,
      List<String> scorers,
      int perQuestion,
      Optional<String> detectionPrompt,
      Optional<String> fuzzingPrompt) {
    /** Copies the list. */
    public Score {
      scorers = List.copyOf(scorers);
    }

    /** The same with paths from the root. */
    Score withWholePaths() {
      return new Score(
          tokens,
          windows,
          judge.withWholePath(),
          scorers,
          perQuestion,
          detectionPrompt.map(SourcePaths::whole),
          fuzzingPrompt.map(SourcePaths::whole));
    }
  }

  /**
   * How latents are simulated and the ratings calibrated.
   *
   * @param calibrationTokens read of the calibrate split
   * @param jointTokens of these again where calibrations are fitted jointly
   * @param simulator who rates
   * @param method of a language model: {@code token}, a question a token, or {@code window}, one a
   *     window
   * @param windowTokens of context that a language model is shown
   * @param renormalise whether the probabilities of the digits are made to add up to 1
   * @param prompt a person's prompt file
   * @param shuffled whether explanations exchanged between latents are simulated too
   */
  public record Simulate(
      long calibrationTokens,
      long jointTokens,
      Interpreter simulator,
      String method,
      int windowTokens,
      boolean renormalise,
      Optional<String> prompt,
      boolean shuffled) {
    /** The same with paths from the root. */
    Simulate withWholePaths() {
      return new Simulate(
          calibrationTokens,
          jointTokens,
          simulator.withWholePath(),
          method,
          windowTokens,
          renormalise,
          prompt.map(SourcePaths::whole),
          shuffled);
    }
  }

  /**
   * The grid of rewrites, the rivals beside them with the tokens of the train split that they are
   * fitted on, whether all layers are also replaced together and the texts also measured
   * paraphrased, and the two protocols; {@code untilCi} above 0 stops an evaluation early, see
   * {@code RewriteConfig}.
   */
  public record Rewrite(
      List<String> calibrations,
      List<Double> fractions,
      List<String> selections,
      List<Boolean> reselect,
      List<String> rivals,
      long rivalTokens,
      boolean together,
      boolean paraphrase,
      Windows allTokens,
      Windows lastToken,
      int resamples,
      double untilCi) {
    /** Copies the lists. */
    public Rewrite {
      calibrations = List.copyOf(calibrations);
      fractions = List.copyOf(fractions);
      selections = List.copyOf(selections);
      reselect = List.copyOf(reselect);
      rivals = List.copyOf(rivals);
    }
  }

  /** Evaluation windows of one protocol; {@code windows} 0 means all there are. */
  public record Windows(boolean enabled, int contextLength, long windows) {}

  /** Pages of single latents, per coder. */
  public record Report(int latents) {}
}
