// Dense products over the tile kernel: a language model's layers, and the two of the skip connection.
#ifndef PALIMPSEST_DENSE_HPP
#define PALIMPSEST_DENSE_HPP

#include <algorithm>

#include "runtime.hpp"

namespace palimpsest {

// The rows of a tile: x, x + stride, ... Where there are fewer than kTileRows, the last stands in for the rest, whose
// results nobody reads.
struct TileRows {
  const float* at[kTileRows];
  TileRows(const float* x, int64_t stride, int64_t count) {
    for (int64_t i = 0; i < kTileRows; ++i) at[i] = x + std::min(i, count - 1) * stride;
  }
};

// y [rows, out] = x [rows, in] W^T + bias (NULL: none), W packed in panels [ceil(out / kTileColumns)][in, kTileColumns].
void linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out, float* y,
            int thread_count);

// lse [rows], the logarithm of the sum over o of e^y[r, o], y as above.
void log_sum_exp(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out,
                 float* lse, int thread_count);

// out [rows, width] += x W_skip^T.
size_t add_skip_workspace(int64_t width, int thread_count);
void add_skip(const float* skip, const float* x, int64_t rows, int64_t width, float* out, void* workspace,
              int thread_count);

// out [width, width] = grad^T x, or added to it.
size_t skip_gradient_workspace(int64_t rows, int thread_count);
void skip_gradient(const float* grad, const float* x, int64_t rows, int64_t width, bool accumulate, float* out,
                   void* workspace, int thread_count);

} // namespace palimpsest

#endif
