// The inner loops for AVX-512 (F, BW, VL, DQ).
#include "lanes_avx512.hpp"

#include "tile_avx512.hpp"

namespace palimpsest {

const Kernels& avx512_kernels() {
  static const Kernels kernels = {"avx512", tile, passing, nullptr, nullptr, pack_columns,
                                  dot, axpy, axpy_centred, divide, update};
  return kernels;
}

} // namespace palimpsest
