package dev.palimpsest.experiment;

import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.language.Prompt;
import dev.palimpsest.llm.AskedModel;
import dev.palimpsest.llm.Usage;
import dev.palimpsest.prompted.ExplainMethod;
import dev.palimpsest.prompted.JudgedKind;
import dev.palimpsest.prompted.PromptForm;
import dev.palimpsest.results.Protocol;
import dev.palimpsest.run.RunDirectory;
import dev.palimpsest.run.StageName;
import dev.palimpsest.text.Split;
import dev.palimpsest.text.TokenWindows;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How many questions language models will be asked, and about how many tokens these have: before
 * anything is asked. Four characters count as a token.
 */
final class CallEstimate {
  private static final double CHARACTERS_A_TOKEN = 4;
  private static final int SAMPLED_WINDOWS = 32;

  /** Of an explanation that is not there yet. */
  private static final int USUAL_CHARACTERS = 120;

  /** Marks and pairs of an example, in characters, beside its text. */
  private static final int PAIRS = 60;

  /** What is written for one label, and for a list of five. */
  private static final int LABEL = 1;

  private static final int LIST = 15;

  /** What stands behind a token where all of a window are asked for. */
  private static final int LINE = "\tunknown\n".length();

  private final ExperimentConfig config;
  private final RunDirectory run;
  private final RunContext bench;
  private final RunRequest request;

  CallEstimate(ExperimentConfig config, RunDirectory run, RunContext bench, RunRequest request) {
    this.config = config;
    this.run = run;
    this.bench = bench;
    this.request = request;
  }

  /**
   * Some questions of a kind.
   *
   * @param calls questions
   * @param shared characters that their prompts begin with in common
   * @param own characters of a prompt behind that
   * @param written tokens of an answer, at most
   */
  record Questions(AskedModel model, long calls, double shared, double own, int written) {
    double tokens() {
      return calls * (shared + own) / CHARACTERS_A_TOKEN;
    }

    double withSharing() {
      return calls == 0 ? 0 : (shared + calls * own) / CHARACTERS_A_TOKEN;
    }

    double cost() {
      return model.price().of(new Usage(calls, Math.round(tokens()), calls * written));
    }
  }

  /** A line a stage that asks, and one for all. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    long calls = 0;
    double cost = 0;
    for (CoderUnit unit : CoderUnit.of(config)) {
      for (StageName stage : StageName.values()) {
        if (!request.wants(stage)) {
          continue;
        }
        for (Questions each : of(stage, unit)) {
          lines.add(line(stage.label() + "." + unit.name(), each));
          calls += each.calls;
          cost += each.cost();
        }
      }
    }
    if (lines.isEmpty()) {
      return List.of("no language model is asked");
    }
    lines.add(
        String.format(Locale.ROOT, "all: at most %,d questions", calls)
            + (cost > 0 ? String.format(Locale.ROOT, ", about %,.2f by the prices", cost) : ""));
    lines.add(
        "A question is one call; ten where a server tells probabilities inside prompts alone. What"
            + " the run's journal already has is not asked again.");
    return lines;
  }

  private static String line(String stage, Questions questions) {
    return String.format(
            Locale.ROOT,
            "%s, %s: at most %,d questions, about %,.0f tokens read (%,.0f where beginnings are"
                + " shared), at most %,d written",
            stage,
            questions.model.name(),
            questions.calls,
            questions.tokens(),
            questions.withSharing(),
            questions.calls * questions.written)
        + (questions.cost() > 0
            ? String.format(Locale.ROOT, ", about %,.2f", questions.cost())
            : "");
  }

  private List<Questions> of(StageName stage, CoderUnit unit) {
    return switch (stage) {
      case EXPLAIN -> explain(unit);
      case SCORE -> score(unit);
      case SIMULATE -> simulate(unit);
      case REWRITE -> rewrite(unit);
      case TRAIN, CACHE, REPORT -> List.of();
    };
  }

  private long chosen(CoderUnit unit) {
    int all = unit.given().numLatents();
    int wanted = config.explain().latents();
    return wanted > 0 ? Math.min(wanted, all) : all;
  }

  private record Texts(long count, double characters) {}

  private Texts texts(CoderUnit unit) {
    Path file = run.explanations(unit.name());
    if (request.wants(StageName.EXPLAIN) || !Files.isRegularFile(file)) {
      return new Texts(chosen(unit), USUAL_CHARACTERS);
    }
    var lines = ExplanationStore.read(file);
    return new Texts(
        lines.size(), lines.stream().mapToInt(line -> line.text().length()).average().orElse(0));
  }

  private List<Questions> explain(CoderUnit unit) {
    ExperimentConfig.Explain explain = config.explain();
    ExplainMethod method = ExplainMethod.labelled(explain.method());
    if (explain.explainer().isLexical() || !method.asks()) {
      return List.of();
    }
    Map<String, Object> example =
        Map.of("text", window(explain.windowLength()), "activations", "x".repeat(PAIRS));
    List<String> tokens = Collections.nCopies(10, "token");
    int examples = method == ExplainMethod.PROMOTED ? 0 : explain.windows();
    Map<String, Object> places =
        Map.of(
            "examples",
            Collections.nCopies(examples, example),
            "contrasts",
            Collections.nCopies(10, window(explain.windowLength())),
            "promoted",
            tokens,
            "demoted",
            tokens);
    return List.of(
        questions(
            explain.explainer(),
            Explaining.form(explain),
            places,
            Map.of(
                "examples",
                List.of(),
                "contrasts",
                List.of(),
                "promoted",
                List.of(),
                "demoted",
                List.of()),
            chosen(unit),
            explain.maxTokens()));
  }

  private List<Questions> score(CoderUnit unit) {
    ExperimentConfig.Score score = config.score();
    List<Questions> all = new ArrayList<>();
    if (score.judge().isLexical()) {
      return all;
    }
    Texts texts = texts(unit);
    for (String label : score.scorers()) {
      JudgedKind kind = JudgedKind.labelled(label);
      int windows = kind == JudgedKind.DETECTION ? 2 * score.windows() : score.windows();
      int sheets = (windows + score.perQuestion() - 1) / score.perQuestion();
      all.add(
          questions(
              score.judge(),
              Judging.form(kind, score),
              Map.of(
                  "explanation",
                  "x".repeat((int) texts.characters),
                  "texts",
                  Collections.nCopies(score.perQuestion(), window(32))),
              Map.of("explanation", "", "texts", List.of()),
              texts.count * sheets,
              LIST));
    }
    return all;
  }

  private List<Questions> simulate(CoderUnit unit) {
    List<Questions> all = new ArrayList<>();
    for (Protocol protocol : config.protocols()) {
      int length = config.windows(protocol).contextLength();
      all.addAll(rated(unit, protocol, config.simulate().calibrationTokens() / length));
    }
    return all;
  }

  private List<Questions> rewrite(CoderUnit unit) {
    List<Questions> all = new ArrayList<>();
    for (Protocol protocol : config.protocols()) {
      ExperimentConfig.Windows windows = config.windows(protocol);
      long there = bench.corpus().windows(Split.EVALUATE, windows.contextLength() + 1).size();
      all.addAll(
          rated(
              unit, protocol, windows.windows() == 0 ? there : Math.min(there, windows.windows())));
    }
    return all;
  }

  private List<Questions> rated(CoderUnit unit, Protocol protocol, long windows) {
    ExperimentConfig.Simulate simulate = config.simulate();
    if (simulate.simulator().isLexical()) {
      return List.of();
    }
    Texts texts = texts(unit);
    int length = config.windows(protocol).contextLength();
    boolean whole = Simulators.wholeWindows(simulate);
    int stretch = whole ? simulate.windowTokens() : 1;
    long positions = protocol == Protocol.LAST_TOKEN ? 1 : (length + stretch - 1) / stretch;
    String lines = "x".repeat(whole ? LINE * simulate.windowTokens() : 0);
    return List.of(
        questions(
            simulate.simulator(),
            Simulators.form(simulate),
            Map.of(
                "explanation",
                "x".repeat((int) texts.characters),
                "window",
                window(simulate.windowTokens()),
                "text",
                window(simulate.windowTokens()),
                "lines",
                window(simulate.windowTokens()) + lines),
            Map.of("explanation", "", "window", "", "text", "", "lines", ""),
            texts.count * windows * positions,
            LABEL));
  }

  private static Questions questions(
      Interpreter who,
      PromptForm form,
      Map<String, Object> places,
      Map<String, Object> empty,
      long calls,
      int written) {
    AskedModel model = who.model().orElseThrow();
    double whole = characters(form.filled(places, model.chat()));
    double shared = characters(form.filled(empty, model.chat()));
    return new Questions(model, calls, shared, Math.max(0, whole - shared), written);
  }

  private static double characters(Prompt prompt) {
    return prompt instanceof Prompt.Chat chat
        ? chat.messages().stream().mapToInt(turn -> turn.content().length()).sum()
        : ((Prompt.Text) prompt).text().length();
  }

  /** As many characters as a window of the text has on average. */
  private String window(int tokens) {
    TokenWindows windows = bench.corpus().windows(Split.CALIBRATE, tokens);
    long count = Math.min(SAMPLED_WINDOWS, windows.size());
    long characters = 0;
    for (long i = 0; i < count; i++) {
      characters += bench.tokenizer().decode(windows.read(i * windows.size() / count)).length();
    }
    return "x".repeat((int) (characters / Math.max(1, count)));
  }
}
