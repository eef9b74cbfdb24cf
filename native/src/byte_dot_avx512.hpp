// The dot product of bytes for AVX-512; included after a definition of
//   void multiply_add(__m512i& sums, __m512i columns, __m512i rows)
// which adds the products of four unsigned and four signed bytes to each 32-bit lane.
#ifndef PALIMPSEST_BYTE_DOT_AVX512_HPP
#define PALIMPSEST_BYTE_DOT_AVX512_HPP

#include "byte_kernels.hpp"

namespace palimpsest {
namespace {

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
