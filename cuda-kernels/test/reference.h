/*
 * reference.h - slow, obviously right double-precision versions of the contract's formulas, and a coder to run them on.
 */
#pragma once

#include <memory>
#include <vector>

#include "harness.h"
#include "pack.cuh"

namespace pal::test {

/* As the bf16 operands hold it. */
double rounded_to_bf16(double value);
std::vector<bf16> as_bf16(const std::vector<float>& numbers);
float as_float(bf16 number);

struct CoderShape {
  int64_t width;
  int64_t latents;
  bool skip = false;
  bool centre = false;
  bool bf16 = false;
};

/* A coder's parameters on the host and on the device. */
struct TestCoder {
  CoderShape shape;
  std::vector<float> encoder, encoder_bias, decoder, decoder_bias, skip;
  std::unique_ptr<Array<float>> device_encoder, device_encoder_bias, device_decoder, device_decoder_bias, device_skip;
  std::unique_ptr<Array<unsigned char>> operands;
  pal_coder coder{};

  /* Normally distributed weights. */
  TestCoder(const CoderShape& shape, Random& random);
  /* Copies the host's parameters to the device and refreshes the operands. */
  void upload();

  /* The weight as the forward pass sees it. */
  double encoder_at(int64_t latent, int64_t column) const { return seen(encoder[latent * shape.width + column]); }
  double encoder_bias_at(int64_t latent) const { return seen(encoder_bias[latent]); }
  double decoder_at(int64_t latent, int64_t column) const { return seen(decoder[latent * shape.width + column]); }
  double input_at(const std::vector<float>& x, int64_t row, int64_t column) const {
    const float centred = shape.centre ? x[row * shape.width + column] - decoder_bias[column] : x[row * shape.width + column];
    return seen(centred);
  }

 private:
  double seen(float value) const { return shape.bf16 ? rounded_to_bf16(value) : value; }
};

struct Sparse {
  std::vector<float> values;
  std::vector<int32_t> indices;
};

/* W_enc (x - c) + b_enc of one row in double precision. */
std::vector<double> reference_preactivations(const TestCoder& coder, const std::vector<float>& x, int64_t row);

/* The contract's selection from one row of pre-activations. */
void reference_select(const std::vector<double>& activations, int64_t k, pal_activation activation, double* values,
                      int32_t* indices);

/* [rows, d] */
std::vector<double> reference_decode(const TestCoder& coder, const std::vector<float>& x, const Sparse& sparse, int64_t rows,
                                     int64_t k);

struct Gradients {
  std::vector<double> encoder, encoder_bias, decoder, decoder_bias, skip;
};
/* pal_backward's formulas; dz uses the decoder as the forward pass sees it. */
Gradients reference_backward(const TestCoder& coder, const std::vector<float>& x, const std::vector<float>& grad,
                             const Sparse& sparse, int64_t rows, int64_t k);

/* Random latents for each row: Zipf-like, so that a few are hit by nearly every row; some slots have value 0. */
Sparse random_sparse(Random& random, int64_t rows, int64_t k, int64_t latents, bool heavy_tail);

}  // namespace pal::test
