// The inner loops for AVX2 with FMA.
#include "lanes_avx2.hpp"

namespace palimpsest {
namespace {

struct Bytes {
  using V = __m256i;
  static constexpr int64_t kColumns = 8;
  static V load(const uint8_t* columns) { return _mm256_loadu_si256(reinterpret_cast<const V*>(columns)); }
  static V set(int32_t a) { return _mm256_set1_epi32(a); }
  // Sums of two products in 16 bits. They fit, because columns have only 7 bits: 2 * 127 * 127 < 2^15.
  static V multiply(V columns, V rows) { return _mm256_maddubs_epi16(columns, rows); }
  // Written in assembly because GCC 12 puts products off and spills them.
  static void multiply_add(V& pairs, V columns, V rows) {
    V product;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(pairs), "=&x"(product) : "x"(columns), "x"(rows));
  }
  static V widen(V sums, V pairs) {
    const V ones = _mm256_set1_epi16(1);
    asm("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+x"(sums), "+x"(pairs) : "m"(ones));
    return sums;
  }
  static void store(float* to, V sums) { _mm256_storeu_ps(to, _mm256_cvtepi32_ps(sums)); }
};

} // namespace
} // namespace palimpsest

#include "byte_windows.hpp"
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

// Six sums in 32 bits, six in 16, two registers of columns, one of a row and one product are all sixteen registers.
void tile_bytes(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  tile_in_parts<3>(rows, columns, groups, start, out);
}

// Adds the products of four unsigned and four signed bytes to each 32-bit lane.
inline __m256i multiply_add(__m256i sums, __m256i columns, __m256i rows) {
  return Bytes::widen(sums, Bytes::multiply(columns, rows));
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
  static const Kernels kernels = {"avx2", tile, passing, 63, true, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
