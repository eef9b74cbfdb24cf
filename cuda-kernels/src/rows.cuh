/*
 * rows.cuh - one block, one row of `width` floats: how many threads, and the sums over the row that several kernels must
 * compute with the same bits (the fused step and the functions it replaces).
 *
 * Thread t owns columns t V .. t V + V - 1, then T V further on, and so on: V = 4 where rows are aligned, else 1.
 */
#pragma once

#include "arena.h"
#include "block.cuh"
#include "pack.cuh"

namespace pal {

constexpr int kRowVector = 4;
constexpr int kMaxRowThreads = 256;

/* Threads for a row: a multiple of 32, enough for one vector each where possible. */
inline unsigned row_threads(int64_t width, int vector) {
  const int64_t vectors = ceil_divide<int64_t>(width, vector);
  return static_cast<unsigned>(vectors >= kMaxRowThreads ? kMaxRowThreads : round_up<int64_t>(vectors, kWarpSize));
}

template <class... Pointers>
bool rows_are_vectors(int64_t width, Pointers... pointers) {
  return width % kRowVector == 0 && (is_aligned(pointers, 16) && ...);
}

/* visitor(first column) for every vector of the row that the calling thread owns. */
template <int V, class Visitor>
__device__ __forceinline__ void for_own_columns(int64_t width, Visitor&& visitor) {
  for (int64_t column = static_cast<int64_t>(threadIdx.x) * V; column < width; column += static_cast<int64_t>(blockDim.x) * V) {
    visitor(column);
  }
}

/*
 * The block's <a, b>, the same bits in every kernel that launches row_threads(width, V) threads. a and b give the V elements
 * from a column on.
 */
template <int V, class A, class B>
__device__ __forceinline__ float row_dot(int64_t width, A&& a, B&& b) {
  float sum = 0.0f;
  for_own_columns<V>(width, [&](int64_t column) {
    const Pack<float, V> x = a(column), y = b(column);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) sum = fmaf(x.element[e], y.element[e], sum);
  });
  return block_sum(sum);
}

/* sparsify's float epsilon, 2^-23, is added to the norm. */
__device__ __forceinline__ float inverse_norm_divisor(float squared_norm) { return sqrtf(squared_norm) + 1.1920928955078125e-07f; }

}  // namespace pal
