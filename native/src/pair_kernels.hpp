// The 16-bit tile for processors without instructions for it, over `Lanes`, and the packing of its rows; included after a
// lanes_*.hpp and row_kernels.hpp.
#ifndef PALIMPSEST_PAIR_KERNELS_HPP
#define PALIMPSEST_PAIR_KERNELS_HPP

#include <cfloat>
#include <cmath>

#include "bf16.hpp"
#include "row_kernels.hpp"

namespace palimpsest {
namespace {

void pack_pairs(const float* const* rows, int64_t count, int64_t n, uint32_t* pairs) {
  constexpr int64_t kAtOnce = 16;
  alignas(64) uint32_t block[kTileRows][kAtOnce];
  const int64_t depth = (n + 1) / 2;
  for (int64_t first = 0; first < depth; first += kAtOnce, pairs += kAtOnce * count) {
    const int64_t last = first + kAtOnce < depth ? first + kAtOnce : depth;
    for (int64_t i = 0; i < count; ++i) {
      uint32_t words[2 * kAtOnce] = {};
      const int64_t present = n - 2 * first < 2 * kAtOnce ? n - 2 * first : 2 * kAtOnce;
      __builtin_memcpy(words, rows[i] + 2 * first, static_cast<size_t>(present) * sizeof *words);
      for (int64_t p = 0; p < kAtOnce; ++p) block[i][p] = pair_of(words[2 * p], words[2 * p + 1]);
    }
    for (int64_t p = 0; p < last - first; ++p) {
      for (int64_t i = 0; i < count; ++i) pairs[p * count + i] = block[i][p];
    }
  }
}

#ifdef PAL_X86
inline Lanes flushed(Lanes a) { return a; } // FlushSubnormals has seen to it
#else
inline Lanes flushed(Lanes a) {
  for (int i = 0; i < Lanes::kCount; ++i) {
    if (std::fabs(a.v[i]) < FLT_MIN) a.v[i] = std::copysign(0.0f, a.v[i]);
  }
  return a;
}
#endif

// kRows rows by kLanes columns.
template <int kRows>
inline void part_pairs(const uint32_t* rows, int64_t step, const uint32_t* columns, int64_t depth, const float* bias, float* out,
                       int64_t stride) {
  Lanes sums[kRows];
  for (int i = 0; i < kRows; ++i) sums[i] = Lanes::set(0.0f);
  for (int64_t p = 0; p < depth; ++p, rows += step, columns += kTileColumns) {
    const Lanes first = Lanes::upper(columns), second = Lanes::lower(columns);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      sums[i] = flushed(Lanes::fma(Lanes::set(float_of(rows[i] & 0xffff0000u)), first, sums[i]));
      sums[i] = flushed(Lanes::fma(Lanes::set(float_of(rows[i] << 16)), second, sums[i]));
    }
  }
  for (int i = 0; i < kRows; ++i) {
    if (bias) sums[i] = flushed(sums[i] + Lanes::load(bias));
    sums[i].store(out + i * stride);
  }
}

void tile_pairs(const uint32_t* rows, int64_t count, const uint32_t* columns, int64_t depth, const float* bias,
                float* out, int64_t stride) {
  [[maybe_unused]] const FlushSubnormals flush;
  constexpr int kPairRows = Lanes::kPairRows;
  for (int64_t j = 0; j < kTileColumns; j += kLanes) {
    const float* there = bias ? bias + j : nullptr;
    int64_t i = 0;
    for (; i + kPairRows <= count; i += kPairRows) {
      part_pairs<kPairRows>(rows + i, count, columns + j, depth, there, out + i * stride + j, stride);
    }
    for (; i < count; ++i) part_pairs<1>(rows + i, count, columns + j, depth, there, out + i * stride + j, stride);
  }
}

} // namespace
} // namespace palimpsest

#endif
