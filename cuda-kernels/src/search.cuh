/* search.cuh - the threshold that at least k of a block's elements reach, found bit by bit. */
#pragma once

#include "block.cuh"

namespace pal {

/* The block's sum of a count, given to every thread. */
template <int kWarps>
__device__ __forceinline__ unsigned block_count(unsigned count) {
  PAL_SHARED(unsigned, partial, kWarps);
  count = __reduce_add_sync(kFullMask, count);
  if (lane_of_thread() == 0) partial[warp_of_thread()] = count;
  __syncthreads();
  unsigned sum = 0;
  PAL_UNROLL
  for (int warp = 0; warp < kWarps; ++warp) sum += partial[warp];
  __syncthreads();
  return sum;
}

/* The largest threshold whose bits below `lowest_bit` are 0 and which at least k of count(threshold) reach; at least 1. */
template <int kWarps, class Count>
__device__ __forceinline__ unsigned search_threshold(unsigned k, int highest_bit, int lowest_bit, Count&& count) {
  unsigned threshold = 0;
  for (int bit = highest_bit; bit >= lowest_bit; --bit) {
    const unsigned trial = threshold | 1u << bit;
    if (block_count<kWarps>(count(trial)) >= k) threshold = trial;
  }
  return threshold == 0 ? 1u : threshold;
}

/* The smallest bound that at least `wanted` of count_below(bound) lie below; there are that many in all. */
template <int kWarps, class Count>
__device__ __forceinline__ unsigned search_bound(unsigned wanted, Count&& count_below) {
  unsigned too_few = 0; /* the largest bound known to leave out too many */
  for (int bit = 31; bit >= 0; --bit) {
    const unsigned trial = too_few | 1u << bit;
    if (block_count<kWarps>(count_below(trial)) < wanted) too_few = trial;
  }
  return too_few + 1;
}

}  // namespace pal
