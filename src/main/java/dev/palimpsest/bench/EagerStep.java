package dev.palimpsest.bench;

import dev.palimpsest.base.UsageException;
import dev.palimpsest.coder.SparseCoder;
import dev.palimpsest.tensor.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
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
  private final Optional<Parameter> skip;
  private final List<Parameter> all = new ArrayList<>();
  private long step;

  /** Starts from copies of a transcoder's parameters. */
  EagerStep(SparseCoder coder, Device device, double learningRate) {
    if (!coder.config().transcode()) {
      throw new UsageException("benchmarks of training need a transcoder, found an autoencoder");
    }
    long latents = coder.config().numLatents();
    long width = coder.config().width();
    this.k = coder.config().k();
    this.learningRate = learningRate;
    this.encoder = copy(device, coder.encoder(), latents, width);
    this.encoderBias = copy(device, coder.encoderBias(), latents);
    this.decoder = copy(device, coder.decoder(), latents, width);
    this.decoderBias = copy(device, coder.decoderBias(), width);
    this.skip = coder.skip().map(weights -> copy(device, weights, width, width));
  }

  private Parameter copy(Device device, FloatPointer values, long... shape) {
    try (Tensor view = device.view(values, shape)) {
      Parameter parameter = Parameter.of(view.clone());
      all.add(parameter);
      return parameter;
    }
  }

  /**
   * Steps on the same batch, none of which waits for the one before.
   *
   * @return the batch's FVU in the last of them, which is waited for
   */
  double run(Tensor x, Tensor y, int count) {
    for (int more = count - 1; more > 0; more--) {
      try (PointerScope scope = new PointerScope()) {
        step(x, y);
      }
    }
    try (PointerScope scope = new PointerScope()) {
      return step(x, y).item_double();
    }
  }

  /** One step; returns the batch's FVU, in the caller's scope. */
  private Tensor step(Tensor x, Tensor y) {
    step++;
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
                offsets(indices),
                false,
                0,
                false,
                new TensorOptional(values.flatten()),
                false)
            .get0()
            .add(bias);
    Optional<Tensor> through = skip.map(p -> p.value().detach().set_requires_grad(true));
    if (through.isPresent()) {
      output = output.add(torch.linear(x, through.get()));
    }
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
    skip.ifPresent(parameter -> adam(parameter, through.orElseThrow().grad()));
    return fvu;
  }

  /** Where each row's k entries begin, on the device of the indices. */
  private Tensor offsets(Tensor indices) {
    return torch
        .arange(new Scalar(indices.numel() / k))
        .mul_(new Scalar((long) k))
        .to(indices.device(), torch.ScalarType.Long);
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
    all.forEach(Parameter::close);
  }
}
