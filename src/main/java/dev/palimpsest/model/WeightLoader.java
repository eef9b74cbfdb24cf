package dev.palimpsest.model;

import dev.palimpsest.base.PalimpsestException;
import dev.palimpsest.model.Weights.Block;
import dev.palimpsest.model.Weights.LayerNorm;
import dev.palimpsest.model.Weights.Norm;
import dev.palimpsest.model.Weights.RmsNorm;
import dev.palimpsest.safetensors.TensorReader;
import dev.palimpsest.tensor.Device;
import dev.palimpsest.tensor.Precision;
import dev.palimpsest.tensor.Tensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.ShortPointer;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * Brings a checkpoint's tensors into the one form that {@link Decoder} computes with: projections
 * that read the same input are stacked (each part read straight into its place), GPT-NeoX's
 * interleaved heads are sorted. Tensors that the model does not use (masks, inverse frequencies)
 * are ignored.
 */
final class WeightLoader {
  private final ModelConfig config;
  private final TensorReader reader;
  private final Device device;
  private final Precision precision;
  private final String prefix;
  private final List<Pointer> owned = new ArrayList<>();

  /** Where a matrix lies until it is packed; one for all, so that the heap keeps no gaps. */
  private Optional<Tensor> staging = Optional.empty();

  private WeightLoader(
      ModelConfig config, TensorReader reader, Device device, Precision precision) {
    this.config = config;
    this.device = device;
    this.precision = precision;
    this.reader = reader;
    String full = config.family().prefix();
    this.prefix = reader.names().stream().anyMatch(name -> name.startsWith(full)) ? full : "";
  }

  /**
   * Reads all weights.
   *
   * @param device where they go
   * @param precision what matrices are held in
   * @throws PalimpsestException naming file, tensor, what was found and what was expected
   */
  static Weights load(ModelConfig config, TensorReader reader, Device device, Precision precision) {
    WeightLoader loader = new WeightLoader(config, reader, device, precision);
    try {
      return loader.weights();
    } catch (RuntimeException failure) {
      loader.owned.forEach(Pointer::close);
      throw failure;
    } finally {
      loader.staging.ifPresent(Tensor::close);
    }
  }

  private Weights weights() {
    Optional<Tensor> positions = Optional.empty();
    if (config.family() == Family.GPT2) {
      positions = Optional.of(read(prefix + "wpe.weight", config.maxPositions(), config.width()));
    }
    String embeddingName =
        prefix
            + switch (config.family()) {
              case GPT_NEOX -> "embed_in.weight";
              case GPT2 -> "wte.weight";
              default -> "embed_tokens.weight";
            };
    String finalNorm =
        switch (config.family()) {
          case GPT_NEOX -> "final_layer_norm";
          case GPT2 -> "ln_f";
          default -> "norm";
        };
    String headName = reader.contains("embed_out.weight") ? "embed_out.weight" : "lm_head.weight";
    boolean headAlone = config.tiedHead() && !reader.contains(embeddingName);
    Tensor embedding =
        own(vocabularyMatrix(headAlone && reader.contains(headName) ? headName : embeddingName));
    Head head = head(embedding, headName, headAlone);
    List<Block> blocks = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      String at = prefix + config.family().nameOf(new Hookpoint(layer, Hookpoint.Site.LAYER)) + ".";
      blocks.add(
          switch (config.family()) {
            case GPT_NEOX -> neoxBlock(at);
            case GPT2 -> gpt2Block(at);
            default -> llamaBlock(at);
          });
    }
    return new Weights(
        embedding, positions, List.copyOf(blocks), norm(prefix + finalNorm), head, owned);
  }

  /** Like the reference: a tied head that the file has too, with other numbers, is not tied. */
  private Head head(Tensor embedding, String headName, boolean headAlone) {
    if (config.tiedHead()) {
      if (headAlone || !reader.contains(headName)) {
        return Head.tied(config, embedding, device, precision, owned);
      }
      Tensor stored = vocabularyMatrix(headName);
      if (!stored.equal(embedding)) {
        return Head.untied(config, stored, device, precision, owned);
      }
      stored.close();
      return Head.tied(config, embedding, device, precision, owned);
    }
    long rows = config.vocabularySize();
    long width = config.width();
    reader.expectShape(headName, rows, width);
    Tensor stored = filled(unpacked(rows, width), headName, rows, width);
    return Head.untied(config, device.place(stored), device, precision, owned);
  }

  private Block neoxBlock(String at) {
    String attention = at + "attention.";
    String mlp = at + "mlp.";
    return new Block(
        norm(at + "input_layernorm"),
        neoxQueryKeyValue(attention + "query_key_value"),
        Optional.empty(),
        Optional.empty(),
        linear(
            config.attentionOutputBias(), config.queryWidth(), config.width(), attention + "dense"),
        Optional.empty(),
        norm(at + "post_attention_layernorm"),
        linear(config.mlpBias(), config.width(), config.innerWidth(), mlp + "dense_h_to_4h"),
        linear(config.mlpBias(), config.innerWidth(), config.width(), mlp + "dense_4h_to_h"),
        Optional.empty());
  }

  private Block gpt2Block(String at) {
    int width = config.width();
    return new Block(
        norm(at + "ln_1"),
        transposed(width, 3 * width, at + "attn.c_attn"),
        Optional.empty(),
        Optional.empty(),
        transposed(width, width, at + "attn.c_proj"),
        Optional.empty(),
        norm(at + "ln_2"),
        transposed(width, config.innerWidth(), at + "mlp.c_fc"),
        transposed(config.innerWidth(), width, at + "mlp.c_proj"),
        Optional.empty());
  }

  private Block llamaBlock(String at) {
    int width = config.width();
    int inner = config.innerWidth();
    String attention = at + "self_attn.";
    String mlp = at + "mlp.";
    boolean gemma = config.family() == Family.GEMMA2;
    boolean headNorms = config.family() == Family.QWEN3;
    return new Block(
        norm(at + "input_layernorm"),
        stacked(
            config.queryKeyValueBias(),
            width,
            List.of(attention + "q_proj", attention + "k_proj", attention + "v_proj"),
            List.of(config.queryWidth(), config.keyValueWidth(), config.keyValueWidth())),
        headNorms
            ? Optional.of(rmsNorm(attention + "q_norm", config.headWidth()))
            : Optional.empty(),
        headNorms
            ? Optional.of(rmsNorm(attention + "k_norm", config.headWidth()))
            : Optional.empty(),
        linear(config.attentionOutputBias(), config.queryWidth(), width, attention + "o_proj"),
        gemma ? Optional.of(norm(at + "post_attention_layernorm")) : Optional.empty(),
        norm(at + (gemma ? "pre_feedforward_layernorm" : "post_attention_layernorm")),
        stacked(
            config.mlpBias(),
            width,
            List.of(mlp + "gate_proj", mlp + "up_proj"),
            List.of(inner, inner)),
        linear(config.mlpBias(), inner, width, mlp + "down_proj"),
        gemma ? Optional.of(norm(at + "post_feedforward_layernorm")) : Optional.empty());
  }

  private Norm norm(String name) {
    return config.family().norms() == Family.Norms.LAYER
        ? new LayerNorm(
            new long[] {config.width()},
            optional(vector(name + ".weight", config.width())),
            optional(vector(name + ".bias", config.width())),
            config.normEpsilon())
        : rmsNorm(name, config.width());
  }

  private RmsNorm rmsNorm(String name, int width) {
    Tensor weight = vector(name + ".weight", width);
    if (config.family().norms() == Family.Norms.RMS_PLUS_ONE) {
      try (Scalar one = new Scalar(1.0)) {
        weight.add_(one);
      }
    }
    return new RmsNorm(
        new long[] {width}, optional(weight), ownNew(new DoubleOptional(config.normEpsilon())));
  }

  private Linear linear(boolean bias, int in, int out, String name) {
    return stacked(bias, in, List.of(name), List.of(out));
  }

  /** Projections of one input, as one matrix: the parts' rows one after the other. */
  private Linear stacked(boolean bias, int in, List<String> names, List<Integer> outs) {
    // Before memory is taken: what config.json says must be what the file has.
    for (int i = 0; i < names.size(); i++) {
      reader.expectShape(names.get(i) + ".weight", outs.get(i), in);
    }
    int out = outs.stream().mapToInt(Integer::intValue).sum();
    Tensor weight = unpacked(out, in);
    Optional<Tensor> biases =
        bias ? Optional.of(Tensors.empty(torch.ScalarType.Float, out)) : Optional.empty();
    try {
      fill(weight, biases, in, names, outs);
    } catch (RuntimeException failure) {
      weight.close();
      biases.ifPresent(Tensor::close);
      throw failure;
    }
    return Linear.of(device, precision, weight, false, biases, owned);
  }

  private void fill(
      Tensor weight, Optional<Tensor> biases, int in, List<String> names, List<Integer> outs) {
    long row = 0;
    for (int i = 0; i < names.size(); i++) {
      readInto(names.get(i) + ".weight", weight, row * in, outs.get(i), in);
      if (biases.isPresent()) {
        readInto(names.get(i) + ".bias", biases.get(), row, outs.get(i));
      }
      row += outs.get(i);
    }
  }

  private void readInto(String name, Tensor target, long offset, long... shape) {
    reader.expectShape(name, shape);
    if (Tensors.isBfloat16(target)) {
      reader.readBfloat16(name, new ShortPointer(target.data_ptr()).position(offset));
    } else {
      FloatPointer pointer = target.data_ptr_float();
      reader.readFloats(name, pointer.position(offset));
    }
  }

  /** GPT-2 stores [in, out]. */
  private Linear transposed(int in, int out, String name) {
    return Linear.of(
        device,
        precision,
        filled(unpacked(in, out), name + ".weight", in, out),
        true,
        Optional.of(onHost(torch.ScalarType.Float, name + ".bias", out)),
        owned);
  }

  /**
   * GPT-NeoX stores rows as [head][query, key, value][channel]; here they are sorted by query, key,
   * value first.
   */
  private Linear neoxQueryKeyValue(String name) {
    long width = config.width();
    Tensor weight =
        headsSorted(filled(unpacked(3 * width, width), name + ".weight", 3 * width, width), width);
    Optional<Tensor> bias =
        config.queryKeyValueBias()
            ? Optional.of(headsSorted(onHost(torch.ScalarType.Float, name + ".bias", 3 * width), 1))
            : Optional.empty();
    return Linear.of(device, precision, weight, false, bias, owned);
  }

  private Tensor headsSorted(Tensor interleaved, long columns) {
    try (PointerScope scope = new PointerScope();
        interleaved) {
      return Tensors.keep(
          interleaved
              .view(config.heads(), 3, config.headWidth() * columns)
              .transpose(0, 1)
              .reshape(interleaved.shape()));
    }
  }

  private Tensor vocabularyMatrix(String name) {
    return device.place(onHost(matrixType(), name, config.vocabularySize(), config.width()));
  }

  private torch.ScalarType matrixType() {
    return precision == Precision.BF16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float;
  }

  private Tensor vector(String name, long length) {
    return read(name, length);
  }

  private Tensor read(String name, long... shape) {
    return own(device.place(onHost(torch.ScalarType.Float, name, shape)));
  }

  private Tensor onHost(torch.ScalarType type, String name, long... shape) {
    reader.expectShape(name, shape);
    return filled(Tensors.empty(type, shape), name, shape);
  }

  /** Room for a matrix that will be packed or, elsewhere than on the host, placed. */
  private Tensor unpacked(long rows, long columns) {
    if (!device.isHost()) {
      return Tensors.empty(matrixType(), rows, columns);
    }
    long bytes =
        Math.multiplyExact(rows * columns, precision == Precision.BF16 ? Short.BYTES : Float.BYTES);
    if (staging.isEmpty() || staging.get().numel() < bytes) {
      staging.ifPresent(Tensor::close);
      staging = Optional.of(Tensors.empty(torch.ScalarType.Byte, bytes));
    }
    try (PointerScope scope = new PointerScope()) {
      return Tensors.keep(staging.get().narrow(0, 0, bytes).view(matrixType()).view(rows, columns));
    }
  }

  private Tensor filled(Tensor tensor, String name, long... shape) {
    try {
      readInto(name, tensor, 0, shape);
    } catch (RuntimeException failure) {
      tensor.close();
      throw failure;
    }
    return tensor;
  }

  private TensorOptional optional(Tensor tensor) {
    return ownNew(new TensorOptional(tensor));
  }

  /** Takes over what already lives outside any {@link PointerScope}. */
  private Tensor own(Tensor tensor) {
    owned.add(tensor);
    return tensor;
  }

  /** Takes over what was just made, and would die with a scope of the caller's. */
  private <P extends Pointer> P ownNew(P pointer) {
    pointer.retainReference();
    owned.add(pointer);
    return pointer;
  }
}
