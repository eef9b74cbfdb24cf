// The 8-bit tile and dot product for AVX-512; included after a definition of
//   void multiply_add(__m512i& sums, __m512i columns, __m512i rows)
// which adds the products of four unsigned and four signed bytes to each 32-bit lane.
#ifndef PALIMPSEST_BYTE_TILE_AVX512_HPP
#define PALIMPSEST_BYTE_TILE_AVX512_HPP

#include "byte_kernels.hpp"

namespace palimpsest {
namespace {

void tile_bytes(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  __m512i sums[kTileRows][2];
#pragma GCC unroll 12
  for (int i = 0; i < kTileRows; ++i) sums[i][0] = sums[i][1] = _mm512_set1_epi32(start[i]);
  for (int64_t g = 0; g < groups; ++g) {
    const __m512i low = _mm512_loadu_si512(columns + g * 4 * kTileColumns);
    const __m512i high = _mm512_loadu_si512(columns + g * 4 * kTileColumns + 64);
#pragma GCC unroll 12
    for (int i = 0; i < kTileRows; ++i) {
      int32_t four;
      __builtin_memcpy(&four, rows + (g * kTileRows + i) * 4, sizeof four);
      const __m512i x = _mm512_set1_epi32(four);
      multiply_add(sums[i][0], low, x);
      multiply_add(sums[i][1], high, x);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kTileRows; ++i) {
    _mm512_storeu_ps(out + i * kTileColumns, _mm512_maskz_cvtepi32_ps(0xffff, sums[i][0]));
    _mm512_storeu_ps(out + i * kTileColumns + 16, _mm512_maskz_cvtepi32_ps(0xffff, sums[i][1]));
  }
}

int32_t dot_bytes(const int8_t* row, const uint8_t* column, int64_t n) {
  __m512i sums[2] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  int64_t p = 0;
  for (; p + 128 <= padded_bytes(n); p += 128) {
    multiply_add(sums[0], _mm512_loadu_si512(column + p), _mm512_loadu_si512(row + p));
    multiply_add(sums[1], _mm512_loadu_si512(column + p + 64), _mm512_loadu_si512(row + p + 64));
  }
  if (p < n) multiply_add(sums[0], _mm512_loadu_si512(column + p), _mm512_loadu_si512(row + p));
  return _mm512_reduce_add_epi32(_mm512_add_epi32(sums[0], sums[1]));
}

} // namespace
} // namespace palimpsest

#endif
