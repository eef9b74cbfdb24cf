// The inner loops for AVX-512 with VNNI, whose vpdpbusd multiplies and adds 64 pairs of bytes at once.
#include "lanes_avx512.hpp"

#include "tile_avx512.hpp"

namespace palimpsest {
namespace {

// Written in assembly because GCC 12 copies and spills the accumulators of the intrinsic.
inline void multiply_add(__m512i& sums, __m512i columns, __m512i rows) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(columns), "v"(rows));
}

} // namespace
} // namespace palimpsest

#include "byte_dot_avx512.hpp"

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

} // namespace

const Kernels& avx512vnni_kernels() {
  static const Kernels kernels = {"avx512vnni", tile, passing, 127, false, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
