/*
 * product_mma.cu - D = A B^T + bias in bf16 by our own kernel on the matrix unit (mma.sync, tile.cuh).
 *
 * Shapes   A [rows, inner], B [cols, inner], bias [cols] or NULL, D [rows, cols]; inner and both strides multiples of 8.
 * Work     2 rows cols inner operations. mma.sync is what A100 and the RTX cards have to offer; on Hopper only wgmma reaches the
 *          full rate, so there this kernel stays at 60 % of it at best, and cuBLASLt remains the first choice.
 * Variants tiled (product.cu): the same without matrix unit; this one: where there is no cuBLASLt, and as the yardstick of the
 *          fused selection (fused.cu), whose pre-activations it gives bit for bit.
 * Blocks go through the row tiles first: those that run together share a few column tiles of B and all of a chunk of A.
 * Test: cases `product` of test/; time alone: `bench mma`.
 */
#include "product_mma.h"

#include "arena.h"
#include "tile.cuh"

namespace pal {
namespace {

template <int kStages>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    product_mma(ProductShape shape, int64_t row_tiles, const bf16* __restrict__ a, const bf16* __restrict__ b,
                const bf16* __restrict__ bias, bool pairs, bf16* __restrict__ d) {
  PAL_DYNAMIC_SHARED(bf16, stages);
  const int64_t row0 = blockIdx.x % row_tiles * Tile::kRows, column0 = blockIdx.x / row_tiles * Tile::kColumns;
  Tile tile;
  tile.multiply<kStages>({a, shape.a_stride, row0, shape.rows}, {b, shape.b_stride, column0, shape.cols}, shape.inner, stages);
  PAL_UNROLL
  for (int n = 0; n < Tile::kColumnParts; ++n) {
    const int64_t column = column0 + Tile::column_of(n);
    Pack<float, 2> plus = {};
    PAL_UNROLL
    for (int e = 0; e < 2; ++e) {
      if (bias != nullptr && column + e < shape.cols) plus.element[e] = to_float(bias[column + e]);
    }
    PAL_UNROLL
    for (int m = 0; m < Tile::kRowParts; ++m) {
      PAL_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int64_t row = row0 + Tile::row_of(m, half);
        if (row >= shape.rows) continue;
        bf16* to = d + row * shape.d_stride + column;
        Pack<bf16, 2> rounded;
        PAL_UNROLL
        for (int e = 0; e < 2; ++e) rounded.element[e] = to_bf16(tile.sums[m][n][2 * half + e] + plus.element[e]);
        if (pairs && column + 1 < shape.cols) {
          rounded.store(to);
        } else {
          PAL_UNROLL
          for (int e = 0; e < 2; ++e) {
            if (column + e < shape.cols) to[e] = rounded.element[e];
          }
        }
      }
    }
  }
}

}  // namespace

bool product_mma_fits(const ProductShape& s, const bf16* a, const bf16* b) {
  return s.form == Form::NT && s.inner % 8 == 0 && s.a_stride % 8 == 0 && s.b_stride % 8 == 0 && is_aligned(a, 16) && is_aligned(b, 16);
}

pal_status product_by_mma(const ProductShape& s, const bf16* a, const bf16* b, const bf16* bias, bf16* d, cudaStream_t stream) {
  const int64_t row_tiles = ceil_divide<int64_t>(s.rows, Tile::kRows), column_tiles = ceil_divide<int64_t>(s.cols, Tile::kColumns);
  PAL_REQUIRE(row_tiles * column_tiles < (int64_t{1} << 31), "product of %lld x %lld: too many tiles for a grid",
              static_cast<long long>(s.rows), static_cast<long long>(s.cols));
  const bool pairs = s.d_stride % 2 == 0 && is_aligned(d, 4);
  const int stages = tile_stages();
  return launch("product_mma", stages == 2 ? &product_mma<2> : &product_mma<3>, dim3(static_cast<unsigned>(row_tiles * column_tiles)),
                Tile::kThreads, Tile::shared_bytes(stages), stream, s, row_tiles, a, b, bias, pairs, d);
}

}  // namespace pal
