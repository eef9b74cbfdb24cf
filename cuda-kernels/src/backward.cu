/*
 * backward.cu - the unfused backward pass: gradients of all five arrays in memory.
 *
 * Formula  dW_dec[i] (+)= sum of z grad[r], dW_enc[i] (+)= sum of dz (x[r] - c), db_enc[i] (+)= sum of dz over i's hits,
 *          db_dec (+)= sum_r grad[r] (- W_enc^T db_enc), dW_skip (+)= grad^T x.
 * Shapes   x, grad [B, d]; values, indices [B, k]; gradients as the parameters.
 * Traffic  2 k rows of d floats a row of the batch: 1.6 GB at B 8192, k 32, d 768, from L2 where x and grad stay there (50
 *          MB), 0.33 ms at 5 TB/s; the gradients 0.2 GB written.
 *
 * Variants, naive to best
 *   scatter with atomics        a hit adds its two rows to memory with float atomics: not deterministic, 3.2 GB of traffic.
 *   dense products z^T grad     1024 times the work at k 32.
 *   block a latent              (the one used) hits in order of latents; a block adds the rows of its latent's hits in
 *                               registers, four hits' loads in flight, and writes each gradient row once. Latents with many
 *                               hits are summed in pieces before (hits.cu), so that no block works alone for long.
 * Used for gradient accumulation, clipping and data parallel; otherwise step.cu. Test: cases `backward`; time: `bench backward`.
 */
#include "backward.h"
#include "operands.h"
#include "product.h"

namespace pal {
namespace {

template <int V, class R>
__global__ void __launch_bounds__(kMaxRowThreads)
    write_gradients(HitView<R> view, const float* __restrict__ encoder_bias, bool accumulate, pal_gradients to) {
  const int64_t latent = blockIdx.x;
  float* to_decoder = to.decoder + latent * view.width;
  float* to_encoder = to.encoder + latent * view.width;
  latent_gradients<V>(view, latent, [&](int64_t column, Pack<float, V> decoder, Pack<float, V> encoder) {
    if (accumulate) {
      const auto old_decoder = Pack<float, V>::load(to_decoder + column);
      const auto old_encoder = Pack<float, V>::load(to_encoder + column);
      PAL_UNROLL
      for (int e = 0; e < V; ++e) {
        decoder.element[e] += old_decoder.element[e];
        encoder.element[e] += old_encoder.element[e];
      }
    }
    decoder.store(to_decoder + column);
    encoder.store(to_encoder + column);
  });
  if (threadIdx.x == 0) to.encoder_bias[latent] = (accumulate ? to.encoder_bias[latent] : 0.0f) + encoder_bias[latent];
}

struct Workspace {
  Arena arena;
  HitList list;
  void* product;
  size_t bytes;

  Workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, void* memory)
      : arena(memory), list(width, latents, rows, k, arena) {
    product = arena.take<unsigned char>(static_cast<int64_t>(product_workspace_bytes()));
    bytes = arena.bytes();
  }
};

}  // namespace

pal_status check_batch(const char* function, const pal_coder* coder, const float* x, const float* grad, int64_t rows, int64_t k,
                       const float* values, const int32_t* indices) {
  PAL_TRY(check_coder(coder, function));
  PAL_REQUIRE(coder->encoder != nullptr && coder->encoder_bias != nullptr && coder->decoder != nullptr &&
                  coder->decoder_bias != nullptr,
              "%s: an array of the coder is NULL", function);
  PAL_REQUIRE(rows >= 0 && k >= 1, "%s: rows %lld, k %lld", function, static_cast<long long>(rows), static_cast<long long>(k));
  PAL_REQUIRE(rows * k < (int64_t{1} << 31), "%s: %lld slots, expected fewer than 2^31", function, static_cast<long long>(rows * k));
  PAL_REQUIRE(rows == 0 || (x != nullptr && grad != nullptr && values != nullptr && indices != nullptr),
              "%s: x, grad, values or indices is NULL", function);
  return PAL_OK;
}

pal_status check_gradients(const char* function, const char* what, const pal_gradients& g, bool skip) {
  PAL_REQUIRE(g.encoder != nullptr && g.encoder_bias != nullptr && g.decoder != nullptr && g.decoder_bias != nullptr &&
                  (!skip || g.skip != nullptr),
              "%s: an array of %s is NULL", function, what);
  return PAL_OK;
}

pal_status skip_gradient(const Batch& b, float* to, bool accumulate, void* workspace, cudaStream_t stream) {
  const int64_t d = b.coder->width;
  return product(ProductShape{Form::TN, d, d, b.rows, d, d, d}, float_arithmetic(b.coder->operands != nullptr, false), b.grad,
                 b.x, nullptr, to, accumulate, workspace, stream);
}

void prepare_skip_gradient(int64_t width, int64_t rows) {
  const ProductShape shape{Form::TN, width, width, rows, width, width, width};
  prepare_product(shape, false, float_arithmetic(true, false), false);
  prepare_product(shape, false, float_arithmetic(false, false), false);
}

}  // namespace pal

extern "C" {

size_t pal_backward_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  if (width <= 0 || latents <= 0 || rows < 0 || k <= 0) return 0;
  pal::prepare_skip_gradient(width, rows);
  return pal::Workspace(width, latents, rows, k, nullptr).bytes;
}

pal_status pal_backward(const pal_coder* coder, const float* x, const float* grad, int64_t rows, int64_t k,
                        const float* values, const int32_t* indices, const pal_gradients* gradients, int32_t accumulate,
                        void* workspace, size_t workspace_bytes, pal_stream stream) {
  constexpr const char* kName = "pal_backward";
  PAL_TRY(pal::check_batch(kName, coder, x, grad, rows, k, values, indices));
  PAL_REQUIRE(gradients != nullptr, "%s: gradients is NULL", kName);
  PAL_TRY(pal::check_gradients(kName, "gradients", *gradients, coder->skip != nullptr));
  const size_t needed = pal_backward_workspace_bytes(coder->width, coder->latents, rows, k);
  PAL_REQUIRE(workspace != nullptr && workspace_bytes >= needed, "%s: workspace of %zu bytes, expected %zu", kName,
              workspace_bytes, needed);
  PAL_REQUIRE(pal::is_aligned(workspace, pal::kAlignment), "%s: workspace is not aligned to %zu bytes", kName, pal::kAlignment);
  const cudaStream_t s = pal::as_stream(stream);
  const pal::Workspace parts(coder->width, coder->latents, rows, k, workspace);
  const pal::Batch batch{coder, x, grad, values, indices, rows, k};
  const bool vectors = pal::rows_are_vectors(coder->width, x, grad, coder->decoder, coder->decoder_bias, gradients->encoder,
                                             gradients->decoder);
  PAL_TRY(parts.list.prepare(batch, vectors, s));
  const auto write = [&](auto kernel, const auto& view) {
    return pal::launch("write_gradients", kernel, dim3(static_cast<unsigned>(coder->latents)),
                       pal::row_threads(coder->width, vectors ? 4 : 1), 0, s, view, parts.list.encoder_bias, accumulate != 0,
                       *gradients);
  };
  if (parts.list.reads_copies(batch, vectors)) {
    PAL_TRY(write(&pal::write_gradients<4, pal::bf16>, pal::view_of_copies(parts.list, batch)));
  } else {
    PAL_TRY(write(vectors ? &pal::write_gradients<4, float> : &pal::write_gradients<1, float>, pal::view_of(parts.list, batch)));
  }
  PAL_TRY(parts.list.decoder_bias_gradient(batch, gradients->decoder_bias, accumulate != 0, s));
  if (coder->skip == nullptr) return PAL_OK;
  return pal::skip_gradient(batch, gradients->skip, accumulate != 0, parts.product, s);
}

}  // extern "C"
