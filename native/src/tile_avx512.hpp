// The single-precision tile for AVX-512; included after lanes_avx512.hpp.
#ifndef PALIMPSEST_TILE_AVX512_HPP
#define PALIMPSEST_TILE_AVX512_HPP

#include "pair_kernels.hpp"

namespace palimpsest {
namespace {

// Twelve rows by two registers of sixteen columns: 24 of the 32 registers accumulate.
void tile(const float* const* rows, int64_t step, const float* columns, int64_t depth, const float* bias, float* out,
          int64_t stride) {
  __m512 sums[kTileRows][2];
#pragma GCC unroll 12
  for (int i = 0; i < kTileRows; ++i) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
  for (int64_t p = 0, at = 0; p < depth; ++p, at += step) {
    const __m512 low = _mm512_loadu_ps(columns + p * kTileColumns);
    const __m512 high = _mm512_loadu_ps(columns + p * kTileColumns + 16);
#pragma GCC unroll 12
    for (int i = 0; i < kTileRows; ++i) {
      const __m512 x = _mm512_set1_ps(rows[i][at]);
      sums[i][0] = _mm512_fmadd_ps(x, low, sums[i][0]);
      sums[i][1] = _mm512_fmadd_ps(x, high, sums[i][1]);
    }
  }
  if (bias) {
    const __m512 low = _mm512_loadu_ps(bias), high = _mm512_loadu_ps(bias + 16);
#pragma GCC unroll 12
    for (int i = 0; i < kTileRows; ++i) {
      sums[i][0] = _mm512_add_ps(sums[i][0], low);
      sums[i][1] = _mm512_add_ps(sums[i][1], high);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kTileRows; ++i) {
    _mm512_storeu_ps(out + i * stride, sums[i][0]);
    _mm512_storeu_ps(out + i * stride + 16, sums[i][1]);
  }
}

} // namespace
} // namespace palimpsest

#endif
