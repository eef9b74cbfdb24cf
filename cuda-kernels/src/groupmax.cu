/*
 * groupmax.cu - the largest of each of k groups of M/k consecutive pre-activations.
 *
 * Formula  slot g of row r = max of P[r, g M/k .. (g + 1) M/k), lowest index on ties; (0, 0) where it is not positive.
 * Traffic  reads P once, writes 8 k bytes a row: the same floor as top-k, and no search at all.
 *
 * Variants  a thread a group reads with a stride of M/k elements: every load a transaction of its own;
 *           a warp a group (the one used): consecutive lanes read consecutive elements, 16 bytes each where the group's
 *           length allows it, then five shuffles of (value, index) pairs.
 * Test: cases `encode groupmax` of test/; time alone: `bench groupmax`.
 */
#include "arena.h"
#include "block.cuh"
#include "select.h"

namespace pal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

template <class T, int kElements>
__global__ void __launch_bounds__(kThreads)
    groupmax(const T* __restrict__ activations, int64_t stride, int64_t group_size, int64_t groups, int64_t slots,
             float* __restrict__ values, int32_t* __restrict__ indices) {
  const int64_t slot = static_cast<int64_t>(blockIdx.x) * kWarps + warp_of_thread();
  if (slot >= slots) return; /* whole warps leave: no barrier follows */
  const int64_t first = slot % groups * group_size;
  const T* group = activations + slot / groups * stride + first;

  unsigned long long best = 0;
  for (int64_t at = static_cast<int64_t>(lane_of_thread()) * kElements; at < group_size;
       at += int64_t{kWarpSize} * kElements) {
    const auto pack = Pack<T, kElements>::load(group + at);
    PAL_UNROLL
    for (int e = 0; e < kElements; ++e) {
      const unsigned key = positive_key(to_float(pack.element[e]));
      const auto rank = ranked(key, static_cast<unsigned>(first + at + e));
      if (key != 0 && rank > best) best = rank;
    }
  }
  PAL_UNROLL
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const auto other = __shfl_xor_sync(kFullMask, best, lanes);
    if (other > best) best = other;
  }
  if (lane_of_thread() == 0) {
    values[slot] = best == 0 ? 0.0f : ranked_value(best);
    indices[slot] = best == 0 ? 0 : ranked_index(best);
  }
}

}  // namespace

template <class T>
pal_status select_groupmax(const T* activations, int64_t stride, int64_t latents, int64_t rows, int64_t k, float* values,
                           int32_t* indices, cudaStream_t stream) {
  constexpr int kElements = 16 / sizeof(T);
  const int64_t group_size = latents / k;
  auto* kernel = group_size % kElements == 0 ? &groupmax<T, kElements> : &groupmax<T, 1>;
  const int64_t blocks = ceil_divide<int64_t>(rows * k, kWarps);
  return launch("groupmax", kernel, dim3(static_cast<unsigned>(blocks)), kThreads, 0, stream, activations, stride,
                group_size, k, rows * k, values, indices);
}

template pal_status select_groupmax<bf16>(const bf16*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*,
                                          cudaStream_t);
template pal_status select_groupmax<float>(const float*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*,
                                           cudaStream_t);

}  // namespace pal
