// The inner loops for AVX-512 (F, BW, VL, DQ).
#include "lanes_avx512.hpp"

#include "tile_avx512.hpp"

namespace palimpsest {
namespace {

// Sums of two products stay within 16 bits, because columns have only 7 bits: 2 * 127 * 127 < 2^15.
inline void multiply_add(__m512i& sums, __m512i columns, __m512i rows) {
  const __m512i pairs = _mm512_maddubs_epi16(columns, rows);
  sums = _mm512_add_epi32(sums, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
}

} // namespace
} // namespace palimpsest

#include "byte_tile_avx512.hpp"

namespace palimpsest {

const Kernels& avx512_kernels() {
  static const Kernels kernels = {"avx512", tile, passing, 63, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
