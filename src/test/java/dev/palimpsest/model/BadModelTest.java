package dev.palimpsest.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.safetensors.DType;
import dev.palimpsest.safetensors.SafeTensors;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import dev.palimpsest.tensor.Tensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations and checkpoints that cannot be meant, and some that can. */
class BadModelTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "llama|model_type|\"mamba\"|'model_type' is \"mamba\", expected one of the supported types:"
            + " gpt_neox, gpt2, llama, qwen2",
        "llama|model_type|null|'model_type' is null, expected one of the supported types",
        "llama|hidden_size|null|'hidden_size' is missing",
        "llama|hidden_size|-4|'hidden_size' is -4, expected a positive whole number",
        "llama|hidden_act|\"snake\"|'hidden_act' is \"snake\", expected one of [gelu",
        "llama|num_key_value_heads|3|3 key-value heads, expected a divisor of 4 query heads",
        "llama|rope_parameters|{\"rope_type\":\"spiral\"}|'rope_parameters.rope_type' is"
            + " \"spiral\", expected one of default, linear",
        "llama|rope_parameters|{\"rope_type\":\"linear\"}|'rope_parameters.factor' is missing",
        "gpt_neox|num_attention_heads|5|'num_attention_heads' is 5, expected a divisor of the"
            + " width, 32",
        "gpt2|n_head|5|'n_head' is 5, expected a divisor of the width, 32",
        "qwen2|layer_types|[\"full_attention\"]|expected 3 times sliding_attention or"
            + " full_attention",
        "qwen2|tie_word_embeddings|\"yes\"|'tie_word_embeddings' is \"yes\", expected true or"
            + " false",
        "gpt_neox|rotary_pct|\"x\"|'rotary_pct' is \"x\", expected a number",
        "gpt_neox|rotary_pct|2147483648|'rotary_pct' is 2147483648, expected a share of the head's"
            + " channels",
        "gpt_neox|rotary_pct|-1|'rotary_pct' is -1, expected a number above 0",
        "gpt_neox|rope_parameters|{\"partial_rotary_factor\":2147483648}|'rope_parameters.partial_rotary_factor'"
            + " is 2147483648, expected a share of the head's channels, at most 1",
        "gpt_neox|rope_parameters|{\"rope_theta\":0}|'rope_parameters.rope_theta' is 0, expected a"
            + " number above 0",
        "llama|rope_parameters|7|'rope_parameters' is 7, expected an object",
        "llama|rope_parameters|{\"rope_type\":\"linear\",\"factor\":0}|'rope_parameters.factor' is"
            + " 0, expected a number above 0",
        "llama|num_hidden_layers|2147483647|'num_hidden_layers' is 2147483647, expected at most"
            + " 4096",
        "gpt2|n_layer|2147483647|'n_layer' is 2147483647, expected at most 4096",
        "llama|hidden_size|2147483647|'hidden_size' is 2147483647, expected at most",
        "llama|head_dim|2147483647|'head_dim' is 2147483647, expected at most",
        "llama|num_attention_heads|2147483647|'num_attention_heads' is 2147483647, expected at"
            + " most",
        "llama|intermediate_size|2147483647|'intermediate_size' is 2147483647, expected at most",
        "llama|vocab_size|2147483647|'vocab_size' is 2147483647, expected at most",
        "llama|rms_norm_eps|-1|'rms_norm_eps' is -1, expected a number above 0",
        "gemma2|query_pre_attn_scalar|0|'query_pre_attn_scalar' is 0, expected a number above 0",
      })
  void badConfigurationsAreNamed(String family, String key, String value, String message)
      throws IOException {
    copy(
        family,
        config -> {
          if (key.equals("rotary_pct")) {
            config.remove("rope_parameters");
          }
          config.set(key, json(value));
        },
        Map.of());
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(folder.resolve("config.json").toString())
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "gpt_neox, gpt_neox.layers.1.mlp.dense_h_to_4h.weight",
    "gpt_neox, gpt_neox.layers.1.attention.query_key_value.bias",
    "gpt_neox, embed_out.weight",
    "gpt2, transformer.h.2.attn.c_proj.weight",
    "llama, model.layers.0.self_attn.k_proj.weight",
    "llama, lm_head.weight",
    "qwen2, model.layers.0.self_attn.v_proj.bias",
    "qwen3, model.layers.2.self_attn.q_norm.weight",
    "gemma2, model.layers.3.post_feedforward_layernorm.weight",
    "mistral, model.norm.weight",
  })
  void missingAndMisshapenTensorsAreNamed(String family, String tensor) throws IOException {
    Path file = folder.resolve("model.safetensors");
    Map<String, float[]> without = new TreeMap<>();
    without.put(tensor, null);
    copy(family, config -> {}, without);
    String missing = tensor.equals("embed_out.weight") ? "lm_head.weight" : tensor;
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining(file + ": no tensor '" + missing + "'");
    copy(family, config -> {}, Map.of(tensor, new float[7]));
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining(file + ": tensor '" + tensor + "' has shape [7], expected [");
  }

  @ParameterizedTest
  @CsvSource({"1e999", "-1e999", "1e5000"})
  void numbersThatAreNoneAreNamed(String number) throws IOException {
    copy(
        "gpt_neox",
        config -> config.putObject("rope_parameters").put("partial_rotary_factor", 0.5),
        Map.of());
    Path config = folder.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"partial_rotary_factor\":0.5", "\"partial_rotary_factor\":" + number));
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(config + ": 'rope_parameters.partial_rotary_factor' is")
        .hasMessageContaining("expected a finite number");
  }

  @Test
  void aLongValueIsQuotedInPart() throws IOException {
    copy("llama", config -> config.put("hidden_act", "\u001b".repeat(600_000)), Map.of());
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("'hidden_act' is \"\\u001B")
        .message()
        .hasSizeLessThan(450);
  }

  @Test
  void sizesBeyondTheFileTakeNoMemory() throws IOException {
    copy("llama", config -> config.put("intermediate_size", 16 << 20), Map.of());
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("mlp.gate_proj.weight' has shape [")
        .hasMessageContaining("expected [16777216, ");
    copy("llama", config -> config.put("num_hidden_layers", 4096), Map.of());
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageContaining("no tensor 'model.layers.");
  }

  @ParameterizedTest
  @CsvSource({
    "model.layers.1.mlp.up_proj.weight, NaN",
    "model.norm.weight, Infinity",
    "lm_head.weight, -Infinity"
  })
  void weightsThatAreNoNumbersAreNamed(String tensor, float value) throws IOException {
    copy("llama", config -> {}, Map.of());
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors golden =
        SafeTensors.open(TestModels.golden("llama").resolve("model.safetensors"))) {
      for (String name : golden.names()) {
        float[] values = golden.floats(name);
        if (name.equals(tensor)) {
          values[values.length - 3] = value;
        }
        writer.add(name, golden.info(name).shape(), values);
      }
    }
    Path file = folder.resolve("model.safetensors");
    writer.write(file);
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .isInstanceOf(PalimpsestException.class)
        .hasMessageStartingWith(file + ": tensor '" + tensor + "' has " + value + " at element ");
  }

  @Test
  void weightsOfAnUnreadableTypeAreNamed() throws IOException {
    copy("llama", config -> {}, Map.of());
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors golden =
        SafeTensors.open(TestModels.golden("llama").resolve("model.safetensors"))) {
      for (String name : golden.names()) {
        int size = golden.floats(name).length;
        writer.add(name, DType.I32, golden.info(name).shape(), new int[size]);
      }
    }
    writer.write(folder.resolve("model.safetensors"));
    assertThatThrownBy(() -> LanguageModel.load(folder))
        .hasMessageContaining("model.embed_tokens.weight' has dtype I32, expected F16, BF16, F32");
  }

  @Test
  void olderConfigurationsMeanTheSame() throws IOException {
    copy(
        "gpt_neox",
        config -> {
          config.remove("rope_parameters");
          config.put("rotary_pct", 0.25).put("rotary_emb_base", 10000);
          config.remove("attention_bias");
        },
        Map.of());
    assertSame("gpt_neox");
    copy(
        "llama_rope3",
        config -> {
          ObjectNode scaling = (ObjectNode) config.remove("rope_parameters");
          config.set("rope_theta", scaling.remove("rope_theta"));
          config.set("rope_scaling", scaling);
        },
        Map.of());
    assertSame("llama_rope3");
    copy(
        "gemma2",
        config -> {
          config.remove("rope_parameters");
          config.remove("layer_types");
          config.remove("tie_word_embeddings");
          config.put("rope_theta", 10000.0);
        },
        Map.of());
    assertSame("gemma2");
    copy(
        "qwen3",
        config -> {
          ObjectNode rope = (ObjectNode) config.remove("rope_parameters");
          config.putObject("rope_parameters").set("full_attention", rope);
        },
        Map.of());
    assertSame("qwen3");
  }

  @Test
  void unprefixedNamesAndUnusedBuffersAreFine() throws IOException {
    copy("gpt2", config -> {}, Map.of());
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors golden =
        SafeTensors.open(TestModels.golden("gpt2").resolve("model.safetensors"))) {
      for (String name : golden.names()) {
        writer.add(
            name.replace("transformer.", ""), golden.info(name).shape(), golden.floats(name));
      }
    }
    writer.add("h.0.attn.bias", new long[] {1, 1, 4, 4}, new float[16]);
    writer.add("h.0.attn.masked_bias", new long[0], new float[] {-1e4f});
    writer.write(folder.resolve("model.safetensors"));
    assertSame("gpt2");
  }

  private void assertSame(String family) {
    TokenBatch batch = TokenBatch.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    try (LanguageModel expected = LanguageModel.load(TestModels.golden(family));
        LanguageModel found = LanguageModel.load(folder);
        Forward one = expected.forward(batch, new HookPlan());
        Forward two = found.forward(batch, new HookPlan())) {
      Tensor a = one.logits();
      Tensor b = two.logits();
      assertThat(Tensors.toArray(b)).as(family).isEqualTo(Tensors.toArray(a));
    }
  }

  private static com.fasterxml.jackson.databind.JsonNode json(String text) {
    try {
      return Json.MAPPER.readTree(text);
    } catch (IOException failure) {
      throw new AssertionError(failure);
    }
  }

  /** Copies a reference model with some changes: tensors replaced, or left out where null. */
  private void copy(String family, Consumer<ObjectNode> edit, Map<String, float[]> changes)
      throws IOException {
    Path golden = TestModels.golden(family);
    ObjectNode config = Json.read(golden.resolve("config.json"), ObjectNode.class);
    edit.accept(config);
    Files.writeString(folder.resolve("config.json"), config.toString());
    SafeTensorsWriter writer = new SafeTensorsWriter();
    try (SafeTensors weights = SafeTensors.open(golden.resolve("model.safetensors"))) {
      for (String name : weights.names()) {
        float[] change = changes.get(name);
        if (change != null) {
          writer.add(name, new long[] {change.length}, change);
        } else if (!changes.containsKey(name)) {
          writer.add(name, weights.info(name).shape(), weights.floats(name));
        }
      }
    }
    writer.write(folder.resolve("model.safetensors"));
  }
}
