/*
 * fused.cu - E2: top-k fused with the product. No buffer of pre-activations; the result is certified, not guessed.
 *
 * Formula  P = bf16(x W_enc^T + bias): fp32 sums over ascending groups of 16 columns as the matrix unit adds them (tile.cuh),
 *          plus the bias in fp32, rounded once. values, indices = the k largest positive of each row of P, ties to the lowest
 *          index; then (0, 0). So the result is E0's bit for bit where E0's product is by product_mma.cu; cuBLASLt may add in
 *          another order, and a P that rounds differently then may change places with its neighbour.
 * Shapes   x [rows, d] and W_enc [M, d] in bf16, kept [rows, M / 64, 4], values and indices [rows, k].
 *
 * Two stages
 *   best_of_groups      product tile by tile; of each row's 64 neighbouring columns the best 4 are kept, as 32-bit words: the
 *                       upper 16 bits the value, the lower 63 - place, so that the larger word is the better one. Sorting
 *                       networks in registers, then two exchanges among the four lanes that share a row.
 *   select_certified    a block a row. The k-th best of what was kept bounds the true k-th best from below. A group hides
 *                       something only behind its fourth; so a group whose fourth is among those k may hide more, and no
 *                       other does. At most k / 4 groups are like that: their 64 columns are computed anew, by the same
 *                       instruction in the same order, so to the same bits. What reaches the bound is ranked.
 *          With latents firing independently a row has such a group about 3 times in 10,000 at k 32, M 32768, and 6 in 10
 *          rows at k 256. A row of equal values has k / 4: slower, not wrong.
 *
 * Traffic  a row at M 32768: 8 KB kept, written and read, against E0's 64 KB; W_enc and x as every product. B 8192: 0.13 GB,
 *          mostly in L2. At mma.sync's best rate on Hopper (about 60 % of wgmma's) the product alone takes 0.85 ms against
 *          cuBLASLt's 0.52, more than the 0.18 ms to be won; on A100, where mma.sync is the full rate, 412 GFLOP take 1.5 ms and
 *          E2 saves 1.07 GB of traffic, 0.6 ms. The epilogue is some 2000 instructions a warp beside 1536 matrix
 *          instructions of 8 cycles and more. Memory is the other gain: 67 MB at B 8192 instead of 512. Predictions, not measurements.
 *
 * Variants  one best a group (E1's group maxima): k groups to recompute in every row;
 *           a running threshold a row: needs all columns of a row in one block, 64 blocks at B 8192;
 *           rows redone as a whole: either a host that waits for their number, or launches for the worst case;
 *           groups of 64 keep 4, groups are redone (the one used).
 * Test: cases `fused` of test/; time alone: `bench fused`.
 */
#include "fused.h"

#include "arena.h"
#include "search.cuh"
#include "select.h"
#include "tile.cuh"

namespace pal {
namespace {

static_assert(kFusedGroup == Tile::kWarpColumns, "a warp sees a whole group");

constexpr unsigned kPlaceMask = 0xffffu;

/*
 * A pre-activation, rounded to bf16, and its place in its group as one word, the larger the better; below 0x10000: not to be
 * selected (zero, negative, NaN).
 */
__device__ __forceinline__ unsigned kept_word(float value, int place) {
  if (!(value > 0.0f)) return 0;
  return (static_cast<unsigned>(to_bf16(value).bits) << 16) | static_cast<unsigned>(kFusedGroup - 1 - place);
}
__device__ __forceinline__ unsigned value_of(unsigned word) { return word >> 16; }
__device__ __forceinline__ unsigned place_of(unsigned word) { return static_cast<unsigned>(kFusedGroup) - 1 - (word & kPlaceMask); }

/* ---- stage 1 -------------------------------------------------------------------------------------------------------- */

__device__ __forceinline__ void order(unsigned& better, unsigned& worse) {
  const unsigned larger = better > worse ? better : worse;
  worse = better > worse ? worse : better;
  better = larger;
}

/* Four words, best first. */
struct Best {
  unsigned word[4];

  static __device__ __forceinline__ Best of(unsigned a, unsigned b, unsigned c, unsigned d) {
    order(a, b);
    order(c, d);
    order(a, c);
    order(b, d);
    order(b, c);
    return {{a, b, c, d}};
  }
  /* The best four of both: each of this with the opposite of the other leaves them, in a bitonic order. */
  __device__ __forceinline__ void merge(const Best& other) {
    PAL_UNROLL
    for (int i = 0; i < 4; ++i) word[i] = word[i] > other.word[3 - i] ? word[i] : other.word[3 - i];
    order(word[0], word[2]);
    order(word[1], word[3]);
    order(word[0], word[1]);
    order(word[2], word[3]);
  }
};

template <int kStages>
__global__ void __launch_bounds__(Tile::kThreads, 2)
    best_of_groups(const bf16* __restrict__ x, const bf16* __restrict__ weights, const bf16* __restrict__ bias, int64_t stride,
                   int64_t latents, int64_t rows, int64_t row_tiles, int64_t groups, uint4* __restrict__ kept) {
  PAL_DYNAMIC_SHARED(bf16, stages);
  const int64_t row0 = blockIdx.x % row_tiles * Tile::kRows, column0 = blockIdx.x / row_tiles * Tile::kColumns;
  Tile tile;
  tile.multiply<kStages>({x, stride, row0, rows}, {weights, stride, column0, latents}, stride, stages);

  /* The warp's group, and the bias of the calling lane's columns in it. */
  const int64_t group = (column0 + Tile::warp_column()) / kFusedGroup;
  if (group >= groups) return; /* whole warps leave: no barrier follows */
  float plus[Tile::kColumnParts][2];
  PAL_UNROLL
  for (int n = 0; n < Tile::kColumnParts; ++n) {
    PAL_UNROLL
    for (int e = 0; e < 2; ++e) {
      const int64_t column = column0 + Tile::column_of(n) + e;
      plus[n][e] = column < latents ? to_float(bias[column]) : 0.0f;
    }
  }
  const int first_place = lane_of_thread() % 4 * 2;
  PAL_UNROLL
  for (int m = 0; m < Tile::kRowParts; ++m) {
    PAL_UNROLL
    for (int half = 0; half < 2; ++half) {
      /* A column beyond the last has the sum 0, or NaN: never kept. */
      const auto word = [&](int n, int e) {
        return kept_word(tile.sums[m][n][2 * half + e] + plus[n][e], n * 8 + first_place + e);
      };
      Best best = Best::of(word(0, 0), word(0, 1), word(1, 0), word(1, 1));
      PAL_UNROLL
      for (int n = 2; n < Tile::kColumnParts; n += 2) best.merge(Best::of(word(n, 0), word(n, 1), word(n + 1, 0), word(n + 1, 1)));
      PAL_UNROLL
      for (int lanes = 1; lanes < 4; lanes *= 2) {
        Best other;
        PAL_UNROLL
        for (int i = 0; i < 4; ++i) other.word[i] = __shfl_xor_sync(kFullMask, best.word[i], lanes);
        best.merge(other);
      }
      const int64_t row = row0 + Tile::row_of(m, half);
      if (lane_of_thread() % 4 == 0 && row < rows) {
        kept[row * groups + group] = uint4{best.word[0], best.word[1], best.word[2], best.word[3]};
      }
    }
  }
}

/* ---- stage 2 -------------------------------------------------------------------------------------------------------- */

constexpr unsigned kThreads = 128;
constexpr int kWarps = kThreads / 32;
constexpr int64_t kMostOpen = kFusedMostK / kFusedKept; /* groups that may hide something */

/* What reaches the bound of a row: by value, then by lower index. */
struct Bound {
  unsigned value; /* the upper 16 bits */
  unsigned index; /* of those with this value, the lower ones */
  __device__ __forceinline__ bool reached(unsigned word, unsigned at) const {
    return value_of(word) > value || (value_of(word) == value && at < index);
  }
};

/* What reaches the bound, in any order: the k kept ones, less those of open groups, and up to 64 of each of k / 4 of these. */
constexpr int64_t list_room(int64_t k) { return k + k / kFusedKept * kFusedGroup; }

/*
 * The pre-activations of one row in 16 neighbouring columns, by the warp: visitor(column, value) in lanes 0 to 3. The row is
 * the first of the fragment, the others are zeros; the same instructions in the same order as in tile.cuh, zeros beyond the
 * last column included.
 */
template <class Visitor>
__device__ __forceinline__ void recompute(const bf16* x, const bf16* weights, const bf16* bias, int64_t stride, int64_t latents,
                                          int64_t first_column, Visitor&& visitor) {
  const int q = lane_of_thread() / 4, p = lane_of_thread() % 4;
  const auto pair = [&](const bf16* row, int64_t column) {
    unsigned word = 0;
    if (column < stride) {
      const auto two = Pack<bf16, 2>::load(row + column);
      memcpy(&word, two.element, sizeof(word));
    }
    return word;
  };
  PAL_UNROLL
  for (int part = 0; part < 2; ++part) {
    const int64_t own = first_column + part * 8 + q; /* the column whose weights this lane brings */
    float sums[4] = {};
    for (int64_t c = 0; c < round_up<int64_t>(stride, Tile::kDepth); c += 16) {
      unsigned a[4] = {}, b[2] = {};
      if (q == 0) {
        a[0] = pair(x, c + 2 * p);
        a[2] = pair(x, c + 8 + 2 * p);
      }
      if (own < latents) {
        b[0] = pair(weights + own * stride, c + 2 * p);
        b[1] = pair(weights + own * stride, c + 8 + 2 * p);
      }
      converge();
      multiply_add(sums, a, b);
    }
    if (q != 0) continue;
    PAL_UNROLL
    for (int e = 0; e < 2; ++e) {
      const int64_t column = first_column + part * 8 + 2 * p + e;
      if (column < latents) visitor(column, sums[e] + to_float(bias[column]));
    }
  }
}

__global__ void __launch_bounds__(kThreads)
    select_certified(const uint4* __restrict__ all_kept, int64_t groups, const bf16* __restrict__ all_x,
                     const bf16* __restrict__ weights, const bf16* __restrict__ bias, int64_t stride, int64_t latents, unsigned k,
                     float* __restrict__ all_values, int32_t* __restrict__ all_indices) {
  /* [groups] what was kept, then [list_room(k)] what reaches the bound */
  PAL_DYNAMIC_SHARED(unsigned long long, memory);
  PAL_SHARED(unsigned, open, kMostOpen);
  PAL_SHARED(unsigned, found, 2); /* how many are on the list, how many groups are open */
  uint4* kept = reinterpret_cast<uint4*>(&memory[0]);
  unsigned long long* list = &memory[2 * groups];
  const int64_t r = blockIdx.x;
  if (threadIdx.x < 2) found[threadIdx.x] = 0; /* used after the barriers of the search */
  for (int64_t g = threadIdx.x; g < groups; g += kThreads) kept[g] = all_kept[r * groups + g]; /* a thread reads only its own */

  /* visitor(word, index) for what the calling thread's groups kept */
  const auto visit = [&](auto&& visitor) {
    for (int64_t g = threadIdx.x; g < groups; g += kThreads) {
      const uint4 four = kept[g];
      const auto first = static_cast<unsigned>(g * kFusedGroup);
      visitor(four.x, first + place_of(four.x));
      visitor(four.y, first + place_of(four.y));
      visitor(four.z, first + place_of(four.z));
      visitor(four.w, first + place_of(four.w));
    }
  };
  const auto count_reaching = [&](unsigned threshold) {
    unsigned count = 0;
    visit([&](unsigned word, unsigned) { count += value_of(word) >= threshold; });
    return count;
  };
  Bound bound{search_threshold<kWarps>(k, 14, 0, count_reaching), 0xffffffffu};
  if (block_count<kWarps>(count_reaching(bound.value)) > k) { /* ties at the bound: the lowest indices */
    const unsigned above = block_count<kWarps>(count_reaching(bound.value + 1));
    bound.index = search_bound<kWarps>(k - above, [&](unsigned trial) {
      unsigned count = 0;
      visit([&](unsigned word, unsigned index) { count += value_of(word) == bound.value && index < trial; });
      return count;
    });
  }

  const auto keep = [&](unsigned word, unsigned index) {
    if (bound.reached(word, index)) list[atomicAdd(&found[0], 1u)] = ranked(value_of(word) << 16, index);
  };
  for (int64_t g = threadIdx.x; g < groups; g += kThreads) {
    const uint4 four = kept[g];
    const auto first = static_cast<unsigned>(g * kFusedGroup);
    if (bound.reached(four.w, first + place_of(four.w))) {
      open[atomicAdd(&found[1], 1u)] = static_cast<unsigned>(g);
    } else {
      keep(four.x, first + place_of(four.x));
      keep(four.y, first + place_of(four.y));
      keep(four.z, first + place_of(four.z));
    }
  }
  __syncthreads();
  const unsigned open_groups = found[1];
  for (unsigned o = 0; o < open_groups; ++o) {
    const int64_t first = open[o] * kFusedGroup;
    recompute(all_x + r * stride, weights, bias, stride, latents, first + warp_of_thread() * 16, [&](int64_t column, float value) {
      keep(kept_word(value, static_cast<int>(column - first)), static_cast<unsigned>(column));
    });
  }
  __syncthreads();

  float* values = all_values + r * k;
  int32_t* indices = all_indices + r * k;
  const unsigned count = found[0];
  for (unsigned i = threadIdx.x; i < count; i += kThreads) {
    const unsigned long long self = list[i];
    unsigned rank = 0;
    for (unsigned j = 0; j < count; ++j) rank += list[j] > self;
    if (rank < k) {
      values[rank] = ranked_value(self);
      indices[rank] = ranked_index(self);
    }
  }
  for (unsigned slot = count + threadIdx.x; slot < k; slot += kThreads) {
    values[slot] = 0.0f;
    indices[slot] = 0;
  }
}

}  // namespace

pal_status encode_fused(const bf16* x, const bf16* weights, const bf16* bias, int64_t stride, int64_t latents, int64_t rows,
                        int64_t k, void* kept, float* values, int32_t* indices, cudaStream_t stream) {
  const int64_t groups = ceil_divide<int64_t>(latents, kFusedGroup);
  const int64_t row_tiles = ceil_divide<int64_t>(rows, Tile::kRows), column_tiles = ceil_divide<int64_t>(latents, Tile::kColumns);
  auto* words = static_cast<uint4*>(kept);
  const int stages = tile_stages();
  PAL_TRY(launch("best_of_groups", stages == 2 ? &best_of_groups<2> : &best_of_groups<3>,
                 dim3(static_cast<unsigned>(row_tiles * column_tiles)), Tile::kThreads, Tile::shared_bytes(stages), stream, x, weights,
                 bias, stride, latents, rows, row_tiles, groups, words));
  const auto shared = static_cast<size_t>(groups) * sizeof(uint4) + static_cast<size_t>(list_room(k)) * sizeof(unsigned long long);
  return launch("select_certified", &select_certified, dim3(static_cast<unsigned>(rows)), kThreads, shared, stream, words, groups, x,
                weights, bias, stride, latents, static_cast<unsigned>(k), values, indices);
}

}  // namespace pal
