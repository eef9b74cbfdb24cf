// The inner loops for AVX2 with FMA.
#include "lanes_avx2.hpp"

#include "byte_kernels.hpp"
#include "pair_kernels.hpp"

namespace palimpsest {
namespace {

// Six rows by sixteen columns: twelve accumulators, two column registers, one broadcast; sixteen registers are all
// there are. A tile is four such parts.
void part(const float* const* rows, int64_t step, const float* columns, int64_t depth, const float* bias, float* out,
          int64_t stride) {
  __m256 sums[6][2];
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) sums[i][0] = sums[i][1] = _mm256_setzero_ps();
  for (int64_t p = 0, at = 0; p < depth; ++p, at += step) {
    const __m256 low = _mm256_loadu_ps(columns + p * kTileColumns);
    const __m256 high = _mm256_loadu_ps(columns + p * kTileColumns + 8);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      const __m256 x = _mm256_broadcast_ss(rows[i] + at);
      sums[i][0] = _mm256_fmadd_ps(x, low, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(x, high, sums[i][1]);
    }
  }
  if (bias) {
    const __m256 low = _mm256_loadu_ps(bias), high = _mm256_loadu_ps(bias + 8);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      sums[i][0] = _mm256_add_ps(sums[i][0], low);
      sums[i][1] = _mm256_add_ps(sums[i][1], high);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    _mm256_storeu_ps(out + i * stride, sums[i][0]);
    _mm256_storeu_ps(out + i * stride + 8, sums[i][1]);
  }
}

void tile(const float* const* rows, int64_t step, const float* columns, int64_t depth, const float* bias, float* out,
          int64_t stride) {
  for (int64_t j = 0; j < kTileColumns; j += 16) {
    for (int64_t i = 0; i < kTileRows; i += 6) {
      part(rows + i, step, columns + j, depth, bias ? bias + j : nullptr, out + i * stride + j, stride);
    }
  }
}

// Adds the products of four unsigned and four signed bytes to each 32-bit lane. Sums of two products stay within 16
// bits, because columns have only 7 bits: 2 * 127 * 127 < 2^15.
inline __m256i multiply_add(__m256i sums, __m256i columns, __m256i rows) {
  const __m256i pairs = _mm256_maddubs_epi16(columns, rows);
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

void part_bytes(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  __m256i sums[6][2];
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) sums[i][0] = sums[i][1] = _mm256_set1_epi32(start[i]);
  for (int64_t g = 0; g < groups; ++g) {
    const auto* four_columns = reinterpret_cast<const __m256i*>(columns + g * 4 * kTileColumns);
    const __m256i low = _mm256_loadu_si256(four_columns), high = _mm256_loadu_si256(four_columns + 1);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      int32_t four;
      __builtin_memcpy(&four, rows + (g * kTileRows + i) * 4, sizeof four);
      const __m256i x = _mm256_set1_epi32(four);
      sums[i][0] = multiply_add(sums[i][0], low, x);
      sums[i][1] = multiply_add(sums[i][1], high, x);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    _mm256_storeu_ps(out + i * kTileColumns, _mm256_cvtepi32_ps(sums[i][0]));
    _mm256_storeu_ps(out + i * kTileColumns + 8, _mm256_cvtepi32_ps(sums[i][1]));
  }
}

void tile_bytes(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  for (int64_t j = 0; j < kTileColumns; j += 16) {
    for (int64_t i = 0; i < kTileRows; i += 6) {
      part_bytes(rows + i * 4, columns + j * 4, groups, start + i, out + i * kTileColumns + j);
    }
  }
}

int32_t dot_bytes(const int8_t* row, const uint8_t* column, int64_t n) {
  __m256i sums[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
  const auto* r = reinterpret_cast<const __m256i*>(row);
  const auto* c = reinterpret_cast<const __m256i*>(column);
  for (int64_t p = 0; p < padded_bytes(n) / 32; p += 2) {
    sums[0] = multiply_add(sums[0], _mm256_loadu_si256(c + p), _mm256_loadu_si256(r + p));
    sums[1] = multiply_add(sums[1], _mm256_loadu_si256(c + p + 1), _mm256_loadu_si256(r + p + 1));
  }
  const __m256i both = _mm256_add_epi32(sums[0], sums[1]);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}

} // namespace

const Kernels& avx2_kernels() {
  static const Kernels kernels = {"avx2", tile, passing, 63, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
