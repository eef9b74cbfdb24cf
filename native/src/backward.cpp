#include "backward.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "dense.hpp"
#include "fvu.hpp"
#include "hits.hpp"

namespace palimpsest {
namespace {

// Latents of one work item. Also the unit in which W_enc^T db_enc is summed, so it must not depend on the threads.
constexpr int64_t kLatentChunk = 64;

struct Space {
  Hits hits;
  double* grad_sums;   // [width]
  float* centre_parts; // [chunks, width]: each chunk's share of W_enc^T db_enc
  float* rows;         // [threads][2][width]: gradients of one latent's two rows (fused pass)
  float* bias;         // [kLatentChunk] per thread
  float* skip;         // [width, width] (fused pass)
  float* decoder_bias; // [width]
  void* product;
  int64_t width;

  Space(Arena& arena, int64_t d, int64_t latents, int64_t row_count, int64_t k, int thread_count, bool fused)
      : hits(arena, latents, row_count, k), grad_sums(arena.take<double>(d)),
        centre_parts(arena.take<float>(ceil_div(latents, kLatentChunk) * d)),
        rows(arena.take<float>(fused ? thread_count * 2 * d : 0)),
        bias(arena.take<float>(fused ? thread_count * kLatentChunk : 0)), skip(arena.take<float>(fused ? d * d : 0)),
        decoder_bias(arena.take<float>(d)),
        product(arena.take<char>(static_cast<int64_t>(skip_gradient_workspace(row_count, thread_count)))),
        width(d) {}
};

// Adds one latent's gradients to g_decoder and g_encoder [width] and returns db_enc:
// dz = <grad[r], w_dec>, dW_dec += z grad[r], dW_enc += dz (x[r] - c), db_enc += dz.
float add_latent_gradient(const Kernels& kernel, const BackwardJob& job, const Hits& hits, int64_t latent,
                          const float* centre, float* g_decoder, float* g_encoder) {
  const int64_t width = job.coder->width;
  const float* w_decoder = job.coder->decoder + latent * width;
  float bias = 0.0f;
  for (int64_t h = hits.start[latent]; h < hits.start[latent + 1]; ++h) {
    const float* grad = job.grad + hits.hits[h].row * width;
    const float* x = job.x + hits.hits[h].row * width;
    const float dz = kernel.dot(grad, w_decoder, width);
    kernel.axpy(hits.hits[h].value, grad, g_decoder, width);
    if (centre) {
      kernel.axpy_centred(dz, x, centre, g_encoder, width);
    } else {
      kernel.axpy(dz, x, g_encoder, width);
    }
    bias += dz;
  }
  return bias;
}

// db_dec = sum_r grad[r] - W_enc^T db_enc, the second part only with a centre, in the order of the chunks.
void decoder_bias_gradient(const BackwardJob& job, const Space& space, bool centred, float* out) {
  const int64_t width = space.width;
  column_sums(job.grad, job.rows, width, space.grad_sums);
  for (int64_t p = 0; p < width; ++p) out[p] = static_cast<float>(space.grad_sums[p]);
  if (!centred) return;
  for (int64_t chunk = 0; chunk < ceil_div(job.coder->latents, kLatentChunk); ++chunk) {
    for (int64_t p = 0; p < width; ++p) out[p] -= space.centre_parts[chunk * width + p];
  }
}

const float* centre_of(const pal_coder& coder) { return coder.subtract_decoder_bias ? coder.decoder_bias : nullptr; }

} // namespace

UpdateConstants update_constants(const pal_hyper& hyper) {
  UpdateConstants c = {};
  const double t = static_cast<double>(hyper.step);
  c.signum = hyper.optimizer == PAL_SIGNUM;
  c.beta1 = hyper.beta1;
  c.one_minus_beta1 = static_cast<float>(1.0 - static_cast<double>(hyper.beta1));
  if (c.signum) {
    c.step_size = hyper.lr;
    c.average_weight = static_cast<float>(1.0 / t);
    return c;
  }
  c.beta2 = hyper.beta2;
  c.one_minus_beta2 = static_cast<float>(1.0 - static_cast<double>(hyper.beta2));
  c.step_size =
      static_cast<float>(static_cast<double>(hyper.lr) / (1.0 - std::pow(static_cast<double>(hyper.beta1), t)));
  c.inverse_root_bias = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(static_cast<double>(hyper.beta2), t)));
  c.epsilon = hyper.epsilon;
  return c;
}

void remove_parallel(const Kernels& kernel, const float* w, float* g, int64_t width) {
  kernel.axpy(-kernel.dot(g, w, width), w, g, width);
}

// Squares that vanish are nothing beside epsilon; for those that overflow, double precision has room.
void normalize_row(const Kernels& kernel, float* w, int64_t width) {
  constexpr float kEpsilon = 0x1p-23f;
  const float square = kernel.dot(w, w, width);
  if (square <= std::numeric_limits<float>::max()) {
    kernel.divide(w, std::sqrt(square) + kEpsilon, width);
    return;
  }
  double large = 0.0;
  for (int64_t p = 0; p < width; ++p) large += static_cast<double>(w[p]) * static_cast<double>(w[p]);
  const double norm = std::sqrt(large);
  for (int64_t p = 0; p < width; ++p) w[p] = static_cast<float>(static_cast<double>(w[p]) / norm);
}

void update_array(const Kernels& kernel, float* p, const float* g, float* first, float* second, int64_t n,
                  const UpdateConstants& constants) {
  constexpr int64_t kPiece = 16384;
  for_each_item(threads(), ceil_div(n, kPiece), [&](int, int64_t piece) {
    const int64_t at = piece * kPiece;
    kernel.update(p + at, g + at, first + at, second ? second + at : nullptr, std::min(kPiece, n - at), constants);
  });
}

size_t backward_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, int thread_count) {
  Arena arena(nullptr);
  Space(arena, width, latents, rows, k, thread_count, false);
  return arena.used();
}

void backward(const BackwardJob& job, const pal_gradients& gradients, bool accumulate, void* workspace,
              int thread_count) {
  const Kernels& kernel = kernels();
  const pal_coder& coder = *job.coder;
  const int64_t width = coder.width, latents = coder.latents;
  const float* centre = centre_of(coder);
  Arena arena(workspace);
  Space space(arena, width, latents, job.rows, job.k, thread_count, false);
  space.hits.fill(latents, job.rows, job.k, job.values, job.indices);
  for_each_item(thread_count, ceil_div(latents, kLatentChunk), [&](int, int64_t chunk) {
    float* part = space.centre_parts + chunk * width;
    if (centre) std::fill_n(part, width, 0.0f);
    for (int64_t i = chunk * kLatentChunk; i < std::min(latents, (chunk + 1) * kLatentChunk); ++i) {
      float* g_decoder = gradients.decoder + i * width;
      float* g_encoder = gradients.encoder + i * width;
      if (!accumulate) {
        std::fill_n(g_decoder, width, 0.0f);
        std::fill_n(g_encoder, width, 0.0f);
      }
      const float bias = add_latent_gradient(kernel, job, space.hits, i, centre, g_decoder, g_encoder);
      gradients.encoder_bias[i] = accumulate ? gradients.encoder_bias[i] + bias : bias;
      if (centre && bias != 0.0f) kernel.axpy(bias, coder.encoder + i * width, part, width);
    }
  });
  decoder_bias_gradient(job, space, centre != nullptr, space.decoder_bias);
  for (int64_t p = 0; p < width; ++p) {
    gradients.decoder_bias[p] = accumulate ? gradients.decoder_bias[p] + space.decoder_bias[p] : space.decoder_bias[p];
  }
  if (gradients.skip) {
    skip_gradient(job.grad, job.x, job.rows, width, accumulate, gradients.skip, space.product, thread_count);
  }
}

size_t step_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, int thread_count) {
  Arena arena(nullptr);
  Space(arena, width, latents, rows, k, thread_count, true);
  return arena.used();
}

void step(const BackwardJob& job, const pal_optimizer_state& state, const UpdateConstants& constants, bool unit_norm,
          bool normalize, void* workspace, int thread_count) {
  const Kernels& kernel = kernels();
  const pal_coder& coder = *job.coder;
  const int64_t width = coder.width, latents = coder.latents;
  const float* centre = centre_of(coder);
  Arena arena(workspace);
  Space space(arena, width, latents, job.rows, job.k, thread_count, true);
  space.hits.fill(latents, job.rows, job.k, job.values, job.indices);
  const auto second = [](float* array, int64_t offset) { return array ? array + offset : nullptr; };
  for_each_item(thread_count, ceil_div(latents, kLatentChunk), [&](int thread, int64_t chunk) {
    float* g_decoder = space.rows + thread * 2 * width;
    float* g_encoder = g_decoder + width;
    float* g_bias = space.bias + thread * kLatentChunk;
    float* part = space.centre_parts + chunk * width;
    const int64_t begin = chunk * kLatentChunk, end = std::min(latents, begin + kLatentChunk);
    if (centre) std::fill_n(part, width, 0.0f);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i * width;
      const bool hit = space.hits.start[i + 1] > space.hits.start[i];
      float bias = 0.0f;
      if (hit) {
        std::fill_n(g_decoder, 2 * width, 0.0f);
        bias = add_latent_gradient(kernel, job, space.hits, i, centre, g_decoder, g_encoder);
        if (unit_norm) remove_parallel(kernel, coder.decoder + row, g_decoder, width);
        if (centre && bias != 0.0f) kernel.axpy(bias, coder.encoder + row, part, width);
      }
      g_bias[i - begin] = bias;
      kernel.update(coder.decoder + row, hit ? g_decoder : nullptr, state.first.decoder + row,
                    second(state.second.decoder, row), width, constants);
      kernel.update(coder.encoder + row, hit ? g_encoder : nullptr, state.first.encoder + row,
                    second(state.second.encoder, row), width, constants);
      if (normalize) normalize_row(kernel, coder.decoder + row, width);
    }
    kernel.update(coder.encoder_bias + begin, g_bias, state.first.encoder_bias + begin,
                  second(state.second.encoder_bias, begin), end - begin, constants);
  });
  decoder_bias_gradient(job, space, centre != nullptr, space.decoder_bias);
  update_array(kernel, coder.decoder_bias, space.decoder_bias, state.first.decoder_bias, state.second.decoder_bias,
               width, constants);
  if (coder.skip) {
    skip_gradient(job.grad, job.x, job.rows, width, false, space.skip, space.product, thread_count);
    update_array(kernel, coder.skip, space.skip, state.first.skip, state.second.skip, width * width, constants);
  }
}

} // namespace palimpsest
