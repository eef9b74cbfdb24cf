/*
 * firings.cu - how often each latent fired.
 *
 * Formula  counts[i] += how many rows selected latent i with a value above 0.
 * Shapes   values, indices [B, k], counts [M] 64-bit.
 * Traffic  8 B k bytes read, one atomic a firing: 2 MB at B 8192, k 32; launch-bound.
 * Variants a thread a slot with one integer atomic (the one used: whole numbers add up to the same sum in any order, so the
 *          result is deterministic); a histogram of the sorted hits would read what the backward pass has sorted, but
 *          evaluation counts without one.
 * A row lists a latent once, so counting slots counts rows. Test: cases `firings` of test/; time alone: `bench firings`.
 */
#include "arena.h"
#include "device.cuh"

namespace pal {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads)
    count_firings(const float* __restrict__ values, const int32_t* __restrict__ indices, int64_t slots, int64_t latents,
                  unsigned long long* __restrict__ counts) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= slots || !(values[at] > 0.0f)) return;
  const int32_t index = indices[at];
  if (index >= 0 && index < latents) atomicAdd(&counts[index], 1ull);
}

}  // namespace
}  // namespace pal

extern "C" pal_status pal_count_firings(const float* values, const int32_t* indices, int64_t rows, int64_t k,
                                        int64_t latents, int64_t* counts, pal_stream stream) {
  PAL_REQUIRE(rows >= 0, "pal_count_firings: rows %lld is negative", static_cast<long long>(rows));
  PAL_REQUIRE(k >= 1, "pal_count_firings: k %lld, expected 1 or more", static_cast<long long>(k));
  PAL_REQUIRE(latents >= 1, "pal_count_firings: latents %lld, expected 1 or more", static_cast<long long>(latents));
  if (rows == 0) return PAL_OK;
  PAL_REQUIRE(values != nullptr && indices != nullptr && counts != nullptr, "pal_count_firings: an array is NULL");
  const int64_t slots = rows * k;
  return pal::launch("count_firings", &pal::count_firings,
                     dim3(static_cast<unsigned>(pal::ceil_divide<int64_t>(slots, pal::kThreads))), pal::kThreads, 0,
                     pal::as_stream(stream), values, indices, slots, latents, reinterpret_cast<unsigned long long*>(counts));
}
