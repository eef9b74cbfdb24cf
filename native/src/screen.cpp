#include "screen.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "dense.hpp"

namespace palimpsest {
namespace {

constexpr double kUnit = 0x1p-24;
// 255 * 127 * width must stay below 2^31, and sums of whole numbers below 2^24.
constexpr int64_t kMaxByteWidth = 32768;
// Norms beyond this are not judged: products might overflow.
constexpr float kLargest = 1e15f;

bool bounded(float norm) { return norm <= kLargest; }

// g(n) of the proof.
double rounding_error(int64_t n) {
  const double errors = static_cast<double>(n) * kUnit;
  return errors / (1.0 - errors);
}

// Roundings on the longest path of the exact dot product.
int64_t dot_roundings(int64_t width) { return ceil_div(width, 64) + 6; }

// The allowance a of the proof.
double norm_allowance(int64_t width) { return std::sqrt(static_cast<double>(width)) * 0x1p-72; }

// What stands for the norm of a vector, given the sum of its squares as computed.
float norm_of(float square, int64_t width) {
  return static_cast<float>(std::sqrt(static_cast<double>(square)) + norm_allowance(width));
}

int64_t groups_of(int64_t width) { return ceil_div(width, 4); }

constexpr int kRowLevels = 127;

// Deals four bytes at a time to places `stride` bytes apart.
void spread(const uint8_t* bytes, int64_t groups, int64_t stride, void* out) {
  auto* place = static_cast<uint8_t*>(out);
  for (int64_t g = 0; g < groups; ++g) std::memcpy(place + g * stride, bytes + g * 4, 4);
}

} // namespace

bool screens_by_bytes(const Kernels& kernel, int64_t width) { return kernel.tile_bytes && width <= kMaxByteWidth; }

RowScreen::RowScreen(Arena& arena, int64_t rows, int64_t width, bool bytes)
    : width_(width), bytes_(bytes), x_(nullptr), row_count_(rows),
      packed_bytes_(arena.take<int8_t>(bytes ? ceil_div(rows, kTileRows) * groups_of(width) * 4 * kTileRows : 0)),
      fine_bytes_(arena.take<int8_t>(bytes ? rows * padded_bytes(width) : 0)),
      start_(arena.take<int32_t>(ceil_div(rows, kTileRows) * kTileRows)),
      terms_(arena.take<RowTerms>(ceil_div(rows, kTileRows))),
      fine_(arena.take<FineTerms>(bytes ? ceil_div(rows, kTileRows) : 0)),
      unbounded_(arena.take<uint32_t>(ceil_div(rows, kTileRows))), mean_(arena.take<float>(width)),
      shrink_(arena.take<float>(width)), grow_(arena.take<float>(width)), mean_norm_(0.0f) {}

// Any shift and scale are valid; these are estimated from a sample of the rows. A column's scale is the root of its
// spread: the other half of it is left to the rows' own residuals, as the weights take on what x loses.
void RowScreen::choose_shift_and_scale(const float* x, int64_t rows) {
  constexpr int64_t kSample = 64;
  const int64_t stride = std::max<int64_t>(1, rows / kSample);
  std::fill_n(mean_, width_, 0.0f);
  std::fill_n(grow_, width_, 0.0f); // holds the mean square for now
  float count = 0.0f;
  for (int64_t r = 0; r < rows; r += stride) {
    const float* row = x + r * width_;
    const float square = kernels().dot(row, row, width_);
    if (!(square < kLargest)) continue; // broken rows must not spoil the rest
    count += 1.0f;
    for (int64_t p = 0; p < width_; ++p) {
      mean_[p] += row[p];
      grow_[p] += row[p] * row[p];
    }
  }
  double mean_square = 0.0;
  for (int64_t p = 0; p < width_; ++p) {
    mean_[p] /= std::max(count, 1.0f);
    const float variance = grow_[p] / std::max(count, 1.0f) - mean_[p] * mean_[p];
    const int exponent = variance > 0.0f ? static_cast<int>(std::lround(0.25f * std::log2(variance))) : -20;
    grow_[p] = std::ldexp(1.0f, std::clamp(exponent, -20, 20));
    shrink_[p] = 1.0f / grow_[p];
    mean_square += std::pow(static_cast<double>(mean_[p]) * static_cast<double>(shrink_[p]), 2.0);
  }
  mean_norm_ = static_cast<float>(std::sqrt(mean_square));
}

void RowScreen::prepare_row(const float* x, int64_t row, uint8_t* q, float* shifted) {
  const Kernels& kernel = kernels();
  const int64_t block = row / kTileRows, i = row % kTileRows, groups = groups_of(width_);
  const int32_t offset = kernel.byte_levels + 1;
  for (int64_t p = 0; p < width_; ++p) shifted[p] = x[p] - mean_[p];
  const Quantized coarse = kernel.quantize(shifted, shrink_, width_, kRowLevels, kernel.windows, 0, q, shifted);
  spread(q, groups, 4 * kTileRows, packed_bytes_ + block * groups * 4 * kTileRows + i * 4);
  start_[row] = -offset * coarse.sum;
  RowTerms& terms = terms_[block];
  terms.scale[i] = coarse.step;
  terms.norm[i] = norm_of(coarse.square, width_);
  terms.error[i] = norm_of(coarse.residual_square, width_);

  auto* second = reinterpret_cast<uint8_t*>(fine_bytes_ + row * padded_bytes(width_));
  const Quantized fine = kernel.quantize(shifted, nullptr, width_, kRowLevels, false, 0, second, nullptr);
  fine_[block].scale[i] = fine.step;
  fine_[block].start[i] = -offset * fine.sum;
  fine_[block].error[i] = norm_of(fine.residual_square, width_);
}

void RowScreen::prepare(const float* x, int64_t rows, int thread_count) {
  const Kernels& kernel = kernels();
  x_ = x;
  row_count_ = rows;
  if (bytes_) choose_shift_and_scale(x, rows);
  for_each_item(thread_count, ceil_div(rows, kTileRows), [&](int, int64_t block) {
    RowTerms& terms = terms_[block];
    std::memset(&terms, 0, sizeof terms);
    unbounded_[block] = 0;
    constexpr int64_t kPieces = kMaxByteWidth;
    uint8_t q[kPieces];
    float shifted[kPieces];
    for (int64_t i = 0; i < kTileRows; ++i) {
      const int64_t row = block * kTileRows + i;
      if (row >= rows) {
        start_[row] = 0;
        continue;
      }
      if (bytes_) {
        prepare_row(x + row * width_, row, q, shifted);
      } else {
        terms.scale[i] = 1.0f;
        terms.norm[i] = norm_of(kernel.dot(x + row * width_, x + row * width_, width_), width_);
      }
      if (!bounded(terms.norm[i])) unbounded_[block] |= 1u << i;
    }
  });
}

ColumnScreen::ColumnScreen(Arena& arena, int64_t panels, int64_t width, bool bytes)
    : width_(width), packed_(arena.take<float>(bytes ? 0 : panels * width * kTileColumns)),
      packed_bytes_(arena.take<uint8_t>(bytes ? panels * groups_of(width) * 4 * kTileColumns : 0)),
      plain_bytes_(arena.take<uint8_t>(bytes ? panels * kTileColumns * padded_bytes(width) : 0)),
      terms_(arena.take<ColumnTerms>(panels)), unbounded_(arena.take<uint32_t>(panels)),
      present_(arena.take<uint32_t>(panels)) {}

void ColumnScreen::prepare(const RowScreen& rows, int64_t panel, const float* w, const float* bias, int64_t count) {
  const Kernels& kernel = kernels();
  const int64_t groups = groups_of(width_);
  const double rounding = rounding_error(rows.bytes_ ? width_ / 4 + 113 : 2 * width_ + 16);
  const double shift_rounding =
      2.0 * rounding_error(dot_roundings(width_) + 3) * static_cast<double>(rows.mean_norm_);
  ColumnTerms& terms = terms_[panel];
  std::memset(&terms, 0, sizeof terms);
  unbounded_[panel] = 0;
  present_[panel] = count == kTileColumns ? 0xffffffffu : (1u << count) - 1u;
  if (!rows.bytes_) kernel.pack_columns(w, width_, count, packed_ + panel * width_ * kTileColumns);
  for (int64_t j = 0; j < count; ++j) {
    const float* row = w + j * width_;
    const double b = bias[j], b_above = b + 6.0 * kUnit * std::fabs(b);
    float norm;
    if (rows.bytes_) {
      uint8_t* plain = plain_bytes_ + (panel * kTileColumns + j) * padded_bytes(width_);
      const Quantized quantized =
          kernel.quantize(row, rows.grow_, width_, kernel.byte_levels, false, kernel.byte_levels + 1, plain, nullptr);
      spread(plain, groups, 4 * kTileColumns, packed_bytes_ + panel * groups * 4 * kTileColumns + j * 4);
      norm = norm_of(quantized.square, width_);
      const double shift = kernel.dot(rows.mean_, row, width_);
      const double residual = norm_of(quantized.residual_square, width_);
      terms.scale[j] = quantized.step;
      terms.norm[j] = static_cast<float>(static_cast<double>(norm) + residual);
      terms.error[j] = static_cast<float>(residual + rounding * static_cast<double>(norm));
      terms.bias[j] = static_cast<float>(b_above + shift + shift_rounding * static_cast<double>(norm));
    } else {
      norm = norm_of(kernel.dot(row, row, width_), width_);
      terms.scale[j] = 1.0f;
      terms.error[j] = static_cast<float>(rounding * static_cast<double>(norm) + norm_allowance(width_));
      terms.bias[j] = static_cast<float>(b_above);
    }
    if (!bounded(norm)) unbounded_[panel] |= 1u << j;
  }
}

void ColumnScreen::multiply(const RowScreen& rows, int64_t block, int64_t blocks, int64_t panel, float* tiles) const {
  const Kernels& kernel = kernels();
  constexpr int64_t kTile = kTileRows * kTileColumns;
  if (rows.bytes_) {
    const int64_t groups = groups_of(width_);
    for (int64_t b = 0; b < blocks; ++b) {
      kernel.tile_bytes(rows.packed_bytes_ + (block + b) * groups * 4 * kTileRows,
                        packed_bytes_ + panel * groups * 4 * kTileColumns, groups,
                        rows.start_ + (block + b) * kTileRows, tiles + b * kTile);
    }
    return;
  }
  for (int64_t b = 0; b < blocks; ++b) {
    const int64_t row = (block + b) * kTileRows;
    const TileRows tile(rows.x_ + row * width_, width_, rows.row_count_ - row);
    kernel.tile(tile.at, 1, packed_ + panel * width_ * kTileColumns, width_, nullptr, tiles + b * kTile, kTileColumns);
  }
}

void ColumnScreen::screen(const RowScreen& rows, int64_t block, int64_t count, const float* thresholds, int64_t panel,
                          float* tiles, uint32_t* masks) const {
  const Kernels& kernel = kernels();
  const int64_t blocks = ceil_div(count, kTileRows);
  multiply(rows, block, blocks, panel, tiles);
  for (int64_t b = 0; b < blocks; ++b) {
    RowTerms terms = rows.terms_[block + b];
    std::memcpy(terms.threshold, thresholds + b * kTileRows, sizeof terms.threshold);
    kernel.passing(tiles + b * kTileRows * kTileColumns, terms, terms_[panel], masks + b * kTileRows);
    for (int64_t i = 0; i < kTileRows; ++i) {
      uint32_t& mask = masks[b * kTileRows + i];
      mask |= unbounded_[panel];
      if (rows.unbounded_[block + b] >> i & 1u) mask = 0xffffffffu;
      mask &= present_[panel];
    }
  }
}

uint32_t ColumnScreen::refine(const RowScreen& rows, int64_t block, int64_t i, int64_t panel, const float* tile,
                              float threshold, uint32_t mask) const {
  if (!rows.bytes_ || (rows.unbounded_[block] >> i & 1u)) return mask;
  const Kernels& kernel = kernels();
  const RowTerms& row = rows.terms_[block];
  const RowScreen::FineTerms& fine = rows.fine_[block];
  const ColumnTerms& column = terms_[panel];
  const int64_t stride = padded_bytes(width_);
  const int8_t* digits = rows.fine_bytes_ + (block * kTileRows + i) * stride;
  uint32_t kept = mask & unbounded_[panel];
  for (uint32_t left = mask & ~kept; left; left &= left - 1) {
    const int j = __builtin_ctz(left);
    const uint8_t* plain = plain_bytes_ + (panel * kTileColumns + j) * stride;
    const auto second = static_cast<float>(kernel.dot_bytes(digits, plain, width_) + fine.start[i]);
    const float product = (tile[i * kTileColumns + j] * row.scale[i] + second * fine.scale[i]) * column.scale[j];
    const float bound = product + column.bias[j] + fine.error[i] * column.norm[j] + row.norm[i] * column.error[j];
    if (bound > 0.0f && bound >= threshold) kept |= 1u << j;
  }
  return kept;
}

} // namespace palimpsest
