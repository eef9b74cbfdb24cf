/* fvu.h - pieces of the loss that the decoder shares. */
#pragma once

#include "pack.cuh"

namespace pal {

/* d FVU / d y_hat = 2 (y_hat - y) / sums[1]; 0 where the target does not vary. The scale is a division: once a thread. */
__device__ __forceinline__ double fvu_scale(double variance_sum) { return variance_sum > 0.0 ? 2.0 / variance_sum : 0.0; }
__device__ __forceinline__ float fvu_gradient(float y_hat, float y, double scale) {
  return scale > 0.0 ? static_cast<float>((static_cast<double>(y_hat) - y) * scale) : 0.0f;
}

/* sums[1] = sum |y - mean(y)|^2; the workspace is pal_fvu's. */
pal_status fvu_variance(const float* y, int64_t rows, int64_t width, double* sums, void* workspace, cudaStream_t stream);

/* sums[0] = the sum of row_errors, in a fixed order; the workspace is pal_fvu's. */
pal_status fvu_error_of_rows(const double* row_errors, int64_t rows, double* sums, void* workspace, cudaStream_t stream);

}  // namespace pal
