// Exact top-k (or groupmax) of relu(W_enc (x - c) + b_enc) without ever holding rows x latents.
#ifndef PALIMPSEST_ENCODE_HPP
#define PALIMPSEST_ENCODE_HPP

#include "runtime.hpp"

namespace palimpsest {

struct EncodeJob {
  const float* encoder;      // [latents, width]
  const float* encoder_bias; // [latents]
  const float* centre;       // [width] or NULL
  const float* x;            // [rows, width]
  int64_t width, latents, rows, k;
  bool groups;
  float* values;    // [rows, k]
  int32_t* indices; // [rows, k]
};

size_t encode_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, int thread_count);
void encode(const EncodeJob& job, void* workspace, int thread_count);

} // namespace palimpsest

#endif
