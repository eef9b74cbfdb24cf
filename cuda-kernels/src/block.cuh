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

}  // namespace pal
