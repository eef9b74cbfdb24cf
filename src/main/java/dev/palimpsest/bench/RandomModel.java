package dev.palimpsest.bench;

import dev.palimpsest.base.AtomicFiles;
import dev.palimpsest.base.Json;
import dev.palimpsest.base.Seeds;
import dev.palimpsest.safetensors.SafeTensorsWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A language model of a real one's shape with random weights, in Hugging Face's layout: as slow as
 * the real one, and made without a download. Beside it {@code tokens.bin}, ids to run it on.
 */
public final class RandomModel {
  /** The name of the token file: unsigned 16-bit ids, documents separated by id 0. */
  public static final String TOKENS = "tokens.bin";

  /** Standard deviation of GPT-NeoX's initial weights. */
  private static final double DEVIATION = 0.02;

  private static final int END_OF_TEXT = 0;
  private static final int LONGEST_DOCUMENT = 1200;

  private final PythiaShape shape;
  private final SafeTensorsWriter writer = new SafeTensorsWriter();

  private RandomModel(PythiaShape shape) {
    this.shape = shape;
  }

  /**
   * Writes {@code config.json}, {@code model.safetensors} (float32) and {@link #TOKENS}.
   *
   * @param folder made if missing
   * @param tokens ids to write
   * @param seed the same seed gives the same files
   */
  public static void write(Path folder, PythiaShape shape, int tokens, long seed) {
    AtomicFiles.writeString(folder.resolve("config.json"), Json.pretty(config(shape)));
    torch.manual_seed(seed);
    try (PointerScope scope = new PointerScope()) {
      new RandomModel(shape).weights().write(folder.resolve("model.safetensors"));
    }
    AtomicFiles.writeBytes(folder.resolve(TOKENS), tokens(tokens, seed));
  }

  private static Map<String, Object> config(PythiaShape shape) {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("GPTNeoXForCausalLM"));
    config.put("model_type", "gpt_neox");
    config.put("vocab_size", PythiaShape.VOCABULARY);
    config.put("hidden_size", shape.width());
    config.put("num_hidden_layers", shape.layers());
    config.put("num_attention_heads", shape.heads());
    config.put("intermediate_size", shape.innerWidth());
    config.put("max_position_embeddings", PythiaShape.CONTEXT);
    config.put("hidden_act", "gelu");
    config.put("layer_norm_eps", 1e-5);
    config.put("rotary_pct", 0.25);
    config.put("rotary_emb_base", 10_000);
    config.put("use_parallel_residual", true);
    config.put("tie_word_embeddings", false);
    config.put("attention_bias", true);
    config.put("bos_token_id", END_OF_TEXT);
    config.put("eos_token_id", END_OF_TEXT);
    config.put("torch_dtype", "float32");
    return config;
  }

  private SafeTensorsWriter weights() {
    int d = shape.width();
    matrix("gpt_neox.embed_in", PythiaShape.VOCABULARY, d);
    for (int layer = 0; layer < shape.layers(); layer++) {
      String block = "gpt_neox.layers." + layer + ".";
      norm(block + "input_layernorm");
      norm(block + "post_attention_layernorm");
      linear(block + "attention.query_key_value", 3L * d, d);
      linear(block + "attention.dense", d, d);
      linear(block + "mlp.dense_h_to_4h", shape.innerWidth(), d);
      linear(block + "mlp.dense_4h_to_h", d, shape.innerWidth());
    }
    norm("gpt_neox.final_layer_norm");
    matrix("embed_out", PythiaShape.VOCABULARY, d);
    return writer;
  }

  private void matrix(String name, long rows, long columns) {
    Tensor weight = torch.randn(rows, columns).mul_(new Scalar(DEVIATION));
    writer.add(name + ".weight", weight);
  }

  private void linear(String name, long rows, long columns) {
    matrix(name, rows, columns);
    writer.add(name + ".bias", torch.zeros(rows));
  }

  private void norm(String name) {
    writer.add(name + ".weight", torch.ones(shape.width()));
    writer.add(name + ".bias", torch.zeros(shape.width()));
  }

  /** Documents of random length whose ids have Zipf-like frequencies. */
  private static byte[] tokens(int count, long seed) {
    SplittableRandom random = Seeds.stream(seed, "bench.tokens");
    ByteBuffer bytes = ByteBuffer.allocate(count * Short.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    double log = Math.log(PythiaShape.VOCABULARY);
    int untilEnd = random.nextInt(LONGEST_DOCUMENT);
    for (int i = 0; i < count; i++) {
      int id = (int) Math.exp(random.nextDouble() * log);
      bytes.putShort((short) (untilEnd == 0 ? END_OF_TEXT : id));
      untilEnd = untilEnd == 0 ? random.nextInt(LONGEST_DOCUMENT) : untilEnd - 1;
    }
    return bytes.array();
  }
}
