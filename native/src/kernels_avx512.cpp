// The inner loops for AVX-512 (F, BW, VL, DQ).
#include "lanes_avx512.hpp"

#include "tile_avx512.hpp"

namespace palimpsest {
namespace {

struct Bytes {
  using V = __m512i;
  static constexpr int64_t kColumns = 16;
  static V load(const uint8_t* columns) { return _mm512_loadu_si512(columns); }
  static V set(int32_t a) { return _mm512_set1_epi32(a); }
  // Sums of two products in 16 bits. They fit, because columns have only 7 bits: 2 * 127 * 127 < 2^15.
  static V multiply(V columns, V rows) { return _mm512_maddubs_epi16(columns, rows); }
  // Written in assembly because GCC 12 puts products off and spills them.
  static void multiply_add(V& pairs, V columns, V rows) {
    V product;
    asm("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+v"(pairs), "=&v"(product) : "v"(columns), "v"(rows));
  }
  static V widen(V sums, V pairs) {
    const V ones = _mm512_set1_epi16(1);
    asm("vpmaddwd %2, %1, %1\n\tvpaddd %1, %0, %0" : "+v"(sums), "+v"(pairs) : "v"(ones));
    return sums;
  }
  static void store(float* to, V sums) { _mm512_storeu_ps(to, _mm512_maskz_cvtepi32_ps(0xffff, sums)); }
};

inline void multiply_add(__m512i& sums, __m512i columns, __m512i rows) {
  sums = Bytes::widen(sums, Bytes::multiply(columns, rows));
}

} // namespace
} // namespace palimpsest

#include "byte_dot_avx512.hpp"
#include "byte_windows.hpp"

namespace palimpsest {
namespace {

// 24 of the 32 registers hold sums, in 32 bits and in 16.
void tile_bytes(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  tile_in_parts<6>(rows, columns, groups, start, out);
}

} // namespace

const Kernels& avx512_kernels() {
  static const Kernels kernels = {"avx512", tile, passing, 63, true, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
