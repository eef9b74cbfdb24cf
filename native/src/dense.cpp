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

// Rows that pass by a group of panels at once, and the bytes of such a group: both stay in the second-level cache. An item
// is a group and some such rows in turn.
constexpr int64_t kRowsAtOnce = 8 * kTileRows;
constexpr int64_t kPanelBytes = int64_t{384} << 10;
constexpr int64_t kRowsOfItem = 5 * kRowsAtOnce;

// One tile of y at its place; a tile at the edge goes by way of memory of its own.
void linear_tile(const Kernels& kernel, const float* panel, const float* bias, const float* x, int64_t rows, int64_t in,
                 int64_t columns, float* y, int64_t stride) {
  const TileRows block(x, in, rows);
  if (rows >= kTileRows && columns == kTileColumns) {
    kernel.tile(block.at, 1, panel, in, bias, y, stride);
    return;
  }
  alignas(64) float sums[kTileRows * kTileColumns];
  kernel.tile(block.at, 1, panel, in, nullptr, sums, kTileColumns);
  for (int64_t r = 0; r < std::min(rows, kTileRows); ++r) {
    for (int64_t j = 0; j < columns; ++j) y[r * stride + j] = sums[r * kTileColumns + j] + (bias ? bias[j] : 0.0f);
  }
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

// Panels of a group: as many as stay in the second-level cache.
int64_t panels_of_group(int64_t in) {
  return std::max<int64_t>(1, kPanelBytes / (in * kTileColumns * static_cast<int64_t>(sizeof(float))));
}

} // namespace

void linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out, float* y,
            int thread_count) {
  const Kernels& kernel = kernels();
  const int64_t panels = ceil_div(out, kTileColumns);
  const int64_t group = std::min(panels_of_group(in), std::max<int64_t>(1, panels / (2 * thread_count)));
  const int64_t groups = ceil_div(panels, group);
  for_each_item(thread_count, groups * ceil_div(rows, kRowsOfItem), [&](int, int64_t item) {
    const int64_t first_panel = item % groups * group, last_panel = std::min(panels, first_panel + group);
    const int64_t first_row = item / groups * kRowsOfItem, last_row = std::min(rows, first_row + kRowsOfItem);
    for (int64_t first = first_row; first < last_row; first += kRowsAtOnce) {
      for (int64_t n = first_panel; n < last_panel; ++n) {
        const int64_t o = n * kTileColumns, columns = std::min(kTileColumns, out - o);
        for (int64_t r = first; r < std::min(last_row, first + kRowsAtOnce); r += kTileRows) {
          linear_tile(kernel, packed + n * in * kTileColumns, bias ? bias + o : nullptr, x + r * in, last_row - r, in,
                      columns, y + r * out + o, out);
        }
      }
    }
  });
}

void log_sum_exp(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in, int64_t out,
                 float* lse, int thread_count) {
  const Kernels& kernel = kernels();
  const int64_t panels = ceil_div(out, kTileColumns), group = panels_of_group(in);
  for_each_item(thread_count, ceil_div(rows, kRowsSummed), [&](int, int64_t item) {
    const int64_t first_row = item * kRowsSummed, count = std::min(kRowsSummed, rows - first_row);
    RunningSums sums;
    alignas(64) float y[kTileRows * kTileColumns];
    for (int64_t first = 0; first < panels; first += group) {
      for (int64_t r = 0; r < count; r += kTileRows) {
        const TileRows block(x + (first_row + r) * in, in, count - r);
        for (int64_t n = first; n < std::min(panels, first + group); ++n) {
          const int64_t o = n * kTileColumns, columns = std::min(kTileColumns, out - o);
          // Columns beyond the last are packed as zeros; their bias is not there to be read.
          const bool whole = columns == kTileColumns;
          kernel.tile(block.at, 1, packed + n * in * kTileColumns, in, bias && whole ? bias + o : nullptr, y,
                      kTileColumns);
          for (int64_t i = 0; i < std::min(kTileRows, count - r); ++i) {
            float* row = y + i * kTileColumns;
            if (bias && !whole) {
              for (int64_t j = 0; j < columns; ++j) row[j] += bias[o + j];
            }
            kernel.take_exponentials(row, columns, sums.most[r + i], sums.sum[r + i]);
          }
        }
      }
    }
    for (int64_t r = 0; r < count; ++r) lse[first_row + r] = sums.result(r);
  });
}

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
