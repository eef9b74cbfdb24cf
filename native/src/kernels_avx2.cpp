// The inner loops for AVX2 with FMA.
#include "lanes_avx2.hpp"

#include "row_kernels.hpp"

namespace palimpsest {
namespace {

// Six rows by sixteen columns: twelve accumulators, two column registers, one broadcast; sixteen registers are all
// there are. A tile is four such parts.
void part(const float* rows, const float* columns, int64_t depth, bool add, float* out) {
  __m256 sums[6][2];
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    sums[i][0] = add ? _mm256_loadu_ps(out + i * kTileColumns) : _mm256_setzero_ps();
    sums[i][1] = add ? _mm256_loadu_ps(out + i * kTileColumns + 8) : _mm256_setzero_ps();
  }
  for (int64_t p = 0; p < depth; ++p) {
    const __m256 low = _mm256_loadu_ps(columns + p * kTileColumns);
    const __m256 high = _mm256_loadu_ps(columns + p * kTileColumns + 8);
#pragma GCC unroll 6
    for (int i = 0; i < 6; ++i) {
      const __m256 x = _mm256_broadcast_ss(rows + p * kTileRows + i);
      sums[i][0] = _mm256_fmadd_ps(x, low, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(x, high, sums[i][1]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < 6; ++i) {
    _mm256_storeu_ps(out + i * kTileColumns, sums[i][0]);
    _mm256_storeu_ps(out + i * kTileColumns + 8, sums[i][1]);
  }
}

void tile(const float* rows, const float* columns, int64_t depth, bool add, float* out) {
  for (int64_t j = 0; j < kTileColumns; j += 16) {
    for (int64_t i = 0; i < kTileRows; i += 6) part(rows + i, columns + j, depth, add, out + i * kTileColumns + j);
  }
}

} // namespace

const Kernels& avx2_kernels() {
  static const Kernels kernels = {"avx2",       tile, passing, nullptr,      nullptr, pack_columns,
                                  dot,         axpy, axpy_centred, divide, update};
  return kernels;
}

} // namespace palimpsest
