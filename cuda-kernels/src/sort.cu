/*
 * sort.cu - groups the selected slots by latent: a stable counting sort, eight bits of the latent at a time.
 *
 * Formula  place = the rank of slot n = r k + s by (latent, n); offsets[i] = how many slots have a latent below i.
 * Shapes   B k slots (262,144 at B 8192, k 32), M latents.
 * Traffic  a pass reads keys twice and writes (key, slot) once: 24 B k bytes, two passes at M 32768: 13 MB. Bound by its
 *          nine launches; predicted 0.03 ms, less within a graph.
 *
 * Variants, naive to best
 *   atomics into buckets      the order within a latent depends on who comes first: not deterministic.
 *   histogram of all M        one pass, but M counters for every tile of slots: 16 MB of counters to scan.
 *   two (three) 8-bit passes  (the one used) 256 counters a tile in shared memory. Stable: a warp ranks its 32 keys with
 *                             __match_any_sync, the warps of a block and the tiles of a batch follow each other in order.
 * The offsets are found by binary search in the sorted keys, a thread a latent: latents without slots cost nothing extra.
 * Test: cases `sort` of test/; time alone: `bench sort`.
 */
#include "sort.h"

#include <algorithm>

#include "block.cuh"

namespace pal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kRadix = SlotSort::kRadix;
constexpr int kPerWarp = SlotSort::kTile / kWarps;
constexpr int kRounds = kPerWarp / 32;
constexpr unsigned kNoDigit = kRadix; /* of a lane past the end */

static_assert(kThreads == kRadix, "a thread looks after a digit");

struct Source {
  const float* values; /* first pass: keys come from values and indices, slots are in order */
  const int32_t* indices;
  const unsigned* keys; /* later passes */
  const unsigned* order;
};

template <bool kFirst>
__device__ __forceinline__ unsigned key_at(const Source& from, int64_t at, int64_t latents) {
  if constexpr (!kFirst) return from.keys[at];
  const int32_t index = from.indices[at];
  const bool counts = from.values[at] != 0.0f && index >= 0 && index < latents;
  return counts ? static_cast<unsigned>(index) : static_cast<unsigned>(latents);
}

/* counts[digit, tile] = how many keys of the tile have the digit. */
template <bool kFirst>
__global__ void __launch_bounds__(kThreads)
    sort_count(Source from, int64_t slots, int64_t latents, int shift, int64_t tiles, unsigned* __restrict__ counts) {
  PAL_SHARED(unsigned, histogram, kRadix);
  histogram[threadIdx.x] = 0;
  __syncthreads();
  const int64_t first = static_cast<int64_t>(blockIdx.x) * SlotSort::kTile;
  for (int i = static_cast<int>(threadIdx.x); i < SlotSort::kTile; i += kThreads) {
    if (first + i < slots) atomicAdd(&histogram[key_at<kFirst>(from, first + i, latents) >> shift & (kRadix - 1)], 1u);
  }
  __syncthreads();
  counts[static_cast<int64_t>(threadIdx.x) * tiles + blockIdx.x] = histogram[threadIdx.x];
}

/* A block a digit: its counts become exclusive sums over the tiles, totals[digit] their sum. */
__global__ void __launch_bounds__(kThreads) sort_scan(int64_t tiles, unsigned* __restrict__ counts, unsigned* __restrict__ totals) {
  unsigned* row = counts + static_cast<int64_t>(blockIdx.x) * tiles;
  unsigned carried = 0;
  for (int64_t first = 0; first < tiles; first += blockDim.x) {
    const int64_t at = first + threadIdx.x;
    unsigned total = 0;
    const unsigned before = block_exclusive_sum(at < tiles ? row[at] : 0u, &total);
    if (at < tiles) row[at] = carried + before;
    carried += total;
  }
  if (threadIdx.x == 0) totals[blockIdx.x] = carried;
}

/* Moves every (key, slot) of a tile to its place by this digit. A warp owns 256 consecutive slots of the tile. */
template <bool kFirst>
__global__ void __launch_bounds__(kThreads)
    sort_scatter(Source from, int64_t slots, int64_t latents, int shift, int64_t tiles, const unsigned* __restrict__ counts,
                 const unsigned* __restrict__ totals, unsigned* __restrict__ keys, unsigned* __restrict__ order) {
  PAL_SHARED(unsigned, next, kWarps * kRadix); /* per warp: the place of its next key with this digit */
  const int thread = static_cast<int>(threadIdx.x);
  const int lane = lane_of_thread();
  for (int warp = 0; warp < kWarps; ++warp) next[warp * kRadix + thread] = 0;
  __syncthreads();

  const int mine = warp_of_thread() * kRadix;
  const int64_t first = static_cast<int64_t>(blockIdx.x) * SlotSort::kTile + warp_of_thread() * kPerWarp + lane;
  unsigned held[kRounds];
  PAL_UNROLL
  for (int round = 0; round < kRounds; ++round) {
    const int64_t at = first + round * 32;
    held[round] = 0;
    if (at < slots) {
      held[round] = key_at<kFirst>(from, at, latents);
      atomicAdd(&next[mine + static_cast<int>(held[round] >> shift & (kRadix - 1))], 1u);
    }
  }

  /* Digit `thread`: all smaller digits, then the tiles before, then the warps before. The sum waits for all threads. */
  unsigned total = 0;
  unsigned running = block_exclusive_sum(totals[thread], &total) + counts[static_cast<int64_t>(thread) * tiles + blockIdx.x];
  for (int warp = 0; warp < kWarps; ++warp) {
    const unsigned count = next[warp * kRadix + thread];
    next[warp * kRadix + thread] = running;
    running += count;
  }
  __syncthreads();

  PAL_UNROLL
  for (int round = 0; round < kRounds; ++round) {
    const int64_t at = first + round * 32;
    const unsigned digit = at < slots ? held[round] >> shift & (kRadix - 1) : kNoDigit;
    const unsigned peers = __match_any_sync(kFullMask, digit);
    const int rank = __popc(peers & ((1u << lane) - 1u));
    unsigned to = 0;
    if (digit != kNoDigit) to = next[mine + static_cast<int>(digit)] + static_cast<unsigned>(rank);
    __syncwarp();
    if (digit != kNoDigit && rank == 0) next[mine + static_cast<int>(digit)] += static_cast<unsigned>(__popc(peers));
    __syncwarp();
    if (digit != kNoDigit) {
      keys[to] = held[round];
      order[to] = kFirst ? static_cast<unsigned>(at) : from.order[at];
    }
  }
}

/* place[order[p]] = p. */
__global__ void __launch_bounds__(kThreads) sort_invert(int64_t slots, const unsigned* __restrict__ order, int32_t* __restrict__ place) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < slots) place[order[at]] = static_cast<int32_t>(at);
}

/* offsets[i] = the first place whose key is not below i, for i = 0 .. M. */
__global__ void __launch_bounds__(kThreads)
    sort_offsets(int64_t slots, int64_t latents, const unsigned* __restrict__ keys, int32_t* __restrict__ offsets) {
  const int64_t latent = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (latent > latents) return;
  int64_t low = 0, high = slots;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (keys[middle] < latent) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  offsets[latent] = static_cast<int32_t>(low);
}

dim3 blocks_for(int64_t elements) { return dim3(static_cast<unsigned>(ceil_divide<int64_t>(elements, kThreads))); }

}  // namespace

SlotSort::SlotSort(int64_t n, int64_t m, Arena& arena) : slots(n), latents(m), tiles(ceil_divide<int64_t>(n, kTile)) {
  for (int i = 0; i < 2; ++i) {
    keys[i] = arena.take<unsigned>(slots);
    order[i] = arena.take<unsigned>(slots);
  }
  counts = arena.take<unsigned>(kRadix * tiles);
  totals = arena.take<unsigned>(kRadix);
  place = arena.take<int32_t>(slots);
  offsets = arena.take<int32_t>(latents + 1);
}

pal_status SlotSort::run(const float* values, const int32_t* indices, cudaStream_t stream) const {
  const dim3 grid(static_cast<unsigned>(tiles));
  const auto scan_threads = static_cast<unsigned>(std::min<int64_t>(kThreads, round_up<int64_t>(tiles, kWarpSize)));
  int to = 0;
  if (slots > 0) {
    Source from{values, indices, nullptr, nullptr};
    /* Keys go up to M, the key of the slots that do not count. */
    for (int shift = 0; shift == 0 || latents >> shift > 0; shift += 8) {
      auto* count = shift == 0 ? &sort_count<true> : &sort_count<false>;
      auto* scatter = shift == 0 ? &sort_scatter<true> : &sort_scatter<false>;
      PAL_TRY(launch("sort_count", count, grid, kThreads, 0, stream, from, slots, latents, shift, tiles, counts));
      PAL_TRY(launch("sort_scan", &sort_scan, dim3(kRadix), scan_threads, 0, stream, tiles, counts, totals));
      PAL_TRY(launch("sort_scatter", scatter, grid, kThreads, 0, stream, from, slots, latents, shift, tiles, counts, totals,
                     keys[to], order[to]));
      from = {nullptr, nullptr, keys[to], order[to]};
      to = 1 - to;
    }
    PAL_TRY(launch("sort_invert", &sort_invert, blocks_for(slots), kThreads, 0, stream, slots, order[1 - to], place));
  }
  return launch("sort_offsets", &sort_offsets, blocks_for(latents + 1), kThreads, 0, stream, slots, latents, keys[1 - to],
                offsets);
}

}  // namespace pal
