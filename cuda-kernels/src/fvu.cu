/*
 * fvu.cu - the fraction of variance unexplained of a batch, and its gradient.
 *
 * Formula  sums[0] = sum |y - y_hat|^2, sums[1] = sum |y - mean(y)|^2 (mean over rows, per column), FVU = their ratio,
 *          grad = 2 (y_hat - y) / sums[1].
 * Shapes   y_hat, y, grad [B, d] float, sums [2] double.
 * Traffic  first pass reads y and y_hat, second pass reads both and writes grad: 20 B d bytes; B 8192, d 768: 0.13 GB,
 *          0.03 ms at 4.3 TB/s, less where the batch stays in L2.
 *
 * Variants, naive to best
 *   mean first, then squares     three passes over y.
 *   sum and sum of squares       one pass, but sum y^2 - n mean^2 cancels where the mean is large beside the spread.
 *   shifted sums                 (the one used) one pass over y - y[0]. The shift is one of the samples, so
 *                                sum (y - y0)^2 <= (1 + n) sum (y - mean)^2: at most log10(n) of double's 16 digits cancel,
 *                                whatever the data. A constant column gives exactly 0.
 * Two stages in double: each block sums a fixed chunk of rows for 128 columns, then one block a 32 columns adds the chunks
 * in order, then one block adds the columns. No atomics, so the order never changes.
 * Test: cases `fvu` of test/; time alone: `bench fvu`.
 */
#include "fvu.h"

#include <algorithm>

#include "arena.h"
#include "block.cuh"

namespace pal {
namespace {

constexpr int kThreads = 256;
constexpr int kColumns = 128;     /* of a first-stage block: a thread each */
constexpr int64_t kMostChunks = 256;
constexpr int64_t kLeastRows = 32; /* of a chunk */
constexpr int kFinalColumns = 32;

struct Partials {
  int64_t chunk_rows;
  int64_t chunks;
  double* shifted;  /* [chunks, width] sum of y - y0 */
  double* squared;  /* [chunks, width] sum of (y - y0)^2 */
  double* error;    /* [chunks, width] sum of (y - y_hat)^2 */
  double* variance; /* [width] */
  double* errors;   /* [width] */
  size_t bytes;

  Partials(int64_t width, int64_t rows, void* memory)
      : chunk_rows(std::max(kLeastRows, ceil_divide(rows, kMostChunks))), chunks(ceil_divide(rows, chunk_rows)) {
    Arena arena(memory);
    shifted = arena.take<double>(chunks * width);
    squared = arena.take<double>(chunks * width);
    error = arena.take<double>(chunks * width);
    variance = arena.take<double>(width);
    errors = arena.take<double>(width);
    bytes = arena.bytes();
  }
};

__global__ void __launch_bounds__(kColumns)
    fvu_partial(const float* __restrict__ y_hat, const float* __restrict__ y, int64_t rows, int64_t width, Partials to) {
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  if (column >= width) return;
  const int64_t first = static_cast<int64_t>(blockIdx.y) * to.chunk_rows;
  const int64_t end = first + to.chunk_rows < rows ? first + to.chunk_rows : rows;
  const double y0 = y[column];
  double shifted = 0.0, squared = 0.0, error = 0.0;
#if defined(__CUDACC__)
#pragma unroll 4
#endif
  for (int64_t r = first; r < end; ++r) {
    const double value = y[r * width + column];
    const double difference = value - y0;
    shifted += difference;
    squared = fma(difference, difference, squared);
    if (y_hat != nullptr) {
      const double e = value - y_hat[r * width + column];
      error = fma(e, e, error);
    }
  }
  const int64_t at = static_cast<int64_t>(blockIdx.y) * width + column;
  to.shifted[at] = shifted;
  to.squared[at] = squared;
  to.error[at] = error;
}

/* 32 columns a block, eight threads a column; thread l of a column adds chunks l, l + 8, ... and the eight add up. */
__global__ void __launch_bounds__(kThreads) fvu_columns(int64_t rows, int64_t width, Partials p) {
  constexpr int kLanes = kThreads / kFinalColumns;
  PAL_SHARED(double, shifted, kThreads);
  PAL_SHARED(double, squared, kThreads);
  PAL_SHARED(double, error, kThreads);
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kFinalColumns + thread % kFinalColumns;
  double sums[3] = {};
  if (column < width) {
    for (int64_t chunk = thread / kFinalColumns; chunk < p.chunks; chunk += kLanes) {
      sums[0] += p.shifted[chunk * width + column];
      sums[1] += p.squared[chunk * width + column];
      sums[2] += p.error[chunk * width + column];
    }
  }
  shifted[thread] = sums[0];
  squared[thread] = sums[1];
  error[thread] = sums[2];
  __syncthreads();
  if (thread >= kFinalColumns || column >= width) return;
  for (int lane = 1; lane < kLanes; ++lane) {
    sums[0] += shifted[lane * kFinalColumns + thread];
    sums[1] += squared[lane * kFinalColumns + thread];
    sums[2] += error[lane * kFinalColumns + thread];
  }
  const double variance = sums[1] - sums[0] * sums[0] / static_cast<double>(rows);
  p.variance[column] = variance > 0.0 ? variance : (variance <= 0.0 ? 0.0 : variance); /* a NaN stays one */
  p.errors[column] = sums[2];
}

/* to[0] = sum of values in a fixed order; one block. */
__device__ void add_all(const double* values, int64_t count, double* to) {
  double sum = 0.0;
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) sum += values[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *to = sum;
}

__global__ void __launch_bounds__(kThreads)
    fvu_total(const double* __restrict__ errors, const double* __restrict__ variance, int64_t count, double* __restrict__ sums) {
  if (errors != nullptr) add_all(errors, count, sums);
  if (variance != nullptr) add_all(variance, count, sums + 1);
}

template <int V>
__global__ void __launch_bounds__(kThreads)
    fvu_grad(const float* y_hat, const float* __restrict__ y, int64_t elements, const double* __restrict__ sums, float* grad) {
  const int64_t at = (static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x) * V;
  if (at >= elements) return;
  const double scale = fvu_scale(sums[1]);
  auto columns = Pack<float, V>::load(y_hat + at);
  const auto target = Pack<float, V>::load(y + at);
  PAL_UNROLL
  for (int e = 0; e < V; ++e) columns.element[e] = fvu_gradient(columns.element[e], target.element[e], scale);
  columns.store(grad + at);
}

pal_status statistics(const float* y_hat, const float* y, int64_t rows, int64_t width, const Partials& parts,
                      cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(ceil_divide<int64_t>(width, kColumns)), static_cast<unsigned>(parts.chunks));
  PAL_TRY(launch("fvu_partial", &fvu_partial, grid, kColumns, 0, stream, y_hat, y, rows, width, parts));
  return launch("fvu_columns", &fvu_columns, dim3(static_cast<unsigned>(ceil_divide<int64_t>(width, kFinalColumns))), kThreads,
                0, stream, rows, width, parts);
}

}  // namespace

pal_status fvu_variance(const float* y, int64_t rows, int64_t width, double* sums, void* workspace, cudaStream_t stream) {
  const Partials parts(width, rows, workspace);
  PAL_TRY(statistics(nullptr, y, rows, width, parts, stream));
  return launch("fvu_total", &fvu_total, dim3(1), kThreads, 0, stream, nullptr, parts.variance, width, sums);
}

pal_status fvu_error_of_rows(const double* row_errors, int64_t rows, double* sums, void*, cudaStream_t stream) {
  return launch("fvu_total", &fvu_total, dim3(1), kThreads, 0, stream, row_errors, nullptr, rows, sums);
}

}  // namespace pal

extern "C" {

size_t pal_fvu_workspace_bytes(int64_t width, int64_t rows) {
  if (width <= 0 || rows <= 0) return 0;
  return pal::Partials(width, rows, nullptr).bytes;
}

pal_status pal_fvu(const float* y_hat, const float* y, int64_t rows, int64_t width, float* grad, double* sums,
                   void* workspace, size_t workspace_bytes, pal_stream stream) {
  PAL_REQUIRE(width > 0, "pal_fvu: width %lld, expected 1 or more", static_cast<long long>(width));
  PAL_REQUIRE(rows >= 0, "pal_fvu: rows %lld is negative", static_cast<long long>(rows));
  PAL_REQUIRE(sums != nullptr, "pal_fvu: sums is NULL");
  const cudaStream_t s = pal::as_stream(stream);
  if (rows == 0) return pal::check_cuda(cudaMemsetAsync(sums, 0, 2 * sizeof(double), s), "pal_fvu");
  PAL_REQUIRE(y_hat != nullptr && y != nullptr, "pal_fvu: y_hat or y is NULL");
  const size_t needed = pal_fvu_workspace_bytes(width, rows);
  PAL_REQUIRE(workspace != nullptr && workspace_bytes >= needed, "pal_fvu: workspace of %zu bytes, expected %zu",
              workspace_bytes, needed);
  PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment), "pal_fvu: workspace is not aligned to %zu bytes", pal::kAlignment);
  const pal::Partials parts(width, rows, workspace);
  PAL_TRY(pal::statistics(y_hat, y, rows, width, parts, s));
  PAL_TRY(pal::launch("fvu_total", &pal::fvu_total, dim3(1), pal::kThreads, 0, s, parts.errors, parts.variance, width, sums));
  if (grad == nullptr) return PAL_OK;
  const int64_t elements = rows * width;
  const bool vectors = elements % 4 == 0 && pal::is_aligned(y_hat, 16) && pal::is_aligned(y, 16) && pal::is_aligned(grad, 16);
  const auto blocks = static_cast<unsigned>(pal::ceil_divide<int64_t>(elements, pal::kThreads * (vectors ? 4 : 1)));
  return pal::launch("fvu_grad", vectors ? &pal::fvu_grad<4> : &pal::fvu_grad<1>, dim3(blocks), pal::kThreads, 0, s, y_hat, y, elements, sums, grad);
}

}  // extern "C"
