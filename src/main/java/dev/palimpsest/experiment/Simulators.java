package dev.palimpsest.experiment;

import dev.palimpsest.explain.Explanation;
import dev.palimpsest.lexical.LexicalSimulator;
import dev.palimpsest.prompted.PromptForm;
import dev.palimpsest.prompted.PromptedSimulator;
import dev.palimpsest.prompted.SimulateSettings;
import dev.palimpsest.prompted.WindowWords;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.RunLog;
import dev.palimpsest.simulate.Simulator;
import java.util.List;

/** Makes the simulator that an experiment asks for, of one coder's texts. */
final class Simulators {
  private static final String WINDOW = "window";

  private final ExperimentConfig.Simulate settings;
  private final RunContext bench;
  private final RunDirectory run;
  private final String coder;
  private final RunLog log;

  Simulators(
      ExperimentConfig config, RunContext bench, RunDirectory run, String coder, RunLog log) {
    settings = config.simulate();
    this.bench = bench;
    this.run = run;
    this.coder = coder;
    this.log = log;
  }

  /** The prompt of a question. */
  static PromptForm form(ExperimentConfig.Simulate settings) {
    return PromptForm.of(settings.prompt(), "simulate." + settings.method());
  }

  /** Whether all tokens of a window are asked for together. */
  static boolean wholeWindows(ExperimentConfig.Simulate settings) {
    return settings.method().equals(WINDOW);
  }

  /** One that knows these texts alone. */
  Simulator of(int latents, List<Explanation> texts) {
    return settings
        .simulator()
        .model()
        .<Simulator>map(
            model ->
                new PromptedSimulator(
                    latents,
                    texts,
                    bench.interpreters().asking(model),
                    form(settings),
                    new SimulateSettings(
                        settings.windowTokens(), wholeWindows(settings), settings.renormalise()),
                    new WindowWords(bench.tokenizer()),
                    log))
        .orElseGet(() -> lexical(latents, texts));
  }

  /** The controlled English's. */
  LexicalSimulator lexical(int latents, List<Explanation> texts) {
    return new LexicalSimulator(latents, texts, bench.lexicon(run.glossary(coder)));
  }

  /** The texts as they are now; where they are read as controlled English, with what is noted. */
  List<Explanation> texts(int latents) {
    return settings.simulator().isLexical()
        ? lexicalTexts(latents)
        : bench.explanations(run.explanations(coder), latents);
  }

  /** The texts, to be read as controlled English. */
  List<Explanation> lexicalTexts(int latents) {
    return bench.explanations(run.explanations(coder), latents, bench.lexicon(run.glossary(coder)));
  }

  /** Whether exchanged texts are simulated too. */
  boolean shuffles(List<Explanation> texts) {
    return settings.shuffled()
        && texts.size() >= dev.palimpsest.simulate.ShuffledExplanations.FEWEST;
  }
}
