#include "dense.hpp"

#include <algorithm>

namespace palimpsest {
namespace {

// Columns of the right-hand side, packed per thread, and all packed rows of the left-hand side.
struct ProductSpace {
  float* rows;
  float* columns;
  int64_t columns_per_thread;

  ProductSpace(Arena& arena, int64_t row_count, int64_t depth, int thread_count)
      : rows(arena.take<float>(packed_rows(row_count, depth))),
        columns(arena.take<float>(depth * kTileColumns * thread_count)), columns_per_thread(depth * kTileColumns) {}
};

size_t product_bytes(int64_t rows, int64_t depth, int thread_count) {
  Arena arena(nullptr);
  ProductSpace(arena, rows, depth, thread_count);
  return arena.used();
}

} // namespace

void pack_rows(const float* x, const float* centre, int64_t rows, int64_t depth, float* packed) {
  for_each_item(threads(), ceil_div(rows, kTileRows), [&](int, int64_t block) {
    float* out = packed + block * packed_block(depth);
    for (int64_t i = 0; i < kTileRows; ++i) {
      const int64_t r = block * kTileRows + i;
      if (r >= rows) {
        for (int64_t p = 0; p < depth; ++p) out[p * kTileRows + i] = 0.0f;
      } else if (centre) {
        for (int64_t p = 0; p < depth; ++p) out[p * kTileRows + i] = x[r * depth + p] - centre[p];
      } else {
        for (int64_t p = 0; p < depth; ++p) out[p * kTileRows + i] = x[r * depth + p];
      }
    }
  });
}

size_t add_skip_workspace(int64_t width, int64_t rows, int thread_count) {
  return product_bytes(std::min(rows, kRowChunk), width, thread_count);
}

void add_skip(const float* skip, const float* x, int64_t rows, int64_t width, float* out, void* workspace,
              int thread_count) {
  const Kernels& kernel = kernels();
  Arena arena(workspace);
  const ProductSpace space(arena, std::min(rows, kRowChunk), width, thread_count);
  for (int64_t first = 0; first < rows; first += kRowChunk) {
    const int64_t count = std::min(kRowChunk, rows - first);
    pack_rows(x + first * width, nullptr, count, width, space.rows);
    for_each_item(thread_count, ceil_div(width, kTileColumns), [&](int thread, int64_t panel) {
      float* columns = space.columns + thread * space.columns_per_thread;
      const int64_t o = panel * kTileColumns, wide = std::min(kTileColumns, width - o);
      kernel.pack_columns(skip + o * width, width, wide, columns);
      alignas(64) float sums[kTileRows * kTileColumns];
      for (int64_t r = 0; r < count; r += kTileRows) {
        kernel.tile(space.rows + r / kTileRows * packed_block(width), columns, width, false, sums);
        for (int64_t i = 0; i < std::min(kTileRows, count - r); ++i) {
          float* row = out + (first + r + i) * width + o;
          for (int64_t j = 0; j < wide; ++j) row[j] += sums[i * kTileColumns + j];
        }
      }
    });
  }
}

size_t skip_gradient_workspace(int64_t width, int64_t rows, int thread_count) {
  return product_bytes(width, std::max<int64_t>(rows, 1), thread_count);
}

void skip_gradient(const float* grad, const float* x, int64_t rows, int64_t width, bool accumulate, float* out,
                   void* workspace, int thread_count) {
  const Kernels& kernel = kernels();
  Arena arena(workspace);
  const ProductSpace space(arena, width, std::max<int64_t>(rows, 1), thread_count);
  const int64_t depth = rows; // the sum runs over the batch
  for_each_item(thread_count, ceil_div(width, kTileRows), [&](int, int64_t block) {
    float* packed = space.rows + block * packed_block(depth);
    const int64_t o = block * kTileRows, wide = std::min(kTileRows, width - o);
    for (int64_t r = 0; r < depth; ++r) {
      for (int64_t i = 0; i < kTileRows; ++i) packed[r * kTileRows + i] = i < wide ? grad[r * width + o + i] : 0.0f;
    }
  });
  for_each_item(thread_count, ceil_div(width, kTileColumns), [&](int thread, int64_t panel) {
    float* columns = space.columns + thread * space.columns_per_thread;
    const int64_t c = panel * kTileColumns, wide = std::min(kTileColumns, width - c);
    for (int64_t r = 0; r < depth; ++r) {
      for (int64_t j = 0; j < kTileColumns; ++j) columns[r * kTileColumns + j] = j < wide ? x[r * width + c + j] : 0.0f;
    }
    alignas(64) float sums[kTileRows * kTileColumns];
    for (int64_t o = 0; o < width; o += kTileRows) {
      kernel.tile(space.rows + o / kTileRows * packed_block(depth), columns, depth, false, sums);
      for (int64_t i = 0; i < std::min(kTileRows, width - o); ++i) {
        float* row = out + (o + i) * width + c;
        const float* sum = sums + i * kTileColumns;
        for (int64_t j = 0; j < wide; ++j) row[j] = accumulate ? row[j] + sum[j] : sum[j];
      }
    }
  });
}

} // namespace palimpsest
