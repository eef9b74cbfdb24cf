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

#include "byte_tile_avx512.hpp"

namespace palimpsest {

const Kernels& avx512vnni_kernels() {
  static const Kernels kernels = {"avx512vnni", tile, passing, 127, tile_bytes, dot_bytes, quantize, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
