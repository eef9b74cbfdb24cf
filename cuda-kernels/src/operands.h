/* operands.h - the layout of pal_coder.operands: bf16 copies of what the matrix unit reads. */
#pragma once

#include "arena.h"
#include "pack.cuh"

namespace pal {

/* Rows of bf16 matrices start at multiples of 16 bytes; the columns between width and stride are 0. */
constexpr int64_t bf16_stride(int64_t columns) { return round_up<int64_t>(columns, 8); }

struct Operands {
  bf16* encoder = nullptr;      /* [M, stride] */
  bf16* decoder = nullptr;      /* [M, stride] */
  bf16* encoder_bias = nullptr; /* [M], and zeros to a multiple of 8 */
  int64_t stride = 0;
  size_t bytes = 0;

  Operands(int64_t width, int64_t latents, void* memory) : stride(bf16_stride(width)) {
    Arena arena(memory);
    encoder = arena.take<bf16>(latents * stride);
    decoder = arena.take<bf16>(latents * stride);
    encoder_bias = arena.take<bf16>(bf16_stride(latents));
    bytes = arena.bytes();
  }
  explicit Operands(const pal_coder& coder) : Operands(coder.width, coder.latents, coder.operands) {}
};

/* to[r, c] = bf16(from[r, c] - centre[c]); centre may be NULL; columns width .. stride - 1 are set to 0. */
pal_status convert_to_bf16(const float* from, const float* centre, int64_t rows, int64_t width, int64_t stride, bf16* to,
                           cudaStream_t stream);

/* Checks that every function of the table makes of a coder. */
pal_status check_coder(const pal_coder* coder, const char* function);

}  // namespace pal
