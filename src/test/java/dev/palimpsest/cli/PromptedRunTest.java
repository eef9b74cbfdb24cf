package dev.palimpsest.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.cli.TrainRuns.Outcome;
import dev.palimpsest.explain.Explanation;
import dev.palimpsest.explain.ExplanationStore;
import dev.palimpsest.llm.LabelWay;
import dev.palimpsest.llm.ScriptedServer;
import dev.palimpsest.prompted.JudgedScore;
import dev.palimpsest.prompted.JudgedStore;
import dev.palimpsest.simulate.CalibrationMap;
import dev.palimpsest.simulate.CalibrationSet;
import dev.palimpsest.simulate.CalibrationStore;
import dev.palimpsest.simulate.ScoreStore;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The whole road with a language model behind a scripted server that explains, and simulates by
 * known probabilities.
 */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PromptedRunTest {
  private static final int LATENTS = 3;
  private static final String FITS = "simulations/layers.2.mlp.last-token.jsonl";
  private static final String TEXTS = "explanations/layers.2.mlp.jsonl";

  @TempDir static Path folder;
  private static MiniRun trained;

  /** Trained and cached, once for all tests. */
  @BeforeAll
  static void train() throws IOException {
    trained = MiniRun.in(folder.resolve("base"));
    assertThat(trained.everything(small("lexical", "lexical")).status()).isZero();
  }

  private static String[] small(String explainer, String simulator) {
    return new String[] {
      "--set=explain.explainer=" + explainer,
      "--set=simulate.simulator=" + simulator,
      "--set=explain.latents=" + LATENTS,
      "--set=explain.least_windows=4",
      "--set=explain.windows=10",
      "--set=simulate.calibration_tokens=2048",
      "--set=rewrite.all_tokens.enabled=false",
      "--set=rewrite.last_token.windows=16",
      "--set=rewrite.rivals=[]"
    };
  }

  private static String[] asked(ScriptedServer server, String... more) {
    String who = "{endpoint: \"" + server.url() + "\", model: scripted, request_timeout: 5}";
    List<String> all = new ArrayList<>(List.of(small(who, who)));
    all.addAll(Arrays.asList(more));
    return all.toArray(String[]::new);
  }

  /** Known chances: one digit has most, by the prompt; the rest shares what is left. */
  private static double chance(String prompt, int digit) {
    return digit == Math.floorMod(prompt.hashCode(), 10) ? 0.82 : 0.02;
  }

  /** On the scale of ratings; where the server can only write, it always writes the likeliest. */
  private static double rating(String prompt, LabelWay way) {
    int digit = Math.floorMod(prompt.hashCode(), 10);
    double expected = way == LabelWay.SAMPLES ? digit : 0.82 * digit + 0.02 * (45 - digit);
    return expected * 10 / 9;
  }

  private static ScriptedServer server(LabelWay way) {
    ScriptedServer server = new ScriptedServer(way, PromptedRunTest::chance);
    server.writes =
        prompt -> "It is about this.\n[EXPLANATION]: pattern " + (prompt.hashCode() & 0x7fff_ffff);
    server.faults =
        Stream.of(ScriptedServer.Fault.values())
            .filter(fault -> fault != ScriptedServer.Fault.STALL)
            .toList();
    return server;
  }

  /** What was asked about an explanation, as the server counts prompts. */
  private static List<String> prompts(ScriptedServer server, String explanation) {
    TreeSet<String> prompts = new TreeSet<>();
    for (String body : server.answered().keySet()) {
      if (body.contains("Description: " + explanation + "\\n")) {
        prompts.add(ScriptedServer.text(tree(body)));
      }
    }
    return List.copyOf(prompts);
  }

  private static JsonNode tree(String json) {
    try {
      return Json.MAPPER.readTree(json);
    } catch (IOException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  @ParameterizedTest
  @EnumSource
  void ratingsAreReproducedThroughFaults(LabelWay way) throws IOException {
    MiniRun run = trained.copy(folder.resolve("way-" + way.label()));
    try (ScriptedServer server = server(way)) {
      server.faultShare = 0.2;
      Outcome outcome = run.everything(asked(server));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertNoneTwice(server, 0);
      List<Explanation> texts = ExplanationStore.read(run.file(TEXTS));
      assertThat(texts).hasSize(LATENTS);
      assertThat(texts).allMatch(text -> text.text().matches("pattern \\d+"));
      assertThat(texts).allMatch(text -> text.explainer().equals("scripted"));
      CalibrationSet fits = CalibrationStore.read(run.file(FITS));
      for (Explanation text : texts) {
        double[] known =
            prompts(server, text.text()).stream().mapToDouble(p -> rating(p, way)).toArray();
        // The calibration's windows and the evaluation's, with exchanged texts as well.
        assertThat(known).hasSizeGreaterThan(60);
        CalibrationMap map = fits.conditionalMean()[text.latent()];
        for (float found : map.ratings()) {
          double nearest = Arrays.stream(known).map(k -> Math.abs(k - found)).min().orElse(1);
          assertThat(found == 0 ? 0 : nearest).isEqualTo(0, within(1e-6));
        }
      }
      JsonNode account = account(run);
      assertThat(account.path("labels_by").asText()).isEqualTo(way.label());
      assertThat(account.path("answers").path("written").asInt()).isEqualTo(LATENTS);
      assertThat(Files.readString(run.file("report.html")))
          .contains("Language model scripted", way.words().replace("'", "&#39;"));
      // Nothing is asked again for what is there.
      int before = server.answered().size();
      assertThat(MiniRun.done(run.everything(asked(server)))).containsExactly("report");
      assertThat(server.answered()).hasSize(before);
    }
  }

  private static JsonNode account(MiniRun run) throws IOException {
    try (Stream<Path> files = Files.list(run.file("answers"))) {
      Path file = files.filter(f -> f.toString().endsWith(".json")).findFirst().orElseThrow();
      return tree(Files.readString(file));
    }
  }

  /**
   * @param most questions that were on their way when a process was killed
   */
  private static void assertNoneTwice(ScriptedServer server, int most) {
    List<String> twice =
        server.answered().entrySet().stream()
            .filter(entry -> entry.getKey().contains("Description:"))
            .filter(entry -> entry.getValue().get() > 1)
            .map(Map.Entry::getKey)
            .toList();
    assertThat(twice).hasSizeLessThanOrEqualTo(most);
  }

  @Test
  void budgetEndsTheRunAndTheNextGoesOn() throws IOException {
    MiniRun whole = trained.copy(folder.resolve("whole"));
    MiniRun parts = trained.copy(folder.resolve("parts"));
    try (ScriptedServer one = server(LabelWay.TOP);
        ScriptedServer other = server(LabelWay.TOP)) {
      assertThat(whole.everything(asked(one)).status()).isZero();
      int runs = 0;
      Outcome outcome;
      do {
        outcome = parts.everything(asked(other, "--max-calls=80"));
        assertThat(outcome.status() == 0 || outcome.err().contains("--max-calls 80")).isTrue();
        runs++;
      } while (outcome.status() != 0 && runs < 20);
      assertThat(runs).isBetween(3, 6);
      assertNoneTwice(other, 0);
      assertSame(whole, parts);
    }
  }

  /** Another address, but the same model: the same stages. */
  private static void assertSame(MiniRun one, MiniRun other) throws IOException {
    for (String file : List.of(TEXTS, FITS, "rewrites/layers.2.mlp.last-token.json")) {
      assertThat(Files.readString(other.file(file))).isEqualTo(Files.readString(one.file(file)));
    }
  }

  @Test
  void dryRunSaysWhatIsAskedAndAsksNothing() throws IOException {
    MiniRun run = trained.copy(folder.resolve("dry"));
    try (ScriptedServer server = server(LabelWay.TOP)) {
      Map<String, String> before = MiniRun.lasting(run.run());
      Outcome outcome =
          run.everything(
              asked(
                  server,
                  "--dry-run",
                  "--set=score.judge={endpoint: \"" + server.url() + "\", prices: [1, 2]}"));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertThat(server.answered()).isEmpty();
      assertThat(MiniRun.lasting(run.run())).isEqualTo(before);
      assertThat(outcome.out())
          .contains("explain.layers.2.mlp, scripted: at most 3 questions")
          .contains("score.layers.2.mlp, 127.0.0.1: at most 24 questions")
          // 2048 / 32 windows to calibrate on, and 16 to evaluate on.
          .contains("simulate.layers.2.mlp, scripted: at most 192 questions")
          .contains("rewrite.layers.2.mlp, scripted: at most 48 questions")
          .contains("all: at most 267 questions")
          .contains("by the prices");
      outcome = run.everything(asked(server));
      assertThat(outcome.status()).isZero();
      assertThat(account(run).path("answers").path("written").asInt()).isEqualTo(3);
      assertThat(account(run).path("answers").path("labelled").asInt()).isBetween(200, 240);
    }
  }

  @Test
  void killedRunGoesOn() throws IOException, InterruptedException {
    MiniRun whole = trained.copy(folder.resolve("left-alone"));
    MiniRun killed = trained.copy(folder.resolve("killed"));
    try (ScriptedServer one = server(LabelWay.TOP);
        ScriptedServer other = server(LabelWay.TOP)) {
      assertThat(whole.everything(asked(one)).status()).isZero();
      other.latencyMillis = 40;
      List<String> command =
          new ArrayList<>(
              List.of(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx512m",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Palimpsest.class.getName(),
                  "run",
                  killed.yaml().toString(),
                  "--out",
                  killed.run().toString(),
                  "--threads=1"));
      command.addAll(
          List.of(
              asked(
                  other,
                  "--set=simulate.simulator={endpoint: \""
                      + other.url()
                      + "\", model: scripted, concurrency: 4}")));
      Path log = folder.resolve("killed.log");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(new File(log.toString()))
              .start();
      while (process.isAlive() && other.answered().size() < 60) {
        Thread.sleep(2);
      }
      assertThat(process.isAlive()).as(Files.readString(log)).isTrue();
      process.destroyForcibly();
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
      int before = other.answered().size();
      other.latencyMillis = 0;
      Outcome outcome = killed.everything(asked(other));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertThat(other.answered().size()).isGreaterThan(before);
      assertNoneTwice(other, 64);
      assertSame(whole, killed);
    }
  }

  @Test
  void promptsOfAPersonAreAsked() throws IOException {
    MiniRun run = trained.copy(folder.resolve("prompts"));
    Path prompt = folder.resolve("mine.yaml");
    Files.writeString(prompt, "- {role: user, content: 'MINE {{ explanation }} | {{ window }}'}\n");
    try (ScriptedServer server = server(LabelWay.TOP)) {
      Outcome outcome = run.everything(asked(server, "--set=simulate.prompt=" + prompt));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertThat(server.answered().keySet()).anyMatch(body -> body.contains("MINE pattern"));
      assertThat(server.answered().keySet())
          .noneMatch(body -> body.contains("Description: pattern"));
      Files.writeString(prompt, "- {role: user, content: 'OTHER {{ nothing }'}\n");
      Outcome wrong = run.everything(asked(server, "--set=simulate.prompt=" + prompt));
      assertThat(wrong.status()).isEqualTo(1);
      assertThat(wrong.err()).contains("mine.yaml");
    }
  }

  @Test
  void latentsWithoutAnswerStayUnexplained() throws IOException {
    MiniRun run = trained.copy(folder.resolve("unread"));
    try (ScriptedServer server = server(LabelWay.TOP)) {
      server.writes = prompt -> prompt.hashCode() % 2 == 0 ? "" : "Je ne sais pas.";
      Outcome outcome = run.everything(asked(server));
      assertThat(outcome.err()).contains("of 3 answers 3 have no line [EXPLANATION]:");
      assertThat(ExplanationStore.read(run.file(TEXTS))).isEmpty();
    }
  }

  @Test
  void judgeScoresByDetectionAndFuzzing() throws IOException {
    MiniRun run = trained.copy(folder.resolve("judged"));
    try (ScriptedServer server = server(LabelWay.TOP)) {
      // A judge that finds every marked text right, every other text wrong, and stumbles at threes.
      server.writes =
          prompt -> {
            String asked = prompt.substring(prompt.lastIndexOf("Description:"));
            List<String> said =
                Stream.of(asked.split("(?m)^Text \\d+: ", -1))
                    .skip(1)
                    .map(text -> text.contains("<<") ? "1" : "0")
                    .toList();
            return said.size() == 3 ? "I cannot tell." : "Here: " + said;
          };
      server.faultShare = 0.2;
      Outcome outcome =
          run.stage(
              "score",
              "--set=score.judge={endpoint: \"" + server.url() + "\", model: scripted}",
              "--set=score.scorers=[fuzzing, detection]",
              "--set=score.per_question=7");
      assertThat(outcome.status()).as(outcome.err()).isZero();
      List<JudgedScore> scores = JudgedStore.read(run.file("scores/layers.2.mlp.judged.jsonl"));
      assertThat(scores).isNotEmpty();
      int unread = 0;
      for (JudgedScore score : scores) {
        if (score.scorer().equals("fuzzing")) {
          assertThat(score.recall()).isEqualTo(1);
          assertThat(score.specificity()).isZero();
        } else {
          assertThat(score.recall()).isZero();
          assertThat(score.specificity()).isEqualTo(1);
        }
        assertThat(score.balancedAccuracy()).isEqualTo(0.5);
        assertThat(score.correlation()).isZero();
        unread += score.unread();
      }
      assertThat(unread % 3).isZero();
      assertThat(ScoreStore.read(run.file("scores/layers.2.mlp.jsonl")))
          .hasSize((int) scores.stream().filter(s -> s.scorer().equals("fuzzing")).count());
      // A judge at another address is the same judge.
      assertThat(MiniRun.done(run.stage("score"))).isEmpty();
    }
  }

  /** A folder's model in this process: the same road, and the digits' own probabilities. */
  @Test
  void folderIsRunInThisProcess() throws IOException {
    MiniRun run = trained.copy(folder.resolve("folder"));
    Path prompt = folder.resolve("short.yaml");
    Files.writeString(
        prompt, "- {role: user, content: '{{ explanation }}: {{ window }} rated '}\n");
    String who = "{folder: embedded, chat: false, precision: fp32, model: small}";
    Outcome outcome =
        run.everything(
            Stream.concat(
                    Stream.of(small(who, who)),
                    Stream.of(
                        "--set=explain.method=single-token",
                        "--set=simulate.prompt=" + prompt,
                        "--set=simulate.window_tokens=8",
                        "--set=simulate.renormalise=true",
                        "--set=simulate.calibration_tokens=256"))
                .toArray(String[]::new));
    assertThat(outcome.status()).as(outcome.err()).isZero();
    CalibrationSet fits = CalibrationStore.read(run.file(FITS));
    for (Explanation text : ExplanationStore.read(run.file(TEXTS))) {
      assertThat(fits.conditionalMean()[text.latent()].ratings()).hasSizeGreaterThan(3);
    }
    JsonNode account = account(run);
    assertThat(account.path("model").asText()).isEqualTo("small");
    assertThat(account.path("answers").path("labelled").asInt()).isBetween(60, 3 * (8 + 16));
    assertThat(account.path("answers").path("usage").path("prompt_tokens").asInt())
        .isGreaterThan(600);
    assertThat(Files.readString(run.file("rewrites/layers.2.mlp.last-token.json")))
        .contains("\"simulator\" : \"small\"");
  }

  /** All tokens of a window in one question: a digit of one token, whatever the others say. */
  @Test
  void windowsAreRatedInOneQuestion() throws IOException {
    MiniRun run = trained.copy(folder.resolve("windows"));
    Path prompt = folder.resolve("lines.yaml");
    Files.writeString(prompt, "- {role: user, content: '{{ explanation }}: {{ lines }}'}\n");
    String who = "{folder: embedded, chat: false, precision: fp32, model: small}";
    Outcome outcome =
        run.everything(
            Stream.concat(
                    Stream.of(small(who, who)),
                    Stream.of(
                        "--set=explain.method=single-token",
                        "--set=simulate.method=window",
                        "--set=simulate.prompt=" + prompt,
                        "--set=simulate.window_tokens=8",
                        "--set=simulate.renormalise=true",
                        "--set=simulate.calibration_tokens=256"))
                .toArray(String[]::new));
    assertThat(outcome.status()).as(outcome.err()).isZero();
    assertThat(outcome.err()).doesNotContain("no rating");
    CalibrationSet fits = CalibrationStore.read(run.file(FITS));
    for (Explanation text : ExplanationStore.read(run.file(TEXTS))) {
      assertThat(fits.conditionalMean()[text.latent()].ratings()).hasSizeGreaterThan(3);
    }
    assertThat(account(run).path("answers").path("labelled").asInt()).isBetween(60, 72);
  }

  @Test
  void textsGoToOtherProgramsAndComeBackAsAPersons() throws IOException {
    MiniRun run = trained.copy(folder.resolve("exchange"));
    String before = Files.readString(run.file(TEXTS));
    for (String form : List.of("delphi", "neuronpedia")) {
      Path place = folder.resolve(form);
      String where = "--to=" + place;
      assertThat(run.stage("texts", "--form=" + form, where).status()).isZero();
      Outcome same = run.stage("texts", "--form=" + form, "--from=" + place);
      assertThat(same.out()).contains(LATENTS + " explanations read from");
    }
    assertThat(Files.readString(run.file(TEXTS))).isEqualTo(before);
    Path list = folder.resolve("neuronpedia");
    int latent = ExplanationStore.read(run.file(TEXTS)).get(0).latent();
    Files.writeString(
        list, "[{\"layer\": \"x\", \"index\": " + latent + ", \"description\": \"on cats\"}]");
    assertThat(run.stage("texts", "--form=neuronpedia", "--from=" + list).status()).isZero();
    assertThat(run.stage("explain", "--force").err()).contains("1 explanations of layers.2.mlp");
    assertThat(Files.readString(run.file(TEXTS))).contains("on cats");
    Files.writeString(list, "[{\"index\": 99999, \"description\": \"far\"}]");
    assertThat(run.stage("texts", "--form=neuronpedia", "--from=" + list).status()).isEqualTo(2);
    assertThat(run.stage("texts", "--form=neuronpedia").status()).isEqualTo(2);
  }

  @Test
  void methodsThatAskNobody() throws IOException {
    MiniRun run = trained.copy(folder.resolve("unasked"));
    for (String method : List.of("single-token", "none")) {
      Outcome outcome =
          run.stage(
              "explain",
              Stream.concat(
                      Stream.of(small("embedded", "lexical")),
                      Stream.of("--set=explain.method=" + method))
                  .toArray(String[]::new));
      assertThat(outcome.status()).as(outcome.err()).isZero();
      assertThat(ExplanationStore.read(run.file(TEXTS)))
          .hasSize(LATENTS)
          .allMatch(text -> text.explainer().equals(method))
          .allMatch(text -> method.equals("none") == text.text().isEmpty());
    }
  }

  @Test
  void costNeedsPrices() {
    Outcome outcome = trained.everything("--max-cost=3");
    assertThat(outcome.status()).isEqualTo(2);
    assertThat(outcome.err()).contains("--max-cost needs the prices").hasLineCount(1);
  }

  @Test
  void wrongInterpretersAreOneLine() {
    for (String wrong : List.of("lexicl", "{endpoint: nowhere}", "{folder: x, endpont: y}", "7")) {
      Outcome outcome = trained.everything("--set=explain.explainer=" + wrong);
      assertThat(outcome.status()).as(wrong).isEqualTo(2);
      assertThat(outcome.err().lines().filter(line -> !line.isBlank())).hasSize(1);
    }
  }
}
