/*
 * record.cu - how a batch went, taken down on the device: firings of every latent, latents that are dead, the sums of the loss.
 *
 * Formula  of every latent i: n firings in the batch; counts[i] += n; where n > 0, last[i] = rows seen. Dead: last[i] <= rows seen
 *          - dead_after (at least 0). Logged: sums, total of n, number of the dead.
 * Shapes   counts, last, batch [M] 64-bit; the log [length, 2] twice.
 * Traffic  16 to 40 bytes a latent: 0.5 to 1.3 MB at M 32768, by one multiprocessor in 5 to 10 us, beside nothing else.
 * Variants on the host (before): 8 bytes a latent copied and waited for at every step; blocks with an atomic sum each: the row
 *          count, which all of them read and one of them advances, would need a launch of its own; one block (the one used).
 * Whole numbers, and each latent has its thread: deterministic. Test: cases `record` of test/; time alone: `bench record`.
 */
#include "block.cuh"
#include "palimpsest_cuda.h"

namespace pal {
namespace {

constexpr int kThreads = 512;

__global__ void __launch_bounds__(kThreads) record_batch(pal_cuda_record to, int64_t rows, const double* __restrict__ sums) {
  const int64_t seen = to.progress[0] + rows;
  const int64_t place = to.progress[1] % to.length;
  const int64_t horizon = seen > to.dead_after ? seen - to.dead_after : 0;
  int64_t fired = 0, dead = 0;
  for (int64_t latent = threadIdx.x; latent < to.latents; latent += kThreads) {
    const int64_t now = to.batch[latent];
    if (now > 0) {
      to.batch[latent] = 0;
      to.counts[latent] += now;
      to.last[latent] = seen;
      fired += now;
    } else if (to.last[latent] <= horizon) {
      ++dead;
    }
  }
  fired = block_sum(fired); /* its barriers also stand between all reading `progress` and the first thread's writing it */
  dead = block_sum(dead);
  if (threadIdx.x != 0) return;
  for (int i = 0; i < 2; ++i) to.sums[2 * place + i] = sums[i];
  to.firings[2 * place] = fired;
  to.firings[2 * place + 1] = dead;
  to.progress[0] = seen;
  ++to.progress[1];
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
  PAL_REQUIRE(to.length >= 1, "%s: length %lld, expected 1 or more", name, static_cast<long long>(to.length));
  PAL_REQUIRE(rows >= 1, "%s: rows %lld, expected 1 or more", name, static_cast<long long>(rows));
  PAL_REQUIRE(to.counts != nullptr && to.last != nullptr && to.batch != nullptr && to.progress != nullptr && to.sums != nullptr &&
                  to.firings != nullptr && sums != nullptr,
              "%s: an array is NULL", name);
  PAL_TRY(pal_count_firings(values, indices, rows, k, to.latents, to.batch, stream));
  return pal::launch("record_batch", &pal::record_batch, dim3(1), pal::kThreads, 0, pal::as_stream(stream), to, rows, sums);
}
