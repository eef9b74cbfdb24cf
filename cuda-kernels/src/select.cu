/*
 * select.cu - exact top-k of each row of pre-activations.
 *
 * Formula  values[r, s], indices[r, s] = the s-th largest positive of P[r, :]; ties to the lowest index; then (0, 0).
 * Shapes   P [rows, M] bf16 or float, values and indices [rows, k].
 * Traffic  reads P once (64 KB a row at M 32768 in bf16), writes 8 k bytes a row. 8192 rows: 0.54 GB, 0.13 ms at 4.3 TB/s. To stay
 *          at that, a row may cost few instructions: count_instructions.py counts them in the machine code.
 *
 * Variants, naive to best
 *   sort a row                    log^2 M passes; torch.topk's radix select reads a row several times, with fp32 P.
 *   k times the maximum           k passes over the row.
 *   search for the k-th value     31 counting passes over the row (16 in bf16): the fallback below, always right.
 *   one pass with a lower bound   (the one used) A thread keeps of each 16 bytes of its part of the row only the largest, and of all
 *                                 of them the largest of a few groups. The k-th largest of all groups' is a lower bound of the
 *                                 k-th largest of the row, since k different elements reach it, and a close one: with 512 groups
 *                                 about 1.03 k elements reach it. Then a thread looks again at the few 16 bytes whose largest reaches
 *                                 the bound (from L1 or L2); what reaches it is compressed into shared memory and ranked by
 *                                 counting, element against element.
 *                                 In bf16 two elements are compared at once (max.bf16x2): 4 instructions for 8 elements, where
 *                                 unpacking each takes 40. NaN and what is not positive drop out of the maxima by themselves.
 *   the bound by the whole block  a step of its search is a few comparisons, a sum over the block and two barriers, 15 times;
 *   or by one warp                (the one used) 16 groups a lane, compared two at a time in 16-bit halves of one subtraction: no
 *                                 barrier between the steps, and the other warps' turn on the multiprocessor is free for other blocks.
 * A block takes a row; kVectors 16-byte loads a thread are on their way before the first is used. Rows too long for one round of
 * these are read twice (the second time from L2): same code, kOneRound = false.
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
constexpr int kCandidates = 1024;
constexpr int kKeyBits = 15;           /* of the upper half of a positive float */
constexpr unsigned kFewGroupsMostK = 64; /* up to here half the groups bound closely enough */

template <class T>
constexpr int kElements = 16 / static_cast<int>(sizeof(T)); /* in 16 bytes of a row */

/*
 * The largest of some elements that are positive, else 0; of bf16 two of them, one of the even and one of the odd elements.
 * Bound: what at least k elements of the row reach.
 */
template <class T>
struct Largest;

template <>
struct Largest<bf16> {
  static constexpr int kGroups = 2;
  unsigned pair = 0;

  /* May be negative, or NaN, until it is joined with others that are not. */
  static __device__ __forceinline__ Largest of(uint4 word) {
    return {larger_pair(larger_pair(word.x, word.y), larger_pair(word.z, word.w))};
  }
  __device__ __forceinline__ void join(Largest other) { pair = larger_pair(pair, other.pair); }
  /* Two 16-bit keys in the order of the values. */
  static __device__ __forceinline__ unsigned keys(Largest even, Largest) { return even.pair; }

  struct Bound {
    unsigned below; /* twice the largest bf16 that does not reach it */
  };
  static __device__ __forceinline__ Bound bound_of(unsigned key) { return {(key == 0 ? 0u : key - 1u) * 0x10001u}; }
  __device__ __forceinline__ bool reaches(Bound bound) const { return larger_pair(pair, bound.below) != bound.below; }
  /* Bit i + 16 h: half h of word i reaches the bound. */
  static __device__ __forceinline__ unsigned reaching(uint4 word, Bound bound) {
    const unsigned words[] = {word.x, word.y, word.z, word.w};
    unsigned mask = 0;
    PAL_UNROLL
    for (int i = 0; i < 4; ++i) {
      /* A half that is larger differs from `below`: a number of 1 to 0x7fff, which carries into the half's highest bit. */
      const unsigned different = larger_pair(words[i], bound.below) ^ bound.below;
      mask |= ((different + 0x7fff7fffu) & 0x80008000u) >> (15 - i);
    }
    return mask;
  }
  static __device__ __forceinline__ int element_of(int bit) { return bit % 16 * 2 + bit / 16; }
};

template <>
struct Largest<float> {
  static constexpr int kGroups = 1;
  float value = 0.0f;

  static __device__ __forceinline__ Largest of(uint4 word) {
    return {fmaxf(fmaxf(__uint_as_float(word.x), __uint_as_float(word.y)), fmaxf(__uint_as_float(word.z), __uint_as_float(word.w)))};
  }
  __device__ __forceinline__ void join(Largest other) { value = fmaxf(value, other.value); }
  /* The lower 16 bits of each count as 0: still a lower bound. */
  static __device__ __forceinline__ unsigned keys(Largest even, Largest odd) {
    return __float_as_uint(even.value) >> 16 | (__float_as_uint(odd.value) & 0xffff0000u);
  }

  struct Bound {
    float least;
  };
  static __device__ __forceinline__ Bound bound_of(unsigned key) { return {__uint_as_float(key == 0 ? 1u : key << 16)}; }
  __device__ __forceinline__ bool reaches(Bound bound) const { return value >= bound.least; }
  static __device__ __forceinline__ unsigned reaching(uint4 word, Bound bound) {
    const unsigned words[] = {word.x, word.y, word.z, word.w};
    unsigned mask = 0;
    PAL_UNROLL
    for (int i = 0; i < 4; ++i) mask |= __uint_as_float(words[i]) >= bound.least ? 1u << i : 0u;
    return mask;
  }
  static __device__ __forceinline__ int element_of(int bit) { return bit; }
};

__device__ __forceinline__ void write_slot(unsigned long long rank, unsigned slot, float* values, int32_t* indices) {
  values[slot] = ranked_value(rank);
  indices[slot] = ranked_index(rank);
}

__device__ __forceinline__ void pad_slots(unsigned from, unsigned k, float* values, int32_t* indices) {
  for (unsigned slot = from + threadIdx.x; slot < k; slot += kThreads) {
    values[slot] = 0.0f;
    indices[slot] = 0;
  }
}

/* ---- the exact search ------------------------------------------------------------------------------------------------------ */

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

/* visitor(index, key) for every element of the row that is the calling thread's; 64-bit counting, since M may be close to 2^31. */
template <class T, class Visitor>
__device__ __forceinline__ void visit_row(const T* row, unsigned latents, Visitor&& visitor) {
  PAL_NO_UNROLL
  for (int64_t first = int64_t{threadIdx.x} * kElements<T>; first < latents; first += int64_t{kThreads} * kElements<T>) {
    const auto pack = Pack<T, kElements<T>>::load(row + first);
    PAL_UNROLL
    for (int e = 0; e < kElements<T>; ++e) visitor(static_cast<unsigned>(first + e), positive_key(to_float(pack.element[e])));
  }
}

/* Always right, several passes over the row. A function of its own: rarely called, and not to cost the others registers. */
template <class T>
PAL_NOINLINE __device__ void select_exactly(const T* row, unsigned latents, unsigned k, float* values, int32_t* indices) {
  PAL_SHARED(unsigned, taken, 1);
  const auto count_reaching = [&](unsigned threshold) {
    unsigned count = 0;
    visit_row(row, latents, [&](unsigned, unsigned key) { count += key >= threshold; });
    return count;
  };
  const unsigned threshold = search_threshold<kWarps>(k, 30, 0, count_reaching);
  const unsigned above = block_count<kWarps>(count_reaching(threshold + 1));
  /* Of those at the threshold the lowest indices: the smallest bound with enough of them below it. */
  unsigned bound = 0xffffffffu;
  if (above + block_count<kWarps>(count_reaching(threshold) - count_reaching(threshold + 1)) > k) {
    bound = search_bound<kWarps>(k - above, [&](unsigned trial) {
      unsigned count = 0;
      visit_row(row, latents, [&](unsigned index, unsigned key) { count += key == threshold && index < trial; });
      return count;
    });
  }
  if (threadIdx.x == 0) taken[0] = 0;
  __syncthreads();
  visit_row(row, latents, [&](unsigned index, unsigned key) {
    if (key > threshold || (key == threshold && index < bound)) {
      write_slot(ranked(key, index), atomicAdd(&taken[0], 1u), values, indices);
    }
  });
  __syncthreads();
  const unsigned count = taken[0];
  pad_slots(count, k, values, indices);
  sort_slots(values, indices, count);
}

/* ---- one pass ---------------------------------------------------------------------------------------------------------------- */

/*
 * A key that at least k of the 64 kWords keys reach, and not many more; 0 where fewer than k are positive. By one warp. Keys lie
 * two in a word and are below 0x8000, so 0x8000 + key - trial keeps its highest bit where the key reaches the trial, and never
 * borrows from the other half.
 */
template <int kWords>
__device__ __forceinline__ unsigned search_keys(const unsigned* words, unsigned k) {
  constexpr unsigned kHighest = 0x80008000u;
  unsigned raised[kWords];
  PAL_UNROLL
  for (int i = 0; i < kWords; ++i) raised[i] = words[i * static_cast<int>(kWarpSize) + lane_of_thread()] | kHighest;
  unsigned found = 0;
  PAL_NO_UNROLL
  for (int bit = kKeyBits - 1; bit >= 0; --bit) {
    const unsigned trial = found | 1u << bit;
    unsigned reached = 0;
    PAL_UNROLL
    for (int i = 0; i < kWords; ++i) reached |= ((raised[i] - trial * 0x10001u) & kHighest) >> i;
    const unsigned count = __reduce_add_sync(kFullMask, static_cast<unsigned>(__popc(reached)));
    if (count >= k) {
      found = trial;
      if (count - k <= k / 8) break; /* close enough */
    }
  }
  return found;
}

/* What reaches the bound of a thread's 16 bytes goes on the list; *found counts, also what the list has no room for. */
template <class T>
__device__ __forceinline__ void list_reaching(const T* row, unsigned first, typename Largest<T>::Bound bound,
                                              unsigned long long* list, unsigned* found) {
  unsigned reaching = Largest<T>::reaching(load_word<uint4>(row + first), bound);
  PAL_NO_UNROLL
  while (reaching != 0) {
    const unsigned index = first + static_cast<unsigned>(Largest<T>::element_of(__ffs(static_cast<int>(reaching)) - 1));
    reaching &= reaching - 1;
    const unsigned place = atomicAdd(found, 1u);
    if (place < kCandidates) list[place] = ranked(__float_as_uint(to_float(row[index])), index);
  }
}

template <class T, int kVectors, bool kOneRound>
__global__ void __launch_bounds__(kThreads, 4)
    topk(const T* __restrict__ activations, int64_t stride, unsigned latents, unsigned k, float* __restrict__ all_values,
         int32_t* __restrict__ all_indices) {
  PAL_SHARED(unsigned long long, candidates, kCandidates);
  PAL_SHARED(unsigned, keys, 2 * kThreads);
  PAL_SHARED(unsigned, found, 1);
  PAL_SHARED(unsigned, bound_key, 1);
  constexpr unsigned kStep = kThreads * kElements<T>; /* from a thread's 16 bytes to its next */
  const int64_t r = blockIdx.x;
  const T* row = activations + r * stride;
  const unsigned own = threadIdx.x * kElements<T>;
  const unsigned vectors = own < latents ? (latents - own + kStep - 1) / kStep : 0; /* of this thread */

  Largest<T> held[kVectors];
  const auto read_round = [&](unsigned round) {
    PAL_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      held[v] = {};
      const unsigned number = round + static_cast<unsigned>(v);
      if (number < vectors) held[v] = Largest<T>::of(load_word<uint4>(row + own + int64_t{number} * kStep));
    }
  };

  Largest<T> even, odd;
  const unsigned rounds_end = kOneRound ? kVectors : vectors;
  for (unsigned round = 0; round < rounds_end; round += kVectors) {
    read_round(round);
    PAL_UNROLL
    for (int v = 0; v < kVectors; ++v) (v % 2 == 0 ? even : odd).join(held[v]);
  }
  const bool few_groups = Largest<T>::kGroups == 1 || k <= kFewGroupsMostK;
  if (Largest<T>::kGroups == 1) {
    keys[threadIdx.x] = Largest<T>::keys(even, odd);
  } else if (few_groups) {
    even.join(odd);
    keys[threadIdx.x] = Largest<T>::keys(even, odd);
  } else {
    keys[threadIdx.x] = Largest<T>::keys(even, odd);
    keys[kThreads + threadIdx.x] = Largest<T>::keys(odd, even);
  }
  if (threadIdx.x == 0) found[0] = 0;
  __syncthreads();
  if (warp_of_thread() == 0) {
    const unsigned key = few_groups ? search_keys<kThreads / 32>(keys, k) : search_keys<2 * kThreads / 32>(keys, k);
    if (threadIdx.x == 0) bound_key[0] = key;
  }
  __syncthreads();

  const auto bound = Largest<T>::bound_of(bound_key[0]);
  for (unsigned round = 0; round < rounds_end; round += kVectors) {
    if (!kOneRound) read_round(round);
    unsigned reaching = 0;
    PAL_UNROLL
    for (int v = 0; v < kVectors; ++v) reaching |= held[v].reaches(bound) ? 1u << v : 0u;
    PAL_NO_UNROLL
    while (reaching != 0) {
      const unsigned v = static_cast<unsigned>(__ffs(static_cast<int>(reaching)) - 1);
      reaching &= reaching - 1;
      list_reaching(row, own + (round + v) * kStep, bound, candidates, found);
    }
  }
  __syncthreads();
  const unsigned count = found[0];
  if (count > kCandidates) {
    select_exactly(row, latents, k, all_values + r * k, all_indices + r * k);
    return;
  }
  for (unsigned i = threadIdx.x; i < count; i += kThreads) {
    const unsigned long long self = candidates[i];
    unsigned rank = 0;
    for (unsigned j = 0; j < count; ++j) rank += candidates[j] > self;
    if (rank < k) write_slot(self, rank, all_values + r * k, all_indices + r * k);
  }
  pad_slots(count, k, all_values + r * k, all_indices + r * k);
}

template <class T>
constexpr int64_t row_capacity(int vectors) {
  return int64_t{vectors} * kThreads * kElements<T>;
}

}  // namespace

template <class T>
pal_status select_topk(const T* activations, int64_t stride, int64_t latents, int64_t rows, int64_t k, float* values,
                       int32_t* indices, cudaStream_t stream) {
  auto* kernel = &topk<T, 4, false>;
  if (latents <= row_capacity<T>(4)) {
    kernel = &topk<T, 4, true>;
  } else if constexpr (sizeof(T) == sizeof(bf16)) { /* the fp32 path is for parity, not for speed */
    if (latents <= row_capacity<T>(16)) kernel = &topk<T, 16, true>;
  }
  return launch("topk", kernel, dim3(static_cast<unsigned>(rows)), kThreads, 0, stream, activations, stride,
                static_cast<unsigned>(latents), static_cast<unsigned>(k), values, indices);
}

template pal_status select_topk<bf16>(const bf16*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*, cudaStream_t);
template pal_status select_topk<float>(const float*, int64_t, int64_t, int64_t, int64_t, float*, int32_t*, cudaStream_t);

}  // namespace pal
