// The inner loops for AVX-512 with VNNI and BF16, whose vdpbf16ps multiplies and adds 32 pairs of 16-bit numbers at once. It
// adds the product of the upper halves, then that of the lower ones, each in one rounding, with subnormals as zeros: what
// pair_kernels.hpp writes out.
#include "lanes_avx512.hpp"

#include "row_kernels.hpp"

namespace palimpsest {
namespace {

// kRows rows by two registers of sixteen columns: twelve rows fill 24 of the 32 registers; fewer serve where rows end.
template <int kRows>
void part_pairs(const uint32_t* rows, int64_t step, const uint32_t* columns, int64_t depth, const float* bias,
                float* out, int64_t stride) {
  __m512 sums[kRows][2];
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = _mm512_setzero_ps();
  for (int64_t p = 0; p < depth; ++p, rows += step, columns += kTileColumns) {
    const auto low = reinterpret_cast<__m512bh>(_mm512_loadu_si512(columns));
    const auto high = reinterpret_cast<__m512bh>(_mm512_loadu_si512(columns + 16));
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(rows[i])));
      sums[i][0] = _mm512_dpbf16_ps(sums[i][0], x, low);
      sums[i][1] = _mm512_dpbf16_ps(sums[i][1], x, high);
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
    if (bias) {
      sums[i][0] = _mm512_add_ps(sums[i][0], _mm512_loadu_ps(bias));
      sums[i][1] = _mm512_add_ps(sums[i][1], _mm512_loadu_ps(bias + 16));
    }
    _mm512_storeu_ps(out + i * stride, sums[i][0]);
    _mm512_storeu_ps(out + i * stride + 16, sums[i][1]);
  }
}

void tile_pairs(const uint32_t* rows, int64_t count, const uint32_t* columns, int64_t depth, const float* bias,
                float* out, int64_t stride) {
  const FlushSubnormals flush;
  if (count == kTileRows) return part_pairs<12>(rows, kTileRows, columns, depth, bias, out, stride);
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) part_pairs<4>(rows + i, count, columns, depth, bias, out + i * stride, stride);
  for (; i < count; ++i) part_pairs<1>(rows + i, count, columns, depth, bias, out + i * stride, stride);
}

} // namespace

const Kernels& avx512bf16_kernels() {
  static const Kernels kernels = [] {
    Kernels table = avx512vnni_kernels();
    table.name = "avx512bf16";
    table.tile_pairs = tile_pairs;
    return table;
  }();
  return kernels;
}

} // namespace palimpsest
