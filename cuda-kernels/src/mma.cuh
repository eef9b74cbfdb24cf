/*
 * mma.cuh - the matrix unit and what feeds it, each with a host twin: one product of 16 x 16 by 16 x 8 numbers by a warp,
 * fragments out of shared memory, and asynchronous copies into it. For compute capability 8.0 and later.
 *
 * Fragments (mma.sync.m16n8k16, PTX manual), lane l, q = l / 4, p = l % 4; a register holds two neighbouring columns:
 *   a[0] row q, columns 2p, 2p + 1     a[1] row q + 8      a[2], a[3] the same rows, columns + 8
 *   b[0] column q, rows 2p, 2p + 1     b[1] rows + 8       (B is stored column by column: rows of W_enc)
 *   d[0], d[1] row q, columns 2p, 2p + 1                   d[2], d[3] row q + 8
 * An element of d is a function of its row of A, its column of B and what it was: the same bits wherever in a tile.
 */
#pragma once

#include "block.cuh"
#include "pack.cuh"

namespace pal {

/* d += a b, in fp32 sums. The whole warp calls. */
__device__ __forceinline__ void multiply_add(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#if defined(__CUDACC__)
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
  host::multiply_add_twin(d, a, b); /* adds one product after the other: the bits of a plain loop over the columns */
#endif
}

/*
 * Four 8 x 8 matrices of 16-bit elements from shared memory: lane l names the 16 bytes of row l % 8 of matrix l / 8, and gets
 * from matrix j columns 2p and 2p + 1 of row q in to[j].
 */
__device__ __forceinline__ void load_matrices(unsigned (&to)[4], const bf16* row) {
#if defined(__CUDACC__)
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(address)
               : "memory");
#else
  host::load_matrices_twin(to, row);
#endif
}

/* Starts copying 16 bytes into shared memory, or filling them with zeros; both addresses are multiples of 16. */
__device__ __forceinline__ void copy_async(bf16* to_shared, const bf16* from, bool inside) {
#if defined(__CUDACC__)
  const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to_shared));
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(__cvta_generic_to_global(from)), "r"(bytes)
               : "memory");
#else
  host::copy_async(to_shared, from, inside ? 16 : 0, 16);
#endif
}

/* Closes a group of copies; groups finish in order. */
__device__ __forceinline__ void commit_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  host::commit_copies();
#endif
}

/* Waits until all but the last kGroups groups of the calling thread have arrived. */
template <int kGroups>
__device__ __forceinline__ void wait_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(kGroups) : "memory");
#else
  host::wait_copies(kGroups);
#endif
}

}  // namespace pal
