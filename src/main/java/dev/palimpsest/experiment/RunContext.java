package dev.palimpsest.experiment;

import dev.palimpsest.base.FileDigests;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.lexical.ExplanationCheck;
import dev.palimpsest.lexical.Glossary;
import dev.palimpsest.lexical.Lexicon;
import dev.palimpsest.llm.Budget;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.ModelSource;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Devices;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.text.Corpus;
import dev.palimpsest.text.ExcludedTokens;
import dev.palimpsest.text.TokenNames;
import dev.palimpsest.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The model, its tokenizer and the text of a run, each opened when first needed and shared by all
 * stages.
 */
final class RunContext implements AutoCloseable {
  private final ExperimentConfig config;
  private final Path tokenCache;
  private final Devices.Choice device;
  private final RunLog log;
  private @Nullable LanguageModel model;
  private @Nullable Tokenizer tokenizer;
  private @Nullable Corpus corpus;
  private @Nullable TokenNames names;
  private final Optional<Interpreters> interpreters;
  private final Set<String> told = new HashSet<>();

  /**
   * @param device where the model and its coders compute
   * @param log is told of the device when the model is opened
   * @param budget what may be spent on language models' answers
   */
  RunContext(
      ExperimentConfig config,
      RunDirectory run,
      Devices.Choice device,
      FileDigests digests,
      RunLog log,
      Budget budget) {
    this(
        config,
        run.tokens(),
        device,
        log,
        Optional.of(new Interpreters(run, device.device(), digests, log, budget)));
  }

  /** The same with tokenised text kept in another folder than the run's. */
  RunContext(ExperimentConfig config, Path tokenCache, Devices.Choice device, RunLog log) {
    this(config, tokenCache, device, log, Optional.empty());
  }

  private RunContext(
      ExperimentConfig config,
      Path tokenCache,
      Devices.Choice device,
      RunLog log,
      Optional<Interpreters> interpreters) {
    this.interpreters = interpreters;
    this.log = log;
    this.device = device;
    this.config = config;
    this.tokenCache = tokenCache;
  }

  /** The language models that the run asks. */
  Interpreters interpreters() {
    return interpreters.orElseThrow(() -> new IllegalStateException("nothing is asked here"));
  }

  /** Where the run computes. */
  Devices.Choice choice() {
    return device;
  }

  Device device() {
    return device.device();
  }

  /**
   * What a run's settings choose.
   *
   * @throws dev.palimpsest.base.UsageException for a device or a precision that there is not
   */
  static Devices.Choice choose(ExperimentConfig config) {
    precisionOf(config);
    return Devices.choose(config.device(), Precision.labelled(config.precision()));
  }

  /** Of the model's dense layers. */
  private static Precision precisionOf(ExperimentConfig config) {
    return Precision.labelled(config.modelPrecision());
  }

  /** What computes, in one line: the device and the model's precision. */
  String describe() {
    return device.describe() + ", model in " + precisionOf(config).label();
  }

  LanguageModel model() {
    LanguageModel open = model;
    if (open == null) {
      log.device(describe());
      open =
          LanguageModel.load(
              ModelSource.resolve(config.model()), device.device(), precisionOf(config));
      model = open;
    }
    return open;
  }

  /**
   * The tokenizer.
   *
   * @throws dev.palimpsest.base.PalimpsestException where the model has none
   */
  Tokenizer tokenizer() {
    Tokenizer open = tokenizer;
    if (open == null) {
      open = Tokenizer.load(ModelSource.resolve(config.model()));
      tokenizer = open;
    }
    return open;
  }

  /** The text; a model without a tokenizer reads token files. */
  Corpus corpus() {
    Corpus open = corpus;
    if (open == null) {
      ExperimentConfig.Data data = config.data();
      Path folder = ModelSource.resolve(config.model());
      open =
          Tokenizer.isIn(folder)
              ? Corpus.open(data.files(), tokenizer(), config.seed(), tokenCache, data.options())
              : Corpus.openFor(
                  folder,
                  model().config().vocabularySize(),
                  data.files(),
                  config.seed(),
                  tokenCache,
                  data.options());
      open.requireVocabulary(model().config().vocabularySize());
      open.notes().forEach(line -> log.says("note: " + line));
      corpus = open;
    }
    return open;
  }

  ExcludedTokens excluded() {
    return ExcludedTokens.parse(config.data().excludeTokens(), corpus());
  }

  /** The vocabulary as the explainer writes it and the simulator reads it. */
  TokenNames names() {
    TokenNames known = names;
    if (known == null) {
      Tokenizer pieces = tokenizer();
      known =
          TokenNames.of(
              pieces.vocabularySize(), pieces::token, OptionalInt.of(corpus().separator()));
      names = known;
    }
    return known;
  }

  /** What explanations can name: the vocabulary, and the word classes of a glossary. */
  Lexicon lexicon(Path glossary) {
    return new Lexicon(names(), Glossary.read(glossary, names()));
  }

  /**
   * Explanations of one coder. Texts that are not in the controlled English, and names that no
   * token has, are told once, or are an error where the run is strict.
   *
   * @param latents number of latents M
   * @throws dev.palimpsest.base.PalimpsestException naming file and line of what cannot be read
   */
  List<Explanation> explanations(Path file, int latents, Lexicon lexicon) {
    ExplanationCheck check = ExplanationCheck.read(file, latents, lexicon);
    if (config.strict()) {
      return check.strict();
    }
    check.warnings().stream().filter(told::add).forEach(line -> log.says("note: " + line));
    return check.explanations();
  }

  /**
   * Explanations of one coder, for those who read any words.
   *
   * @param latents number of latents M
   * @throws PalimpsestException naming file and line of what cannot be read
   */
  List<Explanation> explanations(Path file, int latents) {
    List<Explanation> texts = new ArrayList<>();
    for (ExplanationStore.Line line : ExplanationStore.lines(file)) {
      Explanation text = line.explanation();
      if (text.latent() >= latents) {
        throw new PalimpsestException(
            String.format(
                "%s line %d: latent %d, but the coder has %d",
                file, line.number(), text.latent(), latents));
      }
      texts.add(text);
    }
    return texts;
  }

  @Override
  public void close() {
    interpreters.ifPresent(Interpreters::close);
    if (tokenizer != null) {
      tokenizer.close();
    }
    if (model != null) {
      model.close();
    }
  }
}
