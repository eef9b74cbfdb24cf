// The 8-bit tile for processors that add products of bytes in two steps, in 16 bits and then in 32. Four groups of numbers
// are added up in 16 bits before they go on, which saves three of four second steps; that they fit is the rows' doing
// (kMostInWindow). Included after a definition of
//   struct Bytes { V; kColumns; load, set, multiply, multiply_add, widen, store }
// for a register V of kColumns times four bytes.
#ifndef PALIMPSEST_BYTE_WINDOWS_HPP
#define PALIMPSEST_BYTE_WINDOWS_HPP

#include "byte_kernels.hpp"

namespace palimpsest {
namespace {

// kRows rows by two registers of columns.
template <int kRows>
struct TilePart {
  using V = Bytes::V;
  static constexpr int64_t kWindow = 4; // groups
  V sums[kRows][2];

  static V four(const int8_t* rows) {
    int32_t bytes;
    __builtin_memcpy(&bytes, rows, sizeof bytes);
    return Bytes::set(bytes);
  }

  // Adds kGroups groups, at most kWindow.
  template <int kGroups>
  void add_window(const int8_t* rows, const uint8_t* columns) {
    V pairs[kRows][2];
#pragma GCC unroll 4
    for (int g = 0; g < kGroups; ++g) {
      const V low = Bytes::load(columns + g * 4 * kTileColumns);
      const V high = Bytes::load(columns + g * 4 * kTileColumns + 4 * Bytes::kColumns);
#pragma GCC unroll 6
      for (int i = 0; i < kRows; ++i) {
        const V x = four(rows + (g * kTileRows + i) * 4);
        if (g == 0) {
          pairs[i][0] = Bytes::multiply(low, x);
          pairs[i][1] = Bytes::multiply(high, x);
        } else {
          Bytes::multiply_add(pairs[i][0], low, x);
          Bytes::multiply_add(pairs[i][1], high, x);
        }
      }
    }
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      sums[i][0] = Bytes::widen(sums[i][0], pairs[i][0]);
      sums[i][1] = Bytes::widen(sums[i][1], pairs[i][1]);
    }
  }

  void run(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) sums[i][0] = sums[i][1] = Bytes::set(start[i]);
    int64_t g = 0;
    for (; g + kWindow <= groups; g += kWindow) {
      add_window<kWindow>(rows + g * kTileRows * 4, columns + g * kTileColumns * 4);
    }
    for (; g < groups; ++g) add_window<1>(rows + g * kTileRows * 4, columns + g * kTileColumns * 4);
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      Bytes::store(out + i * kTileColumns, sums[i][0]);
      Bytes::store(out + i * kTileColumns + Bytes::kColumns, sums[i][1]);
    }
  }
};

template <int kRows>
void tile_in_parts(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out) {
  for (int64_t j = 0; j < kTileColumns; j += 2 * Bytes::kColumns) {
    for (int64_t i = 0; i < kTileRows; i += kRows) {
      TilePart<kRows> part;
      part.run(rows + i * 4, columns + j * 4, groups, start + i, out + i * kTileColumns + j);
    }
  }
}

} // namespace
} // namespace palimpsest

#endif
