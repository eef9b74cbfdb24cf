package dev.palimpsest.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.base.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every setting that {@code defaults.yaml} knows, given every value that cannot be meant: refused
 * before anything is done, in one line that names the setting.
 */
final class SettingSweepTest {
  private static final String NO_SUCH_MATTER = "neither here nor there";

  /**
   * What a number may be besides what others may: 0 for "all", "off" or "chosen by the program".
   */
  private static final Set<String> MAY_BE_ZERO =
      Set.of(
          "seed",
          "threads",
          "coders.num_latents",
          "train.checkpoint_every",
          "train.eval_every",
          "cache.least_tokens",
          "explain.latents",
          "explain.temperature",
          "rewrite.all_tokens.windows",
          "rewrite.last_token.windows",
          "rewrite.until_ci",
          "report.latents");

  /** A factor that nobody looks at where the number of latents is given. */
  private static final Set<String> UNUSED = Set.of("coders.expansion_factor");

  private static final Set<String> ANY_WHOLE_NUMBER = Set.of("seed");

  /** One token is no context: nothing stands before what is predicted. */
  private static final Set<String> NOT_ONE =
      Set.of(
          "train.context_length",
          "cache.context_length",
          "rewrite.all_tokens.context_length",
          "rewrite.last_token.context_length");

  /** Only so many are taken as there are. */
  private static final Set<String> AT_MOST =
      Set.of(
          "seed",
          "train.tokens",
          "train.checkpoint_every",
          "train.eval_every",
          "train.eval_tokens",
          "cache.tokens",
          "cache.least_tokens",
          "explain.tokens",
          "explain.latents",
          "explain.least_windows",
          "score.tokens",
          "simulate.calibration_tokens",
          "simulate.joint_tokens",
          "rewrite.rival_tokens",
          "rewrite.all_tokens.windows",
          "rewrite.last_token.windows",
          "report.latents");

  private static final Set<String> MAY_BE_EMPTY = Set.of("train.seeds", "rewrite.rivals");

  /** What is absent means something. */
  private static final Set<String> MAY_BE_NULL = Set.of("train.activations", "coders.path");

  @TempDir private Path folder;
  private Path file;
  private final Map<String, JsonNode> settings = new TreeMap<>();

  @BeforeEach
  void defaults() throws IOException {
    file = folder.resolve("experiment.yaml");
    Files.writeString(file, "coders: [{hookpoint: layers.2.mlp, num_latents: 64, k: 4}]\n");
    ObjectNode tree = ConfigFiles.defaults();
    JsonNode coder = tree.remove("coder_defaults");
    tree.remove("coders");
    collect("", tree);
    collect("coders.", (ObjectNode) coder);
  }

  private void collect(String prefix, ObjectNode tree) {
    for (Map.Entry<String, JsonNode> entry : tree.properties()) {
      if (entry.getValue().isObject()) {
        collect(prefix + entry.getKey() + ".", (ObjectNode) entry.getValue());
      } else {
        settings.put(prefix + entry.getKey(), entry.getValue());
      }
    }
  }

  @Test
  void theDefaultsAreAccepted() {
    assertThat(settings.keySet()).containsAll(MAY_BE_ZERO).containsAll(MAY_BE_EMPTY);
    assertThat(settings.keySet()).containsAll(AT_MOST).containsAll(NOT_ONE);
    settings.forEach(
        (setting, value) -> assertThat(refusal(setting, value.toString())).as(setting).isEmpty());
  }

  @Test
  void numbersThatCannotBeMeantAreRefused() {
    List<String> faults = new ArrayList<>();
    settings.forEach(
        (setting, value) -> {
          if (value.isNumber()) {
            List<String> wrong =
                new ArrayList<>(List.of("many", "[1]", "{a: 1}", "true", "null", ".nan", "1e300"));
            wrong.add("''");
            if (!ANY_WHOLE_NUMBER.contains(setting)) {
              wrong.addAll(List.of("-1", "-9e18", "-.inf", ".inf"));
            }
            if (!MAY_BE_ZERO.contains(setting)) {
              wrong.add("0");
            }
            if (NOT_ONE.contains(setting)) {
              wrong.add("1");
            }
            if (!AT_MOST.contains(setting)) {
              wrong.addAll(List.of("2147483647", "2147483648", "4e18"));
            }
            if (!UNUSED.contains(setting)) {
              wrong.forEach(each -> expectRefusal(setting, each, faults));
            }
          }
        });
    assertThat(faults).isEmpty();
  }

  @Test
  void listsThatCannotBeMeantAreRefused() {
    List<String> faults = new ArrayList<>();
    settings.forEach(
        (setting, value) -> {
          if (value.isArray()) {
            List<String> wrong = new ArrayList<>(List.of("[null]", "[{a: 1}]", "[[1]]", "{a: 1}"));
            wrong.addAll(List.of("null", "['']", "[" + NO_SUCH_MATTER + "]"));
            if (!MAY_BE_EMPTY.contains(setting)) {
              wrong.add("[]");
            }
            if (setting.startsWith("rewrite.") && !value.isEmpty()) {
              wrong.add("[" + value.get(0) + ", " + value.get(0) + "]");
            }
            wrong.forEach(each -> expectRefusal(setting, each, faults));
          }
        });
    for (String each : List.of("[0]", "[-0.5]", "[1.5]", "[.nan]", "[.inf]", "[1e-400]")) {
      expectRefusal("rewrite.fractions", each, faults);
    }
    for (String each : List.of("[1, 1]", "[1.5]", "[-9e99]")) {
      expectRefusal("train.seeds", each, faults);
    }
    assertThat(faults).isEmpty();
  }

  @Test
  void wordsThatCannotBeMeantAreRefused() {
    List<String> faults = new ArrayList<>();
    settings.forEach(
        (setting, value) -> {
          // Prompts are read where a language model is asked.
          boolean read = !setting.endsWith("prompt");
          if (read && (value.isTextual() || value.isBoolean() || value.isNull())) {
            List<String> wrong = new ArrayList<>(List.of("[a]", "{a: 1}"));
            if (!MAY_BE_NULL.contains(setting)) {
              wrong.add("null");
            }
            if (!Set.of("name", "data.text_key").contains(setting)) {
              wrong.add(NO_SUCH_MATTER);
            }
            if (!MAY_BE_NULL.contains(setting)) {
              wrong.add("''");
            }
            wrong.forEach(each -> expectRefusal(setting, each, faults));
          }
        });
    for (String each : List.of("../x", "a/b", ".", "..", "\"a\\nb\"", "x".repeat(201))) {
      expectRefusal("name", each, faults);
    }
    for (String each : List.of("-1", "0", "1e99", ".nan", ".inf")) {
      expectRefusal("train.lr", each, faults);
    }
    for (String each : List.of("-1", "1.5", "1e99", ".nan")) {
      expectRefusal("train.warmup_steps", each, faults);
    }
    for (String each : List.of("-1", "1.5", "99999999999", ".nan")) {
      expectRefusal("data.end_of_text", each, faults);
    }
    for (String each : List.of("'-1'", "'999999'", "'1.5'", "','")) {
      expectRefusal("data.exclude_tokens", each, faults);
    }
    assertThat(faults).isEmpty();
  }

  @Test
  void aWrongValueOfAnOptionIsNotBlamedOnTheFile() {
    for (String setting : List.of("train.tokens=many", "report.latents=x", "data=5", "nope=1")) {
      assertThat(refusalOf(List.of(setting)))
          .hasValueSatisfying(
              line ->
                  assertThat(line).startsWith("--set " + setting + ": ").doesNotContain(".yaml"));
    }
  }

  private void expectRefusal(String setting, String value, List<String> faults) {
    Optional<String> line = refusal(setting, value);
    String name = setting.substring(setting.lastIndexOf('.') + 1);
    Set<String> words = new TreeSet<>(List.of(name, name.replace('_', ' '), setting));
    words.addAll(
        switch (setting) {
          case "train.seeds" -> List.of("seed is named twice");
          case "train.optimizer" -> List.of("optimiser", "optimizer");
          case "model_precision" -> List.of("precision");
          case "train.lr" -> List.of("learning rate");
          case "train.warmup_steps" -> List.of("warm-up");
          case "data.exclude_tokens" -> List.of("exclude");
          case "coders.k" -> List.of("k is", "k must", "k:");
          case "rewrite.selections" -> List.of("selection");
          case "rewrite.calibrations" -> List.of("calibration");
          case "rewrite.rivals" -> List.of("rival");
          case "explain.method" -> List.of("method");
          case "data.files" -> List.of("text file");
          case "coders.path" -> List.of("coder");
          default -> List.<String>of();
        });
    if (line.isEmpty()) {
      faults.add(setting + "=" + value + " is accepted");
    } else if (words.stream().noneMatch(line.get()::contains) || line.get().lines().count() != 1) {
      faults.add(setting + "=" + value + ": " + line.get());
    }
  }

  private Optional<String> refusal(String setting, String value) {
    if (setting.startsWith("coders.")) {
      String key = setting.substring("coders.".length());
      String entry = "{hookpoint: layers.2.mlp, num_latents: 64, k: 4}";
      String with =
          switch (key) {
            case "num_latents" -> "{hookpoint: layers.2.mlp, k: 4, num_latents: " + value + "}";
            case "k" -> "{hookpoint: layers.2.mlp, num_latents: 64, k: " + value + "}";
            default -> entry.replace("}", ", " + key + ": " + value + "}");
          };
      return refusalOf(List.of("coders=[" + with + "]"));
    }
    return refusalOf(List.of(setting + "=" + value));
  }

  /** What a person is told; empty where the settings are accepted. */
  private Optional<String> refusalOf(List<String> assignments) {
    try {
      ExperimentConfig config = Experiments.fromFile(file, assignments).config();
      ExperimentChecks.check(config);
      RunContext.choose(config);
      RunInputs.of(
          config,
          new dev.palimpsest.run.RunDirectory(folder.resolve("run")),
          dev.palimpsest.base.FileDigests.inMemory());
      return Optional.empty();
    } catch (UsageException refused) {
      return Optional.of(String.valueOf(refused.getMessage()));
    } catch (PalimpsestException failed) {
      return Optional.of("failed, not refused: " + failed.getMessage());
    }
  }
}
