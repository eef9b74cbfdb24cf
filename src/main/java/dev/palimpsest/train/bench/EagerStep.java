package dev.palimpsest.train.bench;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * A transcoder's training step as sparsify performs it on a CPU, operation by operation: linear,
 * relu, topk; embedding_bag and its autograd for the decoder; an outer product and index_add for
 * the encoder; torch.optim.Adam's sequence for each parameter. The yardstick, not a product.
 */
final class EagerStep implements AutoCloseable {
  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  /** A parameter with Adam's two moments. */
  private record Parameter(Tensor value, Tensor first, Tensor second) implements AutoCloseable {
    static Parameter of(Tensor value) {
      return new Parameter(value, torch.zeros_like(value), torch.zeros_like(value));
    }

    @Override
    public void close() {
      value.close();
      first.close();
      second.close();
    }
  }

  private final int k;
  private final double learningRate;
  private final Parameter encoder;
  private final Parameter encoderBias;
  private final Parameter decoder;
  private final Parameter decoderBias;
  private final Tensor offsets;
  private long step;

  /** Takes copies of the parameters: W_enc [M, d], b_enc [M], W_dec [M, d], b_dec [d]. */
  EagerStep(
      BenchShape shape,
      double learningRate,
      Tensor encoder,
      Tensor encoderBias,
      Tensor decoder,
      Tensor decoderBias) {
    this.k = shape.k();
    this.learningRate = learningRate;
    this.encoder = Parameter.of(encoder.clone());
    this.encoderBias = Parameter.of(encoderBias.clone());
    this.decoder = Parameter.of(decoder.clone());
    this.decoderBias = Parameter.of(decoderBias.clone());
    try (Tensor onHost =
        torch.arange(new Scalar((long) shape.batch())).mul_(new Scalar((long) shape.k()))) {
      this.offsets = onHost.to(encoder.device(), torch.ScalarType.Long);
    }
  }

  /** One step; returns the batch's FVU. */
  double run(Tensor x, Tensor y) {
    step++;
    try (PointerScope scope = new PointerScope()) {
      Tensor activations =
          torch.relu(torch.linear(x, encoder.value(), new TensorOptional(encoderBias.value())));
      T_TensorTensor_T top = torch.topk(activations, k, -1, true, false);
      Tensor indices = top.get1().flatten();

      Tensor values = top.get0().detach().set_requires_grad(true);
      Tensor rows = decoder.value().detach().set_requires_grad(true);
      Tensor bias = decoderBias.value().detach().set_requires_grad(true);
      Tensor output =
          torch
              .embedding_bag(
                  rows,
                  indices,
                  offsets,
                  false,
                  0,
                  false,
                  new TensorOptional(values.flatten()),
                  false)
              .get0()
              .add(bias);
      Tensor error = y.sub(output);
      Tensor variance = y.sub(y.mean(new long[] {0}, true, none())).pow(new Scalar(2)).sum();
      Tensor fvu = error.pow(new Scalar(2)).sum().div(variance);
      fvu.backward();

      Tensor dz = values.grad();
      Tensor contributions = dz.unsqueeze(2).mul(x.unsqueeze(1)).reshape(-1, x.size(1));
      Tensor encoderGradient =
          torch.zeros_like(encoder.value()).index_add_(0, indices, contributions);
      Tensor biasGradient =
          torch.zeros_like(encoderBias.value()).index_add_(0, indices, dz.flatten());

      adam(encoder, encoderGradient);
      adam(encoderBias, biasGradient);
      adam(decoder, rows.grad());
      adam(decoderBias, bias.grad());
      return fvu.item_double();
    }
  }

  private static ScalarTypeOptional none() {
    return new ScalarTypeOptional();
  }

  /** torch.optim.Adam, not fused: seven passes over memory. */
  private void adam(Parameter p, Tensor gradient) {
    double correction1 = 1 - Math.pow(BETA1, (double) step);
    double correction2 = Math.sqrt(1 - Math.pow(BETA2, (double) step));
    p.first().lerp_(gradient, new Scalar(1 - BETA1));
    p.second().mul_(new Scalar(BETA2)).addcmul_(gradient, gradient, new Scalar(1 - BETA2));
    Tensor denominator = p.second().sqrt().div(new Scalar(correction2)).add_(new Scalar(EPSILON));
    p.value().addcdiv_(p.first(), denominator, new Scalar(-learningRate / correction1));
  }

  @Override
  public void close() {
    List.of(encoder, encoderBias, decoder, decoderBias).forEach(Parameter::close);
    offsets.close();
  }
}
