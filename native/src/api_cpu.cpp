// The exported functions of palimpsest_cpu.h: check, then hand on.
#include "palimpsest_cpu.h"

#include "checks.hpp"
#include "dense.hpp"

using namespace palimpsest;

namespace {

constexpr int64_t kMaxSide = int64_t{1} << 24;

pal_status check_sides(const char* name, int64_t in, int64_t out) {
  PAL_TRY(check_range(name, "in", in, 1, kMaxSide));
  return check_range(name, "out", out, 1, kMaxSide);
}

} // namespace

int64_t pal_cpu_packed_floats(int64_t in, int64_t out) {
  if (in < 1 || in > kMaxSide || out < 1 || out > kMaxSide) return 0;
  return ceil_div(out, kTileColumns) * kTileColumns * in;
}

pal_status pal_cpu_pack(const float* weight, int64_t in, int64_t out, int64_t in_stride, int64_t out_stride,
                        float* packed) {
  const char* name = "pal_cpu_pack";
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_pointers(name, {{"weight", weight}, {"packed", packed}}));
  for_each_item(threads(), ceil_div(out, kTileColumns), [&](int, int64_t panel) {
    float* columns = packed + panel * in * kTileColumns;
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t j = 0; j < kTileColumns; ++j) {
        const int64_t o = panel * kTileColumns + j;
        columns[i * kTileColumns + j] = o < out ? weight[o * out_stride + i * in_stride] : 0.0f;
      }
    }
  });
  return PAL_OK;
}

pal_status pal_cpu_linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                          int64_t out, float* y) {
  const char* name = "pal_cpu_linear";
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"packed", packed}, {"x", x}, {"y", y}}));
  linear(packed, bias, x, rows, in, out, y, threads());
  return PAL_OK;
}
