// The inner loops in plain C++, for processors without AVX2; std::fma keeps the bits of the other two.
#include "lanes_portable.hpp"

#include "pair_kernels.hpp"

namespace palimpsest {
namespace {

void tile(const float* const* rows, int64_t step, const float* columns, int64_t depth, const float* bias, float* out,
          int64_t stride) {
  for (int64_t i = 0; i < kTileRows; ++i) {
    for (int64_t half = 0; half < kTileColumns; half += Lanes::kCount) {
      Lanes sum = Lanes::set(0.0f);
      for (int64_t p = 0; p < depth; ++p) {
        sum = Lanes::fma(Lanes::set(rows[i][p * step]), Lanes::load(columns + p * kTileColumns + half), sum);
      }
      if (bias) sum = sum + Lanes::load(bias + half);
      sum.store(out + i * stride + half);
    }
  }
}

} // namespace

const Kernels& portable_kernels() {
  static const Kernels kernels = {"portable", tile, passing, 0, false, nullptr, nullptr, nullptr, pack_columns,
                                  dot, axpy, axpy_centred, softmax, take_exponentials, divide, pack_pairs,
                                  tile_pairs, update};
  return kernels;
}

} // namespace palimpsest
