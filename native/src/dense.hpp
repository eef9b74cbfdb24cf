// Packing for the tile kernel, and the two small dense products of the skip connection.
#ifndef PALIMPSEST_DENSE_HPP
#define PALIMPSEST_DENSE_HPP

#include "runtime.hpp"

namespace palimpsest {

// Rows are packed in blocks of kTileRows, each [depth, kTileRows], zero-padded; a block is packed_block(depth) long.
constexpr int64_t packed_block(int64_t depth) { return depth * kTileRows; }
constexpr int64_t packed_rows(int64_t rows, int64_t depth) {
  return ceil_div(rows, kTileRows) * packed_block(depth);
}

// x [rows, depth] less centre [depth] (NULL: none), packed.
void pack_rows(const float* x, const float* centre, int64_t rows, int64_t depth, float* packed);

// Rows are taken in chunks of this many, so that workspaces stay small however long a batch is.
constexpr int64_t kRowChunk = 256 * kTileRows;

// out [rows, width] += x W_skip^T.
size_t add_skip_workspace(int64_t width, int64_t rows, int thread_count);
void add_skip(const float* skip, const float* x, int64_t rows, int64_t width, float* out, void* workspace,
              int thread_count);

// out [width, width] = grad^T x, or added to it.
size_t skip_gradient_workspace(int64_t width, int64_t rows, int thread_count);
void skip_gradient(const float* grad, const float* x, int64_t rows, int64_t width, bool accumulate, float* out,
                   void* workspace, int thread_count);

} // namespace palimpsest

#endif
