/*
 * block.cuh - sums over a warp and over a block, in an order that depends on nothing but the number of threads.
 */
#pragma once

#include "device.cuh"

namespace pal {

constexpr int kMaxWarps = 32;

__device__ __forceinline__ int lane_of_thread() { return static_cast<int>(threadIdx.x % kWarpSize); }
__device__ __forceinline__ int warp_of_thread() { return static_cast<int>(threadIdx.x / kWarpSize); }

/* Butterfly sum: every lane gets the same bits. */
template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  PAL_UNROLL
  for (int lanes = 16; lanes > 0; lanes /= 2) value += __shfl_xor_sync(kFullMask, value, lanes);
  return value;
}

/* Sum over the block, given to every thread. All threads must call; blockDim.x is a multiple of 32. */
template <class T>
__device__ __forceinline__ T block_sum(T value) {
  PAL_SHARED(T, partial, kMaxWarps);
  value = warp_sum(value);
  if (lane_of_thread() == 0) partial[warp_of_thread()] = value;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x / kWarpSize);
  T sum = T{};
  for (int warp = 0; warp < warps; ++warp) sum += partial[warp];
  __syncthreads(); /* the next call may write `partial` again */
  return sum;
}

/* The sum of `value` over the threads before this one; *total: over all. All threads must call. */
__device__ __forceinline__ unsigned block_exclusive_sum(unsigned value, unsigned* total) {
  PAL_SHARED(unsigned, warp_total, kMaxWarps);
  unsigned inclusive = value;
  PAL_UNROLL
  for (int lanes = 1; lanes < static_cast<int>(kWarpSize); lanes *= 2) {
    const unsigned before = __shfl_up_sync(kFullMask, inclusive, lanes);
    if (lane_of_thread() >= lanes) inclusive += before;
  }
  if (lane_of_thread() == static_cast<int>(kWarpSize) - 1) warp_total[warp_of_thread()] = inclusive;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x / kWarpSize);
  unsigned before = 0, sum = 0;
  for (int warp = 0; warp < warps; ++warp) {
    if (warp < warp_of_thread()) before += warp_total[warp];
    sum += warp_total[warp];
  }
  __syncthreads(); /* the next call may write `warp_total` again */
  *total = sum;
  return before + inclusive - value;
}

}  // namespace pal
