package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hooks, splices and partial passes. */
class LanguageModelTest {
  private static final TokenBatch BATCH =
      new TokenBatch(2, 5, new int[] {3, 1, 4, 1, 5, 9, 2, 6, 5, 3});

  @Test
  void namesItsHookpoints() {
    try (LanguageModel neox = LanguageModel.load(TestModels.golden("gpt_neox"));
        LanguageModel gpt2 = LanguageModel.load(TestModels.golden("gpt2"))) {
      assertThat(neox.hookpoints())
          .startsWith("layers.0", "layers.0.attention", "layers.0.mlp", "layers.1")
          .hasSize(9);
      assertThat(gpt2.hookpoints()).contains("h.2", "h.2.attn", "h.2.mlp");
      assertThat(neox.layerOf("gpt_neox.layers.2.mlp")).isEqualTo(2);
      assertThat(neox.layerHookpoint(1)).isEqualTo("layers.1");
      assertThatThrownBy(() -> neox.layerOf("layers.3"))
          .isInstanceOf(UsageException.class)
          .hasMessage(
              "no hookpoint 'layers.3': this gpt_neox has layers.0, layers.0.attention,"
                  + " layers.0.mlp and so on to layer 2");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "gemma2"})
  void tapsDoNotDependOnWhatElseIsAsked(String family) {
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      HookPlan everything = new HookPlan();
      for (String name : model.hookpoints()) {
        everything.tapInput(name).tapOutput(name);
      }
      try (Forward all = model.forward(BATCH, everything)) {
        for (String name : model.hookpoints()) {
          try (Forward input = model.forward(BATCH, new HookPlan().tapInput(name).logits(false));
              Forward output = model.forward(BATCH, new HookPlan().tapOutput(name).logits(false))) {
            assertThat(Tensors.toArray(input.input(name)))
                .as(name)
                .isEqualTo(Tensors.toArray(all.input(name)));
            assertThat(Tensors.toArray(output.output(name)))
                .as(name)
                .isEqualTo(Tensors.toArray(all.output(name)));
            assertThatThrownBy(output::logits).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> output.input(name)).isInstanceOf(IllegalStateException.class);
          }
        }
        try (Forward plain = model.forward(BATCH, new HookPlan())) {
          assertThat(Tensors.toArray(plain.logits())).isEqualTo(Tensors.toArray(all.logits()));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama", "gemma2"})
  void aSpliceTakesTheOutputsPlace(String family) {
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      for (String name : model.hookpoints()) {
        List<float[]> seen = new ArrayList<>();
        Splice same =
            (input, output) -> {
              seen.add(Tensors.toArray(input));
              return output;
            };
        Splice doubled = (input, output) -> output.mul(new Scalar(2.0));
        try (Forward plain = model.forward(BATCH, new HookPlan().tapInput(name).tapOutput(name));
            Forward unchanged = model.forward(BATCH, new HookPlan().splice(name, same));
            Forward changed =
                model.forward(BATCH, new HookPlan().splice(name, doubled).tapOutput(name))) {
          assertThat(seen).hasSize(1);
          assertThat(seen.get(0)).isEqualTo(Tensors.toArray(plain.input(name)));
          assertThat(
                  GoldenModelsTest.largestDifference(
                      Tensors.toArray(unchanged.logits()), Tensors.toArray(plain.logits())))
              .as(name)
              .isLessThan(1e-5);
          float[] twice = Tensors.toArray(plain.output(name));
          for (int i = 0; i < twice.length; i++) {
            twice[i] *= 2;
          }
          assertThat(Tensors.toArray(changed.output(name))).isEqualTo(twice);
          if (!isLastLayer(model, name) || !name.endsWith("s." + model.layerOf(name))) {
            assertThat(Tensors.toArray(changed.logits()))
                .isNotEqualTo(Tensors.toArray(plain.logits()));
          }
        }
      }
    }
  }

  private static boolean isLastLayer(LanguageModel model, String name) {
    return model.layerOf(name) == model.config().layers() - 1;
  }

  @Test
  void aSplicesOwnTensorSurvivesThePass() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("llama"));
        Tensor mine = Tensors.of(new float[2 * 5 * 32], 2, 5, 32)) {
      for (String name : model.hookpoints()) {
        HookPlan plan = new HookPlan().splice(name, (input, output) -> mine).tapOutput(name);
        for (int i = 0; i < 3; i++) {
          try (Forward forward = model.forward(BATCH, plan)) {
            assertThat(Tensors.toArray(forward.output(name))).containsOnly(0f);
          }
        }
      }
      assertThat(Tensors.toArray(mine)).containsOnly(0f);
    }
  }

  @Test
  void aSpliceOfTheWrongShapeIsRefused() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("llama"))) {
      HookPlan plan =
          new HookPlan().splice("layers.1.mlp", (input, output) -> output.narrow(2, 0, 3));
      assertThatThrownBy(() -> model.forward(BATCH, plan))
          .hasMessage("the splice at layer 1 (mlp) gave shape [2, 5, 3], expected [2, 5, 32]");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "qwen3", "gemma2"})
  void aPassMayStartAtAnyBlock(String family) {
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      for (int layer = 0; layer < model.config().layers(); layer++) {
        String name = model.layerHookpoint(layer);
        String mlp = name + ".mlp";
        try (Forward whole = model.forward(BATCH, new HookPlan().tapInput(name).tapOutput(mlp));
            Forward rest =
                model.forwardFrom(
                    layer, whole.input(name), new HookPlan().tapInput(name).tapOutput(mlp))) {
          assertThat(Tensors.toArray(rest.logits())).isEqualTo(Tensors.toArray(whole.logits()));
          assertThat(Tensors.toArray(rest.output(mlp)))
              .isEqualTo(Tensors.toArray(whole.output(mlp)));
          rest.close();
          assertThat(Tensors.toArray(whole.input(name))).isNotEmpty();
        }
      }
      String first = model.layerHookpoint(0);
      try (Forward whole = model.forward(BATCH, new HookPlan().tapInput(first))) {
        assertThatThrownBy(
                () -> model.forwardFrom(1, whole.input(first), new HookPlan().tapInput(first)))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "gpt2", "llama", "gemma2"})
  void theFinalNormAndTheUnembeddingMakeTheLogits(String family) {
    try (LanguageModel model = LanguageModel.load(TestModels.golden(family))) {
      String last = model.layerHookpoint(model.config().layers() - 1);
      try (Forward forward = model.forward(BATCH, new HookPlan().tapOutput(last));
          Tensor normed = model.finalNorm(forward.output(last));
          PointerScope scope = new PointerScope()) {
        Tensor logits = torch.linear(normed, model.unembedding());
        if (model.config().logitSoftcap().isPresent()) {
          Scalar cap = new Scalar(model.config().logitSoftcap().getAsDouble());
          logits = logits.div(cap).tanh().mul(cap);
        }
        assertThat(
                GoldenModelsTest.largestDifference(
                    Tensors.toArray(logits), Tensors.toArray(forward.logits())))
            .isLessThan(1e-5);
      }
    }
  }

  @Test
  void withoutLogitsThePassStopsAtTheLastHook() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("gpt2"))) {
      AtomicInteger calls = new AtomicInteger();
      Splice counting =
          (input, output) -> {
            calls.incrementAndGet();
            return output;
          };
      HookPlan plan = new HookPlan().tapInput("h.0.mlp").logits(false);
      try (Forward forward = model.forward(BATCH, plan)) {
        assertThat(forward.input("h.0.mlp").shape()).containsExactly(2, 5, 32);
      }
      plan.splice("h.1.attn", counting);
      model.forward(BATCH, plan).close();
      assertThat(calls).hasValue(1);
    }
  }

  /** Repeated tokens are computed once in the first block; a given stream is not looked into. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt_neox", "llama", "qwen3", "gpt2"})
  void repeatedTokensChangeNoBit(String name) {
    try (LanguageModel model = LanguageModel.load(TestModels.golden(name));
        Forward direct =
            model.forward(
                new TokenBatch(2, 6, new int[] {3, 7, 3, 3, 9, 7, 7, 3, 1, 1, 1, 9}),
                new HookPlan().tapInput(model.layerHookpoint(0)));
        Forward fromStream =
            model.forwardFrom(0, direct.input(model.layerHookpoint(0)), new HookPlan())) {
      assertThat(Tensors.toArray(direct.logits()))
          .containsExactly(Tensors.toArray(fromStream.logits()));
    }
  }

  @Test
  void passesMayOverlap() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("mistral"))) {
      List<TokenBatch> batches =
          IntStream.range(0, 40)
              .mapToObj(i -> TokenBatch.of(IntStream.range(i, 2 * i + 12).toArray()))
              .toList();
      List<float[]> alone = batches.stream().map(batch -> logits(model, batch)).toList();
      List<float[]> together = batches.parallelStream().map(batch -> logits(model, batch)).toList();
      for (int i = 0; i < alone.size(); i++) {
        assertThat(GoldenModelsTest.largestDifference(together.get(i), alone.get(i)))
            .isLessThan(1e-5);
      }
    }
  }

  private static float[] logits(LanguageModel model, TokenBatch batch) {
    try (Forward forward = model.forward(batch, new HookPlan())) {
      return Tensors.toArray(forward.logits());
    }
  }

  @Test
  void badTokensAreNamed() {
    try (LanguageModel model = LanguageModel.load(TestModels.golden("gpt2"))) {
      assertThatThrownBy(() -> model.forward(TokenBatch.of(1, -1), new HookPlan()))
          .isInstanceOf(UsageException.class)
          .hasMessage("token id -1 (row 0, position 1) is outside the vocabulary of 101");
      assertThatThrownBy(() -> model.forward(TokenBatch.of(new int[65]), new HookPlan()))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining("65 tokens: this model has 64 positions");
    }
  }

  @Test
  void lossesAreThoseOfASoftmax() {
    int vocabulary =
        700_000; // more than a block of logits, so that every position is its own block
    float[] logits = new float[3 * vocabulary];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) Math.sin(i * 0.1) * 5;
    }
    TokenBatch batch = TokenBatch.of(0, 17, 699_999);
    try (Tensor tensor = Tensors.of(logits, 1, 3, vocabulary);
        Tensor loss = LanguageModel.tokenLoss(tensor, batch)) {
      for (int position = 0; position < 2; position++) {
        double sum = 0;
        for (int v = 0; v < vocabulary; v++) {
          sum += Math.exp(logits[position * vocabulary + v]);
        }
        double expected = Math.log(sum) - logits[position * vocabulary + batch.id(0, position + 1)];
        assertThat((double) Tensors.toArray(loss)[position])
            .isCloseTo(expected, org.assertj.core.api.Assertions.within(1e-4));
      }
    }
  }
}
