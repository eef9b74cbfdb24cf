/*
 * select.cu - exact top-k of each row of pre-activations.
 *
 * Formula  values[r, s], indices[r, s] = the s-th largest positive of P[r, :]; ties to the lowest index; then (0, 0).
 * Shapes   P [rows, M] bf16 or float, values and indices [rows, k].
 * Traffic  reads P once (64 KB a row at M 32768 in bf16), writes 8 k bytes a row. 8192 rows: 0.54 GB, 0.13 ms at 4.3 TB/s.
 *
 * Variants, naive to best
 *   sort a row                    log^2 M passes; torch.topk's radix select reads a row several times, with fp32 P.
 *   k times the maximum           k passes over the row.
 *   search for the k-th value     31 counting passes over the row (16 in bf16): the fallback below, always right.
 *   one pass with a lower bound   (the one used) A thread keeps its part of the row in registers and the maxima of kGroups
 *                                 sub-groups of it. The k-th largest of all those maxima is a lower bound of the k-th
 *                                 largest of the row, since k different elements reach it, and a close one: with 1024
 *                                 groups about 1.02 k elements reach it. The bound is searched over the top 16 bits of the
 *                                 1024 maxima only. What reaches it is compressed into shared memory and ranked by
 *                                 counting, element against element. The row is never read again.
 * A block takes a row; kVectors 16-byte loads a thread are in flight before the first use. Rows too long for registers
 * are read twice (the second time from L2): same code, kVectors = 0.
 * More than kCandidates elements at the bound (many ties, or k > kCandidates): the exact search takes over.
 *
 * Atomics on integers hand out places in the candidate list in any order; the ranking makes the result independent of it.
 * Test: cases `encode` of test/; time alone: `bench select`.
 */
#include "select.h"

#include "arena.h"
#include "block.cuh"
#include "search.cuh"

namespace pal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kGroups = 4;
constexpr int kCandidates = 1024;

/* 16 bytes of a row. */
template <class T>
struct Words {
  static constexpr int kElements = 16 / sizeof(T);
  static constexpr int kEach = kElements / 4; /* elements in one of the four words */
  uint4 word;

  /* Elements first and following of a row; what lies beyond its end is not read. */
  static __device__ __forceinline__ Words load(const T* row, int64_t first, unsigned latents) {
    if (first + kElements <= latents) return {load_word<uint4>(row + first)};
    T element[kElements] = {};
    for (int e = 0; e < kElements; ++e) {
      if (first + e < latents) element[e] = row[first + e];
    }
    Words words;
    memcpy(&words.word, element, sizeof(words.word));
    return words;
  }

  /*
   * Forgets what the compiler knows about the words. Without this it unpacks the row once and keeps 128 keys in registers
   * instead of 64 packed words, and spills.
   */
  __device__ __forceinline__ void forget() {
#if defined(__CUDACC__)
    asm volatile("" : "+r"(word.x), "+r"(word.y), "+r"(word.z), "+r"(word.w));
#endif
  }

  __device__ __forceinline__ unsigned key(int e) const {
    const unsigned packed = e / kEach == 0 ? word.x : e / kEach == 1 ? word.y : e / kEach == 2 ? word.z : word.w;
    if constexpr (kEach == 1) return positive_key(__uint_as_float(packed));
    return positive_key(__uint_as_float(e % 2 == 0 ? packed << 16 : packed & 0xffff0000u));
  }
};

/* One row as a block sees it: every thread visits its own elements as (index, key). */
template <class T, int kVectors>
struct Row {
  static constexpr int kElements = Words<T>::kElements;

  const T* memory;
  unsigned latents;
  Words<T> held[kVectors > 0 ? kVectors : 1];

  __device__ __forceinline__ Row(const T* row, unsigned m) : memory(row), latents(m) {
    PAL_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const unsigned first = (v * kThreads + threadIdx.x) * kElements;
      held[v].word = uint4{0, 0, 0, 0};
      if (first < latents) held[v] = Words<T>::load(memory, first, latents);
    }
  }

  template <class Visitor>
  __device__ __forceinline__ void visit_words(Words<T> words, unsigned first, int group, Visitor&& visitor) const {
    words.forget();
    PAL_UNROLL
    for (int e = 0; e < kElements; ++e) {
      const unsigned key = first + e < latents ? words.key(e) : 0u;
      visitor(first + e, key, group);
    }
  }

  /* visitor(index, key, group): key 0 for what must not be selected; group in [0, kGroups). */
  template <class Visitor>
  __device__ __forceinline__ void visit(Visitor&& visitor) const {
    if constexpr (kVectors > 0) {
      PAL_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const unsigned first = (v * kThreads + threadIdx.x) * kElements;
        if (first < latents) visit_words(held[v], first, v % kGroups, visitor);
      }
    } else {
      /* kGroups loads in flight a round; 64-bit counting, since M may be close to 2^31 */
      constexpr int64_t kRound = int64_t{kGroups} * kThreads * kElements;
      for (int64_t round = 0; round < latents; round += kRound) {
        PAL_UNROLL
        for (int g = 0; g < kGroups; ++g) {
          const int64_t first = round + (int64_t{g} * kThreads + threadIdx.x) * kElements;
          if (first < latents) {
            visit_words(Words<T>::load(memory, first, latents), static_cast<unsigned>(first), g, visitor);
          }
        }
      }
    }
  }
};

__device__ __forceinline__ void write_slot(unsigned long long rank, unsigned slot, float* values, int32_t* indices) {
  values[slot] = ranked_value(rank);
  indices[slot] = ranked_index(rank);
}

/*
 * Sorts `count` (value, index) pairs in place, best first: the bitonic network in the form whose comparisons all point the
 * same way, so that a length that is no power of two just lacks the comparisons with what is not there.
 */
__device__ void sort_slots(float* values, int32_t* indices, unsigned count) {
  for (unsigned size = 2; size / 2 < count; size *= 2) {
    for (unsigned step = size / 2; step > 0; step /= 2) {
      const bool flip = step == size / 2;
      __syncthreads();
      for (unsigned pair = threadIdx.x; pair < (count + size) / 2; pair += kThreads) {
        const unsigned low = pair / step * step * 2 + pair % step;
        const unsigned high = flip ? low / size * size + (size - 1 - low % size) : low + step;
        if (high >= count) continue;
        const auto first = ranked(__float_as_uint(values[low]), static_cast<unsigned>(indices[low]));
        const auto second = ranked(__float_as_uint(values[high]), static_cast<unsigned>(indices[high]));
        if (second > first) {
          write_slot(second, low, values, indices);
          write_slot(first, high, values, indices);
        }
      }
    }
  }
}

/* The exact search: always right, several passes over the row. */
template <class R>
__device__ void select_exactly(const R& row, unsigned k, float* values, int32_t* indices) {
  PAL_SHARED(unsigned, taken, 1);
  const auto count_reaching = [&](unsigned threshold) {
    unsigned count = 0;
    row.visit([&](unsigned, unsigned key, int) { count += key >= threshold; });
    return count;
  };
  const unsigned threshold = search_threshold<kWarps>(k, 30, 0, count_reaching);
  const unsigned above = block_count<kWarps>(count_reaching(threshold + 1));
  /* Of those at the threshold the lowest indices: the smallest bound with enough of them below it. */
  unsigned bound = 0xffffffffu;
  if (above + block_count<kWarps>(count_reaching(threshold) - count_reaching(threshold + 1)) > k) {
    bound = search_bound<kWarps>(k - above, [&](unsigned trial) {
      unsigned count = 0;
      row.visit([&](unsigned index, unsigned key, int) { count += key == threshold && index < trial; });
      return count;
    });
  }
  if (threadIdx.x == 0) taken[0] = 0;
  __syncthreads();
  row.visit([&](unsigned index, unsigned key, int) {
    if (key > threshold || (key == threshold && index < bound)) {
      write_slot(ranked(key, index), atomicAdd(&taken[0], 1u), values, indices);
    }
  });
  __syncthreads();
  const unsigned count = taken[0];
  for (unsigned slot = count + threadIdx.x; slot < k; slot += kThreads) {
    values[slot] = 0.0f;
    indices[slot] = 0;
  }
  sort_slots(values, indices, count);
}

/* Blocks a multiprocessor at least: told, ptxas takes the registers this leaves instead of spilling for still more blocks. */
constexpr int blocks_at_least(int vectors) { return vectors == 16 ? 2 : 4; }

template <class T, int kVectors>
__global__ void __launch_bounds__(kThreads, blocks_at_least(kVectors))
    topk(const T* __restrict__ activations, int64_t stride, unsigned latents, unsigned k, float* __restrict__ all_values,
         int32_t* __restrict__ all_indices) {
  PAL_SHARED(unsigned long long, candidates, kCandidates);
  PAL_SHARED(unsigned, found, 1);
  const int64_t r = blockIdx.x;
  float* values = all_values + r * k;
  int32_t* indices = all_indices + r * k;
  const Row<T, kVectors> row(activations + r * stride, latents);

  unsigned maxima[kGroups] = {};
  row.visit([&](unsigned, unsigned key, int group) { maxima[group] = key > maxima[group] ? key : maxima[group]; });
  if (threadIdx.x == 0) found[0] = 0;
  /* The lower 16 bits of the bound stay 0: still a lower bound, and exact for bf16. */
  const unsigned bound = search_threshold<kWarps>(k, 30, 16, [&](unsigned threshold) {
    unsigned count = 0;
    PAL_UNROLL
    for (int group = 0; group < kGroups; ++group) count += maxima[group] >= threshold;
    return count;
  });

  row.visit([&](unsigned index, unsigned key, int) {
    if (key >= bound) {
      const unsigned place = atomicAdd(&found[0], 1u);
      if (place < kCandidates) candidates[place] = ranked(key, index);
    }
  });
  __syncthreads();
  const unsigned count = found[0];
  if (count > kCandidates) {
    select_exactly(row, k, values, indices);
    return;
  }
  for (unsigned i = threadIdx.x; i < count; i += kThreads) {
    const unsigned long long self = candidates[i];
    unsigned rank = 0;
    for (unsigned j = 0; j < count; ++j) rank += candidates[j] > self;
    if (rank < k) write_slot(self, rank, values, indices);
  }
  for (unsigned slot = count + threadIdx.x; slot < k; slot += kThreads) {
    values[slot] = 0.0f;
    indices[slot] = 0;
  }
}

template <class T>
constexpr int64_t row_capacity(int vectors) {
  return int64_t{vectors} * kThreads * (16 / static_cast<int>(sizeof(T)));
}

}  // namespace

template <class T>
pal_status select_topk(const T* activations, int64_t stride, int64_t latents, int64_t rows, int64_t k, float* values,
                       int32_t* indices, cudaStream_t stream) {
  auto* kernel = &topk<T, 0>;
  if (latents <= row_capacity<T>(4)) {
    kernel = &topk<T, 4>;
  } else if constexpr (sizeof(T) == sizeof(bf16)) { /* the fp32 path is for parity, not for speed */
    if (latents <= row_capacity<T>(16)) kernel = &topk<T, 16>;
  }
  return launch("topk", kernel, dim3(static_cast<unsigned>(rows)), kThreads, 0, stream, activations, stride,
                static_cast<unsigned>(latents), static_cast<unsigned>(k), values, indices);
}

template pal_status select_topk<bf16>(const bf16*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*, cudaStream_t);
template pal_status select_topk<float>(const float*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*, cudaStream_t);

}  // namespace pal
