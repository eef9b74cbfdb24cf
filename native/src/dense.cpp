#include "dense.hpp"

#include <cmath>

namespace palimpsest {
namespace {

// One packed panel of the right-hand side for each thread.
struct Panels {
  float* all;
  int64_t each;
  Panels(Arena& arena, int64_t depth, int thread_count)
      : all(arena.take<float>(depth * kTileColumns * thread_count)), each(depth * kTileColumns) {}
  float* of(int thread) const { return all + thread * each; }
};

size_t panel_bytes(int64_t depth, int thread_count) {
  Arena arena(nullptr);
  Panels(arena, depth, thread_count);
  return arena.used();
}

int64_t packed_rows(int64_t rows) { return ceil_div(rows, kTileRows) * kTileRows; }

// Rows that are packed together and that every panel then passes by: enough that weights are seldom read from memory, few
// enough that the rows stay in the caches.
constexpr int64_t kMostRowsAtOnce = 40 * kTileRows, kLeastRowsAtOnce = 8 * kTileRows;
constexpr int64_t kBytesAtOnce = int64_t{2} << 20;
int64_t rows_at_once(int64_t rows, int64_t depth) {
  const int64_t fitting = kBytesAtOnce / (depth * int64_t{sizeof(float)});
  const int64_t most = std::min(kMostRowsAtOnce, std::max(kLeastRowsAtOnce, fitting));
  return packed_rows(ceil_div(rows, ceil_div(rows, most))); // all parts about alike
}

// Rows that go through all panels together when their results are summed up at once, and their running sums.
constexpr int64_t kRowsSummed = 4 * kTileRows;
struct RunningSums {
  alignas(64) float most[kRowsSummed][kLanes];
  alignas(64) float sum[kRowsSummed][kLanes];
  RunningSums() {
    std::fill_n(&most[0][0], kRowsSummed * kLanes, kLeast);
    std::fill_n(&sum[0][0], kRowsSummed * kLanes, 0.0f);
  }
  // In double, lane after lane.
  float result(int64_t row) const {
    const float largest = *std::max_element(most[row], most[row] + kLanes);
    double total = 0.0;
    for (int64_t i = 0; i < kLanes; ++i) {
      total += static_cast<double>(sum[row][i]) * std::exp(static_cast<double>(most[row][i]) - largest);
    }
    return static_cast<float>(largest + std::log(total));
  }
};

// Panels whose weights stay in the second-level cache while some rows pass by.
constexpr int64_t kPanelBytes = int64_t{384} << 10;
template <class P>
int64_t panels_of_group(int64_t in) {
  return std::max<int64_t>(1, kPanelBytes / (P::depth(in) * kTileColumns * int64_t{sizeof(typename P::Number)}));
}

} // namespace

void Fp32::pack(const Kernels&, const float* x, int64_t count, int64_t in, Number* rows) {
  for (int64_t p = 0; p < in; p += kLanes) {
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t q = p; q < std::min(in, p + kLanes); ++q) rows[q * count + i] = x[i * in + q];
    }
  }
}

void Fp32::tile(const Kernels& kernel, const Number* rows, int64_t count, const Number* columns, int64_t in,
                const float* bias, float* out, int64_t stride) {
  const TileRows block(rows, 1, count);
  if (count == kTileRows) {
    kernel.tile(block.at, count, columns, in, bias, out, stride);
    return;
  }
  alignas(64) float sums[kTileRows * kTileColumns];
  kernel.tile(block.at, count, columns, in, bias, sums, kTileColumns);
  for (int64_t i = 0; i < count; ++i) std::copy_n(sums + i * kTileColumns, kTileColumns, out + i * stride);
}

void Bf16::pack(const Kernels& kernel, const float* x, int64_t count, int64_t in, Number* rows) {
  const TileRows block(x, in, count);
  kernel.pack_pairs(block.at, count, in, rows);
}

void Bf16::tile(const Kernels& kernel, const Number* rows, int64_t count, const Number* columns, int64_t in,
                const float* bias, float* out, int64_t stride) {
  kernel.tile_pairs(rows, count, columns, depth(in), bias, out, stride);
}

template <class P>
size_t linear_workspace(int64_t rows, int64_t in, int thread_count) {
  const int64_t most = std::max(rows_at_once(rows, P::depth(in)), thread_count * kRowsSummed);
  Arena arena(nullptr);
  arena.take<typename P::Number>(most * P::depth(in));
  return arena.used();
}

template <class P>
void linear(const typename P::Number* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out,
            float* y, void* workspace, int thread_count) {
  using Number = typename P::Number;
  const Kernels& kernel = kernels();
  const int64_t panels = ceil_div(out, kTileColumns), depth = P::depth(in);
  const int64_t at_once = rows_at_once(rows, depth);
  auto* packed_x = static_cast<Number*>(workspace);
  for (int64_t first = 0; first < rows; first += at_once) {
    const int64_t count = std::min(at_once, rows - first);
    for_each_item(thread_count, ceil_div(count, kTileRows), [&](int, int64_t item) {
      const int64_t r = item * kTileRows;
      P::pack(kernel, x + (first + r) * in, std::min(kTileRows, count - r), in, packed_x + r * depth);
    });
    for_each_item(thread_count, panels, [&](int, int64_t panel) {
      const Number* columns = packed + panel * depth * kTileColumns;
      const int64_t o = panel * kTileColumns, wide = std::min(kTileColumns, out - o);
      for (int64_t r = 0; r < count; r += kTileRows) {
        const int64_t high = std::min(kTileRows, count - r);
        float* there = y + (first + r) * out + o;
        if (wide == kTileColumns) {
          P::tile(kernel, packed_x + r * depth, high, columns, in, bias ? bias + o : nullptr, there, out);
          continue;
        }
        // Columns beyond the last are packed as zeros; their bias is not there to be read.
        alignas(64) float sums[kTileRows * kTileColumns], padded[kTileColumns] = {};
        if (bias) std::copy_n(bias + o, wide, padded);
        P::tile(kernel, packed_x + r * depth, high, columns, in, bias ? padded : nullptr, sums, kTileColumns);
        for (int64_t i = 0; i < high; ++i) std::copy_n(sums + i * kTileColumns, wide, there + i * out);
      }
    });
  }
}

template <class P>
void log_sum_exp(const typename P::Number* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                 int64_t out, float* lse, void* workspace, int thread_count) {
  using Number = typename P::Number;
  const Kernels& kernel = kernels();
  const int64_t panels = ceil_div(out, kTileColumns), group = panels_of_group<P>(in), depth = P::depth(in);
  for_each_item(thread_count, ceil_div(rows, kRowsSummed), [&](int thread, int64_t item) {
    const int64_t first_row = item * kRowsSummed, count = std::min(kRowsSummed, rows - first_row);
    Number* packed_x = static_cast<Number*>(workspace) + thread * kRowsSummed * depth;
    for (int64_t r = 0; r < count; r += kTileRows) {
      P::pack(kernel, x + (first_row + r) * in, std::min(kTileRows, count - r), in, packed_x + r * depth);
    }
    RunningSums sums;
    alignas(64) float y[kTileRows * kTileColumns], padded[kTileColumns] = {};
    for (int64_t first = 0; first < panels; first += group) {
      for (int64_t r = 0; r < count; r += kTileRows) {
        const int64_t high = std::min(kTileRows, count - r);
        for (int64_t n = first; n < std::min(panels, first + group); ++n) {
          const int64_t o = n * kTileColumns, wide = std::min(kTileColumns, out - o);
          const float* there = bias ? bias + o : nullptr;
          if (bias && wide < kTileColumns) {
            std::copy_n(bias + o, wide, padded);
            there = padded;
          }
          P::tile(kernel, packed_x + r * depth, high, packed + n * depth * kTileColumns, in, there, y, kTileColumns);
          for (int64_t i = 0; i < high; ++i) {
            kernel.take_exponentials(y + i * kTileColumns, wide, sums.most[r + i], sums.sum[r + i]);
          }
        }
      }
    }
    for (int64_t r = 0; r < count; ++r) lse[first_row + r] = sums.result(r);
  });
}

template size_t linear_workspace<Fp32>(int64_t, int64_t, int);
template size_t linear_workspace<Bf16>(int64_t, int64_t, int);
template void linear<Fp32>(const float*, const float*, const float*, int64_t, int64_t, int64_t, float*, void*, int);
template void linear<Bf16>(const uint32_t*, const float*, const float*, int64_t, int64_t, int64_t, float*, void*, int);
template void log_sum_exp<Fp32>(const float*, const float*, const float*, int64_t, int64_t, int64_t, float*, void*,
                                int);
template void log_sum_exp<Bf16>(const uint32_t*, const float*, const float*, int64_t, int64_t, int64_t, float*, void*,
                                int);

size_t add_skip_workspace(int64_t width, int thread_count) { return panel_bytes(width, thread_count); }

void add_skip(const float* skip, const float* x, int64_t rows, int64_t width, float* out, void* workspace,
              int thread_count) {
  const Kernels& kernel = kernels();
  Arena arena(workspace);
  const Panels panels(arena, width, thread_count);
  for_each_item(thread_count, ceil_div(width, kTileColumns), [&](int thread, int64_t panel) {
    float* columns = panels.of(thread);
    const int64_t o = panel * kTileColumns, wide = std::min(kTileColumns, width - o);
    kernel.pack_columns(skip + o * width, width, wide, columns);
    alignas(64) float sums[kTileRows * kTileColumns];
    for (int64_t r = 0; r < rows; r += kTileRows) {
      const TileRows block(x + r * width, width, rows - r);
      kernel.tile(block.at, 1, columns, width, nullptr, sums, kTileColumns);
      for (int64_t i = 0; i < std::min(kTileRows, rows - r); ++i) {
        float* row = out + (r + i) * width + o;
        for (int64_t j = 0; j < wide; ++j) row[j] += sums[i * kTileColumns + j];
      }
    }
  });
}

size_t skip_gradient_workspace(int64_t rows, int thread_count) {
  return panel_bytes(std::max<int64_t>(rows, 1), thread_count);
}

void skip_gradient(const float* grad, const float* x, int64_t rows, int64_t width, bool accumulate, float* out,
                   void* workspace, int thread_count) {
  const Kernels& kernel = kernels();
  Arena arena(workspace);
  const Panels panels(arena, std::max<int64_t>(rows, 1), thread_count);
  for_each_item(thread_count, ceil_div(width, kTileColumns), [&](int thread, int64_t panel) {
    float* columns = panels.of(thread); // of x; the sum runs over the batch
    const int64_t c = panel * kTileColumns, wide = std::min(kTileColumns, width - c);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t j = 0; j < kTileColumns; ++j) columns[r * kTileColumns + j] = j < wide ? x[r * width + c + j] : 0.0f;
    }
    alignas(64) float sums[kTileRows * kTileColumns];
    for (int64_t o = 0; o < width; o += kTileRows) {
      const TileRows block(grad + o, 1, width - o);
      kernel.tile(block.at, width, columns, rows, nullptr, sums, kTileColumns);
      for (int64_t i = 0; i < std::min(kTileRows, width - o); ++i) {
        float* row = out + (o + i) * width + c;
        const float* sum = sums + i * kTileColumns;
        for (int64_t j = 0; j < wide; ++j) row[j] = accumulate ? row[j] + sum[j] : sum[j];
      }
    }
  });
}

} // namespace palimpsest
