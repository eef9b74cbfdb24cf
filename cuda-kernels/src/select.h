/* select.h - the k best pre-activations of each row. */
#pragma once

#include "pack.cuh"

namespace pal {

/*
 * values[r, :], indices[r, :] of `rows` rows of pre-activations [rows, stride], of which the first `latents` count.
 * stride is `latents` rounded up to 16 bytes, `activations` is aligned to 16 bytes. select_topk reads the columns between the two
 * and wants zeros there.
 */
template <class T>
pal_status select_topk(const T* activations, int64_t stride, int64_t latents, int64_t rows, int64_t k, float* values,
                       int32_t* indices, cudaStream_t stream);
template <class T>
pal_status select_groupmax(const T* activations, int64_t stride, int64_t latents, int64_t rows, int64_t k, float* values,
                           int32_t* indices, cudaStream_t stream);

/*
 * A pre-activation as an unsigned number in the same order: the bits of a positive float, 0 for everything that must not
 * be selected (zero, negative, NaN).
 */
__device__ __forceinline__ unsigned positive_key(float value) {
  const unsigned bits = __float_as_uint(value);
  return bits - 1u < 0x7f800000u ? bits : 0u;
}

/* Larger is better: by value, then by lower index. */
__device__ __forceinline__ unsigned long long ranked(unsigned key, unsigned index) {
  return static_cast<unsigned long long>(key) << 32 | (0xffffffffu - index);
}
__device__ __forceinline__ float ranked_value(unsigned long long rank) {
  return __uint_as_float(static_cast<unsigned>(rank >> 32));
}
__device__ __forceinline__ int32_t ranked_index(unsigned long long rank) {
  return static_cast<int32_t>(0xffffffffu - static_cast<unsigned>(rank));
}

}  // namespace pal
