/*
 * inputs.h - what the bench works on: activations made of few features out of many, drawn by a Zipf-like law, and a coder
 * whose latents look for such features. So a few latents are hit by a large share of the rows and many by none, as with
 * trained coders; random numbers alone would spread the hits evenly. Which latents are the frequent ones is scattered over all M:
 * neighbours would share groups of the selection. Or real data from a file.
 *
 * File format (little-endian): 8 bytes "PALRAW1\n"; int64 rows, width, latents, k; then float32 arrays x [rows, width],
 * y [rows, width], encoder [latents, width], encoder_bias [latents], decoder [latents, width], decoder_bias [width].
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "timing.h"

namespace pal::bench {

constexpr int kSets = 3; /* of inputs, taken in turn */

struct Shape {
  int64_t rows, width, latents, k;
  std::string text() const;
};

/* The arrays of a pal_gradients, set to zero on `stream`. */
struct Gradients {
  Buffer<float> encoder, encoder_bias, decoder, decoder_bias;
  Gradients(const Shape& s, cudaStream_t stream);
  pal_gradients view() const { return {encoder.get(), encoder_bias.get(), decoder.get(), decoder_bias.get(), nullptr}; }
};

struct Inputs {
  Shape shape;
  std::vector<std::unique_ptr<Buffer<float>>> x, y; /* kSets each */
  Buffer<float> encoder, encoder_bias, decoder, decoder_bias;
  Buffer<unsigned char> operands;
  pal_coder coder{};

  /* Made up on the device. */
  Inputs(const Shape& shape, cudaStream_t stream);
  /* From a file, its rows repeated up to `rows`. */
  Inputs(const std::string& path, int64_t rows, cudaStream_t stream);

  const float* x_of(int i) const { return x[static_cast<size_t>(i % kSets)]->get(); }
  const float* y_of(int i) const { return y[static_cast<size_t>(i % kSets)]->get(); }

 private:
  Inputs(const Shape& shape, int);
  void finish(cudaStream_t stream);
};

}  // namespace pal::bench
