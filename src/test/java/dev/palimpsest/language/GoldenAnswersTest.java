package dev.palimpsest.language;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.palimpsest.base.Progress;
import dev.palimpsest.model.LanguageModel;
import dev.palimpsest.model.TestModels;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoding and scoring against what transformers computed in double precision, and in bf16. */
@Timeout(120)
class GoldenAnswersTest {
  private static final double TOLERANCE = 1e-4;

  private static List<JsonNode> cases(String family) throws IOException {
    List<JsonNode> cases = new ArrayList<>();
    golden("answers.json").path(family).forEach(cases::add);
    assertThat(cases).hasSize(3);
    return cases;
  }

  private static JsonNode golden(String file) throws IOException {
    try (InputStream stream =
        GoldenAnswersTest.class.getResourceAsStream("/golden/language/" + file)) {
      return new ObjectMapper().readTree(Objects.requireNonNull(stream));
    }
  }

  private static int[] ids(JsonNode array) {
    return IntStream.range(0, array.size()).map(i -> array.get(i).intValue()).toArray();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void greedyAnswersAreTransformers(String family) throws IOException {
    List<int[]> prompts = new ArrayList<>();
    List<int[]> expected = new ArrayList<>();
    for (JsonNode one : cases(family)) {
      prompts.add(ids(one.get("prompt")));
      expected.add(ids(one.get("greedy")));
    }
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      // All in one batch; then with room for one at a time.
      for (long budget : new long[] {1 << 30, 1}) {
        Decoding.Written[] written =
            new Decoding(model, Set.of(), budget)
                .answers(prompts, Sampling.greedy(64), Progress.SILENT);
        for (int i = 0; i < written.length; i++) {
          assertThat(written[i].tokens()).isEqualTo(expected.get(i));
          assertThat(written[i].stopped()).isFalse();
        }
      }
      // A stop token ends its own row alone, and is not part of the answer.
      int stop = expected.get(0)[5];
      Decoding.Written[] stopped =
          new Decoding(model, Set.of(stop), 1 << 30)
              .answers(prompts, Sampling.greedy(64), Progress.SILENT);
      for (int i = 0; i < stopped.length; i++) {
        int[] whole = expected.get(i);
        int end =
            IntStream.range(0, whole.length).filter(t -> whole[t] == stop).findFirst().orElse(-1);
        assertThat(stopped[i].stopped()).isEqualTo(end >= 0);
        assertThat(stopped[i].tokens())
            .isEqualTo(Arrays.copyOf(whole, end >= 0 ? end : whole.length));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void logProbabilitiesAreTransformers(String family) throws IOException {
    List<JsonNode> cases = cases(family);
    List<int[]> prompts = cases.stream().map(one -> ids(one.get("prompt"))).toList();
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      new LastLogits(model, 1 << 30)
          .of(
              prompts,
              (prompt, logits) -> {
                double all = Passes.logSumExp(logits);
                JsonNode next = cases.get(prompt).get("next");
                for (int id = 0; id < logits.length; id++) {
                  assertThat(logits[id] - all)
                      .isCloseTo(next.get(id).asDouble(), within(TOLERANCE));
                }
              });
      for (int i = 0; i < prompts.size(); i++) {
        JsonNode inside = cases.get(i).get("inside");
        for (int from : new int[] {1, prompts.get(i).length - 1}) {
          double[] scores = TokenScores.of(model, prompts.get(i), from);
          assertThat(scores).hasSize(prompts.get(i).length - from);
          for (int t = 0; t < scores.length; t++) {
            assertThat(scores[t]).isCloseTo(inside.get(t + from - 1).asDouble(), within(TOLERANCE));
          }
        }
      }
    }
  }

  /**
   * In bf16 a number is rounded by at most 2⁻⁹ of itself, at each dense layer by us, at each
   * operation by transformers. Over these models' few layers ours may stray from the exact
   * log-probabilities by 2⁻⁶ of what they vary by (root mean square), from transformers' bf16 ones
   * by as much, and not beyond what transformers' own do by half.
   */
  @ParameterizedTest
  @ValueSource(
      strings = {"gpt_neox", "gpt2", "llama", "llama_rope3", "qwen2", "qwen3", "gemma2", "mistral"})
  void inBf16LogProbabilitiesAreTransformersToRounding(String family) throws IOException {
    List<JsonNode> cases = cases(family);
    List<int[]> prompts = cases.stream().map(one -> ids(one.get("prompt"))).toList();
    JsonNode theirs = golden("bf16.json").path(family);
    try (LanguageModel model =
        LanguageModel.load(TestModels.golden(family), Device.cpu(), Precision.BF16)) {
      new LastLogits(model, 1 << 30)
          .of(
              prompts,
              (prompt, logits) -> {
                double all = Passes.logSumExp(logits);
                double[] ours =
                    IntStream.range(0, logits.length).mapToDouble(i -> logits[i] - all).toArray();
                double[] exact = doubles(cases.get(prompt).get("next"));
                double[] rounded = doubles(theirs.get(prompt));
                double allowed = Math.scalb(deviation(exact), -6);
                double strayed = distance(ours, exact);
                assertThat(strayed)
                    .isBetween(1e-5, allowed)
                    .isLessThan(1.5 * distance(rounded, exact));
                assertThat(distance(ours, rounded)).isLessThan(allowed);
              });
    }
  }

  private static double[] doubles(JsonNode array) {
    return IntStream.range(0, array.size()).mapToDouble(i -> array.get(i).asDouble()).toArray();
  }

  private static double distance(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return Math.sqrt(sum / a.length);
  }

  private static double deviation(double[] values) {
    double mean = Arrays.stream(values).average().orElseThrow();
    return distance(values, Arrays.stream(values).map(value -> mean).toArray());
  }

  /** Questions in a tree, with and without room to keep what they share. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "llama", "gemma2", "mistral"})
  void sharingChangesNoBit(String family) {
    Random random = new Random(11);
    List<int[]> prompts = new ArrayList<>();
    int[] start = random.ints(700, 0, 101).toArray();
    for (int i = 0; i < 40; i++) {
      // A beginning of some length, then a part shared by few, then one's own; some are equal.
      int shared = i % 3 == 0 ? 0 : i % 3 == 1 ? 600 : 650 + i % 2;
      int[] own = new Random(i / 5).ints(30 + i / 5, 0, 101).toArray();
      prompts.add(
          IntStream.concat(
                  IntStream.concat(Arrays.stream(start, 0, shared), Arrays.stream(own)),
                  new Random(i % 7).ints(1 + i % 4, 0, 101))
              .toArray());
    }
    prompts.add(Arrays.copyOf(start, 600));
    prompts.add(Arrays.copyOf(start, 1));
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      float[][] alone = new float[prompts.size()][];
      for (int i = 0; i < alone.length; i++) {
        int place = i;
        new LastLogits(model, 1)
            .of(List.of(prompts.get(i)), (sequence, logits) -> alone[place] = logits);
      }
      long token = model.cachedBytesOfToken();
      for (long budget : new long[] {1 << 30, 1, 700 * token, 1000 * token}) {
        boolean[] seen = new boolean[prompts.size()];
        new LastLogits(model, budget)
            .of(
                prompts,
                (sequence, logits) -> {
                  assertThat(seen[sequence]).isFalse();
                  seen[sequence] = true;
                  if (model.config().attentionSoftcap().isEmpty()) {
                    assertThat(logits).isEqualTo(alone[sequence]);
                  } else {
                    for (int id = 0; id < logits.length; id++) {
                      assertThat(logits[id]).isCloseTo(alone[sequence][id], within(1e-5f));
                    }
                  }
                });
        assertThat(seen).doesNotContain(false);
      }
    }
  }
}
