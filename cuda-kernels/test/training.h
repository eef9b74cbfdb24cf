/* training.h - gradient and state arrays of a whole coder, for the tests of the backward pass and the step. */
#pragma once

#include <cmath>
#include <optional>

#include "reference.h"

namespace pal::test {

/* The five arrays of a pal_gradients. */
struct GradientArrays {
  Array<float> encoder, encoder_bias, decoder, decoder_bias, skip;

  explicit GradientArrays(const CoderShape& s)
      : encoder(s.latents * s.width), encoder_bias(s.latents), decoder(s.latents * s.width), decoder_bias(s.width),
        skip(s.skip ? s.width * s.width : 0) {}

  pal_gradients view(const CoderShape& s) const {
    return {encoder.get(), encoder_bias.get(), decoder.get(), decoder_bias.get(), s.skip ? skip.get() : nullptr};
  }
  void fill(const CoderShape& s, Random& random, double scale, bool positive) {
    const auto make = [&](const Array<float>& array) {
      auto content = normal_floats(random, array.count(), scale);
      for (float& value : content) value = positive ? std::fabs(value) : value;
      return content;
    };
    encoder.upload(make(encoder));
    encoder_bias.upload(make(encoder_bias));
    decoder.upload(make(decoder));
    decoder_bias.upload(make(decoder_bias));
    if (s.skip) skip.upload(make(skip));
  }
  void append(std::vector<unsigned char>& bytes) const {
    for (const Array<float>* array : {&encoder, &encoder_bias, &decoder, &decoder_bias, &skip}) append_bytes(bytes, array->download());
  }
};

struct TrainingShape {
  int64_t rows, width, latents, k;
  bool skip, centre, heavy_tail;
};
/*
 * Odd and even widths, one latent, k = M, no rows, latents hit by every row (pieces of 512 hits), wide rows; at 6144 the two
 * gradient rows of the fused step fill the 48 KB that a launch gets without asking, at 6148 they do not fit.
 */
constexpr TrainingShape kTrainingShapes[] = {
    {1, 1, 1, 1, false, false, false}, {3, 5, 7, 3, true, true, false},   {40, 12, 9, 9, false, true, true},
    {0, 8, 5, 2, true, true, false},   {700, 4, 1, 1, false, true, true}, {650, 7, 40, 5, true, false, true},
    {4, 1100, 30, 6, false, true, false}, {30, 64, 300, 8, true, false, true},
    {3, 6144, 4, 2, false, true, false},  {2, 6148, 3, 1, false, false, false}};

/* A batch on the device. */
struct TestBatch {
  std::vector<float> host_x, host_grad;
  Sparse sparse;
  Array<float> x, grad, values;
  Array<int32_t> indices;

  TestBatch(const TrainingShape& s, Random& random)
      : host_x(normal_floats(random, s.rows * s.width)), host_grad(normal_floats(random, s.rows * s.width)),
        sparse(random_sparse(random, s.rows, s.k, s.latents, s.heavy_tail)), x(host_x), grad(host_grad), values(sparse.values),
        indices(sparse.indices) {}
};

}  // namespace pal::test
