// The 16-bit product by a matrix unit of tiles (AMX): up to kTileRows rows by kTileColumns columns in two tiles of sums, 16
// pairs at a time. `Tiles` is the unit: the processor's (kernels_amx.cpp), or one that follows its description step by step,
// by which this is tested wherever there is none (tests/test_amx.cpp).
//
// Within 16 pairs the unit adds up the products of the first and those of the second numbers apart, so that bits are not those
// of the other instruction sets. They depend on the row and the weights alone all the same.
#ifndef PALIMPSEST_AMX_TILES_HPP
#define PALIMPSEST_AMX_TILES_HPP

#include <cstdint>

#include "bf16.hpp"
#include "kernels.hpp"

namespace palimpsest {
namespace {

constexpr int64_t kTilePairs = 16; // of a tile's row: 64 bytes

// As Kernels::pack_pairs, but row after row, [count][ceil(n / 2)], which is what a tile is loaded from.
void pack_pair_rows(const float* const* rows, int64_t count, int64_t n, uint32_t* pairs) {
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t p = 0; p < n / 2; ++p) *pairs++ = pair_of(bits_of(rows[i][2 * p]), bits_of(rows[i][2 * p + 1]));
    if (n % 2) *pairs++ = pair_of(bits_of(rows[i][n - 1]), 0);
  }
}

// As Kernels::tile_pairs, of rows so packed.
template <class Tiles>
void tile_pair_rows(const uint32_t* rows, int64_t count, const uint32_t* columns, int64_t depth, const float* bias, float* out,
                    int64_t stride) {
  alignas(64) float sums[kTileRows * kTileColumns];
  {
    Tiles tiles(count, depth % kTilePairs);
    int64_t p = 0;
    for (; p + kTilePairs <= depth; p += kTilePairs) tiles.add(rows + p, depth, columns + p * kTileColumns);
    if (p < depth) tiles.add_rest(rows + p, depth, columns + p * kTileColumns);
    tiles.store(sums);
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < kTileColumns; ++j) {
      out[i * stride + j] = sums[i * kTileColumns + j] + (bias ? bias[j] : 0.0f);
    }
  }
}

} // namespace
} // namespace palimpsest

#endif
