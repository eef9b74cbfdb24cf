/*
 * operands.cu - the bf16 copies of the weights, and of the encoder's input.
 *
 * Formula  to[r, c] = bf16(from[r, c] - centre[c]), rounded to nearest even, once, after the subtraction.
 * Shapes   from [rows, width] float, to [rows, stride] bf16, stride = width rounded up to 8.
 * Traffic  reads 4, writes 2 bytes an element: W_enc and W_dec at d 768, M 32768 together 0.30 GB, 0.07 ms at 4.3 TB/s. In
 *          training it runs once: the update kernels write the copies together with the weights.
 * Variants an element a thread: 2-byte stores, half of each 32-byte sector's slots wasted per instruction;
 *          eight elements a thread (the one used where width allows it): one 16-byte store, two 16-byte loads.
 * Test: all cases with bf16 operands; time alone: `bench convert`.
 */
#include "operands.h"

namespace pal {
namespace {

constexpr int kThreads = 256;
constexpr int kElements = 8;

template <bool kVector>
__global__ void __launch_bounds__(kThreads)
    convert(const float* __restrict__ from, const float* __restrict__ centre, int64_t rows, int64_t width, int64_t stride,
            bf16* __restrict__ to) {
  const int64_t packs = stride / kElements;
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= rows * packs) return;
  const int64_t r = at / packs;
  const int64_t column = at % packs * kElements;
  Pack<bf16, kElements> out;
  if constexpr (kVector) {
    PAL_UNROLL
    for (int half = 0; half < 2; ++half) {
      const auto in = Pack<float, 4>::load(from + r * width + column + half * 4);
      PAL_UNROLL
      for (int e = 0; e < 4; ++e) {
        const float minus = centre == nullptr ? 0.0f : centre[column + half * 4 + e];
        out.element[half * 4 + e] = to_bf16(in.element[e] - minus);
      }
    }
  } else {
    PAL_UNROLL
    for (int e = 0; e < kElements; ++e) {
      const int64_t c = column + e;
      out.element[e] = to_bf16(c < width ? from[r * width + c] - (centre == nullptr ? 0.0f : centre[c]) : 0.0f);
    }
  }
  out.store(to + r * stride + column);
}

}  // namespace

pal_status convert_to_bf16(const float* from, const float* centre, int64_t rows, int64_t width, int64_t stride, bf16* to,
                           cudaStream_t stream) {
  if (rows == 0) return PAL_OK;
  const bool vector = width == stride && is_aligned(from, 16);
  const int64_t blocks = ceil_divide<int64_t>(rows * (stride / kElements), kThreads);
  return launch("convert", vector ? &convert<true> : &convert<false>, dim3(static_cast<unsigned>(blocks)), kThreads, 0,
                stream, from, centre, rows, width, stride, to);
}

pal_status check_coder(const pal_coder* coder, const char* function) {
  PAL_REQUIRE(coder != nullptr, "%s: coder is NULL", function);
  PAL_REQUIRE(coder->width > 0 && coder->width < (int64_t{1} << 31), "%s: width %lld, expected 1 .. 2^31 - 1", function,
              static_cast<long long>(coder->width));
  PAL_REQUIRE(coder->latents > 0 && coder->latents < (int64_t{1} << 31), "%s: latents %lld, expected 1 .. 2^31 - 1",
              function, static_cast<long long>(coder->latents));
  PAL_REQUIRE(is_aligned(coder->operands, kAlignment), "%s: operands are not aligned to %zu bytes", function, kAlignment);
  return PAL_OK;
}

}  // namespace pal

extern "C" {

size_t pal_operands_bytes(int64_t width, int64_t latents) {
  if (width <= 0 || latents <= 0) return 0;
  return pal::Operands(width, latents, nullptr).bytes;
}

pal_status pal_refresh_operands(const pal_coder* coder, pal_stream stream) {
  PAL_TRY(pal::check_coder(coder, "pal_refresh_operands"));
  if (coder->operands == nullptr) return PAL_OK;
  PAL_REQUIRE(coder->encoder != nullptr && coder->encoder_bias != nullptr && coder->decoder != nullptr,
              "pal_refresh_operands: encoder, encoder_bias or decoder is NULL");
  const pal::Operands operands(*coder);
  const cudaStream_t s = pal::as_stream(stream);
  const int64_t m = coder->latents, d = coder->width;
  PAL_TRY(pal::convert_to_bf16(coder->encoder, nullptr, m, d, operands.stride, operands.encoder, s));
  PAL_TRY(pal::convert_to_bf16(coder->decoder, nullptr, m, d, operands.stride, operands.decoder, s));
  /* As one row. */
  return pal::convert_to_bf16(coder->encoder_bias, nullptr, 1, m, pal::bf16_stride(m), operands.encoder_bias, s);
}

}  // extern "C"
