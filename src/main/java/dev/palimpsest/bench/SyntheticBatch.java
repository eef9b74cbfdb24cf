package dev.palimpsest.bench;

import dev.palimpsest.tensor.Tensors;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/**
 * A batch that looks like a hooked activation to a coder that has learned something, unlike noise
 * or zeros: every row is a sum of some encoder directions, used with Zipf-like frequencies and
 * log-normal strengths, over a heavy-tailed floor in which a few coordinates are much larger than
 * the rest.
 */
final class SyntheticBatch {
  private static final long DIRECTIONS = 40;
  private static final double FLOOR = 0.3;
  private static final double OUTLIER = 8;
  private static final long OUTLIER_EVERY = 97;

  /** Knuth's multiplicative hash: neighbouring ranks get distant latents. */
  private static final long SPREAD = 2_654_435_761L;

  private SyntheticBatch() {}

  /**
   * @param encoder W_enc [M, d], the directions of the inputs
   * @param seed of libtorch's generator
   */
  static BenchBatch of(Tensor encoder, BenchShape shape, long seed) {
    torch.manual_seed(seed);
    try (PointerScope scope = new PointerScope()) {
      Tensor directions = used(shape);
      Tensor strengths = logNormal(shape.batch(), DIRECTIONS);
      Tensor floor = logNormal(shape.batch(), shape.width()).mul(normal(shape)).mul(scalar(FLOOR));
      for (long column = 5; column < shape.width(); column += OUTLIER_EVERY) {
        floor.select(1, column).mul_(scalar(OUTLIER));
      }
      Tensor unit =
          encoder.div(
              encoder.pow(scalar(2)).sum(new long[] {1}, true, new ScalarTypeOptional()).sqrt());
      Tensor inputs = mixture(directions, unit, strengths).add_(floor).contiguous();
      Tensor outputs = torch.randn_like(encoder).div_(scalar(Math.sqrt(shape.width())));
      Tensor targets = mixture(directions, outputs, strengths).add_(floor).contiguous();
      return new BenchBatch(Tensors.keep(inputs), Tensors.keep(targets));
    }
  }

  /** Latents [B, DIRECTIONS]: some far more often than others, spread over all numbers. */
  private static Tensor used(BenchShape shape) {
    double log = Math.log(shape.latents());
    return torch
        .rand(shape.batch(), DIRECTIONS)
        .mul_(scalar(log))
        .exp_()
        .to(torch.ScalarType.Long)
        .mul_(scalar(SPREAD))
        .remainder_(scalar(shape.latents()));
  }

  private static Tensor mixture(Tensor directions, Tensor rows, Tensor strengths) {
    return torch
        .embedding_bag(
            rows,
            directions.flatten(),
            torch.arange(
                scalar(0),
                scalar(directions.numel()),
                scalar(DIRECTIONS),
                rows.options().dtype(longs())),
            false,
            0,
            false,
            new TensorOptional(strengths.flatten()),
            false)
        .get0();
  }

  private static ScalarTypeOptional longs() {
    return new ScalarTypeOptional(torch.ScalarType.Long);
  }

  private static Tensor logNormal(long rows, long columns) {
    return torch.randn(rows, columns).exp_();
  }

  private static Tensor normal(BenchShape shape) {
    return torch.randn(shape.batch(), shape.width());
  }

  private static Scalar scalar(double value) {
    return new Scalar(value);
  }

  private static Scalar scalar(long value) {
    return new Scalar(value);
  }
}
