/*
 * rows.cu - two operations on every row of a matrix: removing a gradient's part along a unit row, and normalising rows.
 *
 * Formula  pal_remove_parallel: g[i] -= <g[i], w[i]> w[i];   pal_normalize_rows: w[i] /= |w[i]| + 2^-23
 * Traffic  remove: reads w and g, writes g, 12 bytes an element; normalise: 8. At d 768, M 32768: 0.30 and 0.20 GB, 0.07 and
 *          0.05 ms at 4.3 TB/s. The fused step does both on rows it holds anyway.
 * Variants a warp a row: 24 loads a lane at d 768 one after the other; a block a row (the one used): one 16-byte load a
 *          thread, a sum over the block, and the row is read again from L1.
 * The sum has the order of rows.cuh, which the fused step shares. Test: cases `update`; time alone: `bench rows`.
 */
#include "rows.cuh"

namespace pal {
namespace {

template <int V>
__global__ void __launch_bounds__(kMaxRowThreads) remove_parallel(const float* __restrict__ w, float* __restrict__ g, int64_t width) {
  const float* weights = w + static_cast<int64_t>(blockIdx.x) * width;
  float* gradient = g + static_cast<int64_t>(blockIdx.x) * width;
  using Columns = Pack<float, V>;
  const float along = row_dot<V>(width, [&](int64_t c) { return Columns::load(gradient + c); },
                                 [&](int64_t c) { return Columns::load(weights + c); });
  for_own_columns<V>(width, [&](int64_t column) {
    auto left = Columns::load(gradient + column);
    const auto unit = Columns::load(weights + column);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) left.element[e] -= along * unit.element[e];
    left.store(gradient + column);
  });
}

template <int V>
__global__ void __launch_bounds__(kMaxRowThreads) normalize_rows(float* __restrict__ w, int64_t width) {
  float* weights = w + static_cast<int64_t>(blockIdx.x) * width;
  const auto own = [&](int64_t column) { return Pack<float, V>::load(weights + column); };
  const float divisor = inverse_norm_divisor(row_dot<V>(width, own, own));
  for_own_columns<V>(width, [&](int64_t column) {
    auto unit = own(column);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) unit.element[e] /= divisor;
    unit.store(weights + column);
  });
}

pal_status check_rows(const char* function, int64_t rows, int64_t width) {
  PAL_REQUIRE(rows >= 0 && rows < (int64_t{1} << 31), "%s: rows %lld, expected 0 .. 2^31 - 1", function, static_cast<long long>(rows));
  PAL_REQUIRE(width >= 1, "%s: width %lld, expected 1 or more", function, static_cast<long long>(width));
  return PAL_OK;
}

}  // namespace
}  // namespace pal

extern "C" {

pal_status pal_remove_parallel(const float* w, float* g, int64_t rows, int64_t width, pal_stream stream) {
  PAL_TRY(pal::check_rows("pal_remove_parallel", rows, width));
  if (rows == 0) return PAL_OK;
  PAL_REQUIRE(w != nullptr && g != nullptr, "pal_remove_parallel: w or g is NULL");
  const bool vectors = pal::rows_are_vectors(width, w, g);
  return pal::launch("remove_parallel", vectors ? &pal::remove_parallel<4> : &pal::remove_parallel<1>,
                     dim3(static_cast<unsigned>(rows)), pal::row_threads(width, vectors ? 4 : 1), 0, pal::as_stream(stream), w,
                     g, width);
}

pal_status pal_normalize_rows(float* w, int64_t rows, int64_t width, pal_stream stream) {
  PAL_TRY(pal::check_rows("pal_normalize_rows", rows, width));
  if (rows == 0) return PAL_OK;
  PAL_REQUIRE(w != nullptr, "pal_normalize_rows: w is NULL");
  const bool vectors = pal::rows_are_vectors(width, w);
  return pal::launch("normalize_rows", vectors ? &pal::normalize_rows<4> : &pal::normalize_rows<1>,
                     dim3(static_cast<unsigned>(rows)), pal::row_threads(width, vectors ? 4 : 1), 0, pal::as_stream(stream), w,
                     width);
}

}  // extern "C"
