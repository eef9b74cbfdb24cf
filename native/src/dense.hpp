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

// The precisions of a language model's products. Up to kTileRows rows are packed as [depth][count], columns as panels
// [ceil(out / kTileColumns)][depth, kTileColumns] of Numbers; sums are floats.
struct Fp32 {
  using Number = float;
  static int64_t depth(int64_t in) { return in; }
  static void pack(const Kernels& kernel, const float* x, int64_t count, int64_t in, Number* rows);
  static void tile(const Kernels& kernel, const Number* rows, int64_t count, const Number* columns, int64_t in,
                   const float* bias, float* out, int64_t stride);
};
struct Bf16 {
  using Number = uint32_t; // a pair
  static int64_t depth(int64_t in) { return ceil_div(in, 2); }
  static void pack(const Kernels& kernel, const float* x, int64_t count, int64_t in, Number* rows);
  static void tile(const Kernels& kernel, const Number* rows, int64_t count, const Number* columns, int64_t in,
                   const float* bias, float* out, int64_t stride);
};

// y [rows, out] = x [rows, in] W^T + bias (NULL: none), W packed. The workspace serves log_sum_exp too.
template <class P>
size_t linear_workspace(int64_t rows, int64_t in, int thread_count);
template <class P>
void linear(const typename P::Number* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out,
            float* y, void* workspace, int thread_count);

// lse [rows], the logarithm of the sum over o of e^y[r, o], y as above.
template <class P>
void log_sum_exp(const typename P::Number* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                 int64_t out, float* lse, void* workspace, int thread_count);

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
