/* fused.h - top-k fused with the product: no pre-activation is written. */
#pragma once

#include "pack.cuh"

namespace pal {

/* What it can do; the rest goes through a buffer of pre-activations. */
constexpr int64_t kFusedMostK = 256;
constexpr int64_t kFusedMostLatents = 131072;

constexpr int64_t kFusedGroup = 64; /* columns */
constexpr int64_t kFusedKept = 4;   /* of a group */

/* Bytes a row of the buffer of what the groups keep. */
constexpr int64_t fused_row_bytes(int64_t latents) {
  return (latents + kFusedGroup - 1) / kFusedGroup * kFusedKept * static_cast<int64_t>(sizeof(unsigned));
}

/*
 * values, indices [rows, k] = the k largest of bf16(x W_enc^T + bias) of each row. x [rows, stride] and weights [latents,
 * stride] in bf16, stride a multiple of 8, both aligned to 16 bytes. kept: rows x fused_row_bytes, aligned to 16.
 */
pal_status encode_fused(const bf16* x, const bf16* weights, const bf16* bias, int64_t stride, int64_t latents, int64_t rows,
                        int64_t k, void* kept, float* values, int32_t* indices, cudaStream_t stream);

}  // namespace pal
