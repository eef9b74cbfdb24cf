/*
 * record.cu - how a batch went, taken down on the device: firings of every latent, latents that are dead, the sums of the loss.
 *
 * Formula  of every latent i: n firings in the batch; counts[i] += n; where n > 0, last[i] = rows seen. Dead: last[i] <= rows seen
 *          - dead_after (at least 0). Logged: sums, total of n, number of the dead.
 * Shapes   counts, last, batch [M] 64-bit; the log [length, 2] twice.
 * Traffic  16 to 40 bytes a latent: 0.5 to 1.3 MB at M 32768, two launches of a few microseconds.
 * Variants on the host (before): 8 bytes a latent copied and waited for at every step; one block for all latents: one launch, but
 *          32 loads in turn a thread, about 30 us; a thread a latent, a block's total by an atomic addition, and a thread that
 *          ends the batch after them (the one used).
 * Whole numbers add up to the same sum in any order: deterministic. Test: cases `record` of test/; time alone: `bench record`.
 */
#include "arena.h"
#include "block.cuh"
#include "palimpsest_cuda.h"

namespace pal {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) record_latents(pal_cuda_record to, int64_t rows) {
  const int64_t latent = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t seen = to.progress[0] + rows;
  const int64_t horizon = seen > to.dead_after ? seen - to.dead_after : 0;
  int64_t fired = 0;
  unsigned dead = 0;
  if (latent < to.latents) {
    fired = to.batch[latent];
    if (fired > 0) {
      to.batch[latent] = 0;
      to.counts[latent] += fired;
      to.last[latent] = seen;
    } else {
      dead = to.last[latent] <= horizon ? 1 : 0;
    }
  }
  fired = block_sum(fired);
  dead = block_sum(dead);
  if (threadIdx.x != 0) return;
  auto* log = reinterpret_cast<unsigned long long*>(to.firings + 2 * to.progress[1]);
  atomicAdd(&log[0], static_cast<unsigned long long>(fired));
  atomicAdd(&log[1], static_cast<unsigned long long>(dead));
}

/* Logs the sums, and clears the place of the next batch. */
__global__ void __launch_bounds__(kWarpSize) record_batch(pal_cuda_record to, int64_t rows, const double* __restrict__ sums) {
  if (threadIdx.x != 0) return;
  const int64_t place = to.progress[1];
  const int64_t next = place + 1 == to.length ? 0 : place + 1;
  for (int i = 0; i < 2; ++i) {
    to.sums[2 * place + i] = sums[i];
    to.firings[2 * next + i] = 0;
  }
  to.progress[0] += rows;
  to.progress[1] = next;
}

}  // namespace
}  // namespace pal

extern "C" pal_status pal_cuda_record_batch(const pal_cuda_record* record, const float* values, const int32_t* indices, int64_t rows,
                                            int64_t k, const double* sums, pal_stream stream) {
  const char* name = "pal_cuda_record_batch";
  PAL_REQUIRE(record != nullptr, "%s: record is NULL", name);
  const pal_cuda_record& to = *record;
  PAL_REQUIRE(to.latents >= 1, "%s: latents %lld, expected 1 or more", name, static_cast<long long>(to.latents));
  PAL_REQUIRE(to.dead_after >= 1, "%s: dead_after %lld, expected 1 or more", name, static_cast<long long>(to.dead_after));
  PAL_REQUIRE(to.length >= 2, "%s: length %lld, expected 2 or more", name, static_cast<long long>(to.length));
  PAL_REQUIRE(rows >= 1, "%s: rows %lld, expected 1 or more", name, static_cast<long long>(rows));
  PAL_REQUIRE(to.counts != nullptr && to.last != nullptr && to.batch != nullptr && to.progress != nullptr && to.sums != nullptr &&
                  to.firings != nullptr && sums != nullptr,
              "%s: an array is NULL", name);
  PAL_TRY(pal_count_firings(values, indices, rows, k, to.latents, to.batch, stream));
  const auto blocks = static_cast<unsigned>(pal::ceil_divide<int64_t>(to.latents, pal::kThreads));
  PAL_TRY(pal::launch("record_latents", &pal::record_latents, dim3(blocks), pal::kThreads, 0, pal::as_stream(stream), to, rows));
  return pal::launch("record_batch", &pal::record_batch, dim3(1), pal::kWarpSize, 0, pal::as_stream(stream), to, rows, sums);
}
