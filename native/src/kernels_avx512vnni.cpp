// The inner loops for AVX-512 with VNNI, whose vpdpbusd multiplies and adds 64 pairs of bytes at once.
#include "lanes_avx512.hpp"

#include "tile_avx512.hpp"

namespace palimpsest {
namespace {

// sums += columns (unsigned) times rows (signed), four bytes to a lane. Written in assembly because GCC 12 copies and
// spills the accumulators of the intrinsic.
inline void multiply_add(__m512i& sums, __m512i columns, __m512i rows) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(columns), "v"(rows));
}

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

Quantized quantize(const float* v, const float* factors, int64_t n, int8_t* q) {
  __m512 largest = _mm512_setzero_ps();
  for (int64_t p = 0; p < n; p += 16) {
    const __mmask16 mask = n - p < 16 ? Lanes::mask(n - p) : 0xffff;
    const __m512 a = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, v + p), _mm512_maskz_loadu_ps(mask, factors + p));
    largest = _mm512_maskz_max_ps(0xffff, largest, _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a));
  }
  Quantized result = {_mm512_reduce_max_ps(largest) / 127.0f, 0.0f, 0.0f, 0};
  const __m512 inverse = _mm512_set1_ps(result.step > 0.0f ? 1.0f / result.step : 0.0f);
  const __m512 step = _mm512_set1_ps(result.step);
  __m512 square = _mm512_setzero_ps(), residual_square = _mm512_setzero_ps();
  __m512i sum = _mm512_setzero_si512();
  for (int64_t p = 0; p < n; p += 16) {
    const __mmask16 mask = n - p < 16 ? Lanes::mask(n - p) : 0xffff;
    const __m512 a = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, v + p), _mm512_maskz_loadu_ps(mask, factors + p));
    __m512i whole = _mm512_maskz_cvtps_epi32(0xffff, _mm512_mul_ps(a, inverse));
    whole = _mm512_maskz_max_epi32(0xffff, _mm512_maskz_min_epi32(0xffff, whole, _mm512_set1_epi32(127)),
                                   _mm512_set1_epi32(-127));
    const __m512 residual = _mm512_fnmadd_ps(step, _mm512_maskz_cvtepi32_ps(0xffff, whole), a);
    square = _mm512_fmadd_ps(a, a, square);
    residual_square = _mm512_fmadd_ps(residual, residual, residual_square);
    sum = _mm512_add_epi32(sum, whole);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q + p), _mm512_maskz_cvtepi32_epi8(0xffff, whole));
  }
  result.square = _mm512_reduce_add_ps(square);
  result.residual_square = _mm512_reduce_add_ps(residual_square);
  result.sum = _mm512_reduce_add_epi32(sum);
  return result;
}

} // namespace

const Kernels& avx512vnni_kernels() {
  static const Kernels kernels = {"avx512vnni", tile, passing, tile_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, divide, update};
  return kernels;
}

} // namespace palimpsest
