/*
 * step.cu - backward and update in one pass over the weights.
 *
 * Formula  for every latent i: dW_dec[i], dW_enc[i], db_enc[i] from its hits; dW_dec[i] -= <dW_dec[i], W_dec[i]> W_dec[i]
 *          (unit_norm_decoder); optimiser step on both rows and the bias; W_dec[i] /= |W_dec[i]| + 2^-23 (normalize_after);
 *          bf16 copies of what changed. Then b_dec and W_skip.
 * Shapes   as backward.cu; state arrays as the parameters.
 * Traffic  Adam, d 768, M 32768: 24 bytes of weight and state and 2 of the bf16 copy an element, 50.3 M elements: 1.31 GB, 0.30
 *          ms at 4.3 TB/s, whatever the batch. Hits: 2 k rows of d floats a row of the batch, 1.6 GB at B 8192 (0.33 ms at
 *          5 TB/s from L2), 13 GB at B 65536, where x and grad no longer fit the L2 (2.5 to 3 ms).
 *
 * Variants, naive to best
 *   unfused       gradients of M x d written and read by projection, optimiser and normalisation in turn: 2.2 GB more.
 *   block a latent (the one used) both gradient rows stay in shared memory between summation and update; each weight and
 *                 moment is read once and written once. Every latent takes part, used or not.
 *   of bf16 rows  (pal_cuda_set_bf16_rows, for coders with operands) the hits' rows of x - c and grad are bf16 copies, made once a
 *                 batch: half the bytes, and at B 65536 half of what does not fit the L2. Rounds what is summed, so it is asked for.
 * Same bits as the unfused functions: the same sums (hits.h, rows.cuh) and the same update (optimizer.cuh), and no
 * contraction of multiplications and additions but where fmaf says so. Arrays that are not aligned to 16 bytes sum in
 * another order, so for equal bits either all are or none.
 * Test: cases `step` of test/; time alone: `bench step`.
 */
#include "backward.h"
#include "operands.h"
#include "optimizer.cuh"
#include "palimpsest_cuda.h"
#include "product.h"

namespace pal {
namespace {

/* A latent's row of one matrix, its state, and its bf16 copy. */
struct RowState {
  float* weights;
  float* first;
  float* second; /* NULL for signum */
  bf16* copy;    /* NULL without operands */
};

template <int V>
__device__ __forceinline__ void store_copy(bf16* copy, int64_t column, const Pack<float, V>& weights) {
  if (copy == nullptr) return;
  Pack<bf16, V> rounded;
  PAL_UNROLL
  for (int e = 0; e < V; ++e) rounded.element[e] = to_bf16(weights.element[e]);
  rounded.store(copy + column);
}

/*
 * The updated weights of the calling thread's columns, and the state in place: gradient(column, weights before), then visitor(column,
 * weights). Weights and state are touched once a step: streamed, so that the L2 is left to x and grad, which are read k times.
 */
template <int V, class Gradient, class Visitor>
__device__ __forceinline__ void update_row(const Update& u, const RowState& row, int64_t width, Gradient&& gradient,
                                           Visitor&& visitor) {
  for_own_columns<V>(width, [&](int64_t column) {
    auto weights = Pack<float, V>::load_streaming(row.weights + column);
    auto first = Pack<float, V>::load_streaming(row.first + column);
    Pack<float, V> second = {};
    if (row.second != nullptr) second = Pack<float, V>::load_streaming(row.second + column);
    const Pack<float, V> g = gradient(column, weights);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) update_parameter(u, g.element[e], weights.element[e], first.element[e], second.element[e]);
    first.store_streaming(row.first + column);
    if (row.second != nullptr) second.store_streaming(row.second + column);
    visitor(column, weights);
  });
}

struct StepOptions {
  bool unit_norm_decoder;
  bool normalize_after;
};

template <int V, class R>
__global__ void __launch_bounds__(kMaxRowThreads)
    step_latents(HitView<R> view, const float* __restrict__ encoder_bias_gradient, UpdateSource source, StepOptions options,
                 pal_coder coder, Operands operands, pal_optimizer_state state) {
  using Columns = Pack<float, V>;
  PAL_DYNAMIC_SHARED(float, shared); /* [2, d]: dW_dec[i], then the new W_dec[i]; dW_enc[i]. In vectors: no bank twice at a time */
  const int64_t latent = blockIdx.x;
  const int64_t d = view.width;
  const auto row_of = [&](float* weights, float* first, float* second, bf16* copy) {
    return RowState{weights + latent * d, first + latent * d, second == nullptr ? nullptr : second + latent * d,
                    coder.operands == nullptr ? nullptr : copy + latent * operands.stride};
  };
  const RowState decoder = row_of(coder.decoder, state.first.decoder, state.second.decoder, operands.decoder);
  const RowState encoder = row_of(coder.encoder, state.first.encoder, state.second.encoder, operands.encoder);

  /* A thread reads from shared memory only what it wrote itself, so no barrier is needed between the parts. */
  float* const decoder_row = &shared[0];
  float* const encoder_row = decoder_row + d;
  latent_gradients<V>(view, latent, [&](int64_t column, const Columns& dec, const Columns& enc) {
    dec.store(decoder_row + column);
    enc.store(encoder_row + column);
  });

  const Update u = source.get();
  float along = 0.0f;
  if (options.unit_norm_decoder) {
    along = row_dot<V>(d, [&](int64_t column) { return Columns::load(decoder_row + column); },
                       [&](int64_t column) { return Columns::load(decoder.weights + column); });
  }
  const auto decoder_gradient = [&](int64_t column, const Columns& weights) {
    auto gradient = Columns::load(decoder_row + column);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) {
      if (options.unit_norm_decoder) gradient.element[e] = gradient.element[e] - along * weights.element[e];
    }
    return gradient;
  };
  update_row<V>(u, decoder, d, decoder_gradient, [&](int64_t column, const Columns& weights) { weights.store(decoder_row + column); });
  float divisor = 1.0f;
  if (options.normalize_after) {
    const auto weights = [&](int64_t column) { return Columns::load(decoder_row + column); };
    divisor = inverse_norm_divisor(row_dot<V>(d, weights, weights));
  }
  for_own_columns<V>(d, [&](int64_t column) {
    auto weights = Columns::load(decoder_row + column);
    PAL_UNROLL
    for (int e = 0; e < V; ++e) {
      if (options.normalize_after) weights.element[e] = weights.element[e] / divisor;
    }
    weights.store_streaming(decoder.weights + column);
    store_copy<V>(decoder.copy, column, weights);
  });

  update_row<V>(u, encoder, d, [&](int64_t column, const Columns&) { return Columns::load(encoder_row + column); },
                [&](int64_t column, const Columns& weights) {
                  weights.store_streaming(encoder.weights + column);
                  store_copy<V>(encoder.copy, column, weights);
                });

  if (threadIdx.x == 0) {
    float bias = coder.encoder_bias[latent], first = state.first.encoder_bias[latent];
    float second = state.second.encoder_bias == nullptr ? 0.0f : state.second.encoder_bias[latent];
    update_parameter(u, encoder_bias_gradient[latent], bias, first, second);
    coder.encoder_bias[latent] = bias;
    state.first.encoder_bias[latent] = first;
    if (state.second.encoder_bias != nullptr) state.second.encoder_bias[latent] = second;
    if (coder.operands != nullptr) operands.encoder_bias[latent] = to_bf16(bias);
  }
}

struct Workspace {
  Arena arena;
  HitList list;
  float* decoder_bias; /* [d] its gradient */
  float* skip;         /* [d, d] its gradient */
  void* product;
  size_t bytes;

  Workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, void* memory)
      : arena(memory), list(width, latents, rows, k, arena) {
    decoder_bias = arena.take<float>(width);
    skip = arena.take<float>(width * width);
    product = arena.take<unsigned char>(static_cast<int64_t>(product_workspace_bytes()));
    bytes = arena.bytes();
  }
};

/* What pal_step and pal_cuda_step have in common: all but where the constants come from. */
pal_status run_step(const char* name, const pal_coder* coder, const pal_optimizer_state* state, const float* x, const float* grad,
                    int64_t rows, int64_t k, const float* values, const int32_t* indices, pal_optimizer optimizer,
                    const UpdateSource& source, const StepOptions& options, void* workspace, size_t workspace_bytes,
                    cudaStream_t stream) {
  PAL_TRY(check_batch(name, coder, x, grad, rows, k, values, indices));
  PAL_REQUIRE(state != nullptr, "%s: state is NULL", name);
  const bool skip = coder->skip != nullptr;
  PAL_TRY(check_gradients(name, "state.first", state->first, skip));
  if (optimizer == PAL_ADAM) PAL_TRY(check_gradients(name, "state.second", state->second, skip));
  const size_t needed = pal_step_workspace_bytes(coder->width, coder->latents, rows, k);
  PAL_REQUIRE(workspace != nullptr && workspace_bytes >= needed, "%s: workspace of %zu bytes, expected %zu", name, workspace_bytes,
              needed);
  PAL_REQUIRE(is_aligned(workspace, kAlignment), "%s: workspace is not aligned to %zu bytes", name, kAlignment);

  const int64_t d = coder->width;
  pal_optimizer_state used = *state;
  if (optimizer == PAL_SIGNUM) used.second = pal_gradients{};
  const Workspace parts(d, coder->latents, rows, k, workspace);
  const Batch batch{coder, x, grad, values, indices, rows, k};
  const bool vectors = rows_are_vectors(d, x, grad, coder->encoder, coder->decoder, coder->decoder_bias, used.first.encoder,
                                        used.first.decoder, used.second.encoder, used.second.decoder);
  PAL_TRY(parts.list.prepare(batch, vectors, stream));
  PAL_TRY(parts.list.decoder_bias_gradient(batch, parts.decoder_bias, false, stream));
  const auto step = [&](auto kernel, const auto& view) {
    return launch("step_latents", kernel, dim3(static_cast<unsigned>(coder->latents)), row_threads(d, vectors ? 4 : 1),
                  static_cast<size_t>(d) * 2 * sizeof(float), stream, view, parts.list.encoder_bias, source, options, *coder,
                  Operands(*coder), used);
  };
  if (parts.list.reads_copies(batch, vectors)) {
    PAL_TRY(step(&step_latents<4, bf16>, view_of_copies(parts.list, batch)));
  } else {
    PAL_TRY(step(vectors ? &step_latents<4, float> : &step_latents<1, float>, view_of(parts.list, batch)));
  }
  /* b_dec last: the kernel above reads it as the centre. */
  PAL_TRY(update_array(coder->decoder_bias, parts.decoder_bias, used.first.decoder_bias, used.second.decoder_bias, d, source, stream));
  if (!skip) return PAL_OK;
  PAL_TRY(skip_gradient(batch, parts.skip, false, parts.product, stream));
  return update_array(coder->skip, parts.skip, used.first.skip, used.second.skip, d * d, source, stream);
}

}  // namespace
}  // namespace pal

extern "C" {

size_t pal_step_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  if (width <= 0 || latents <= 0 || rows < 0 || k <= 0) return 0;
  pal::prepare_skip_gradient(width, rows);
  return pal::Workspace(width, latents, rows, k, nullptr).bytes;
}

pal_status pal_step(const pal_coder* coder, const pal_optimizer_state* state, const float* x, const float* grad, int64_t rows,
                    int64_t k, const float* values, const int32_t* indices, const pal_hyper* hyper, int32_t unit_norm_decoder,
                    int32_t normalize_after, void* workspace, size_t workspace_bytes, pal_stream stream) {
  PAL_TRY(pal::check_hyper(hyper, "pal_step"));
  return pal::run_step("pal_step", coder, state, x, grad, rows, k, values, indices, hyper->optimizer, pal::UpdateSource(*hyper),
                       {unit_norm_decoder != 0, normalize_after != 0}, workspace, workspace_bytes, pal::as_stream(stream));
}

pal_status pal_cuda_step(const pal_coder* coder, const pal_optimizer_state* state, const float* x, const float* grad, int64_t rows,
                         int64_t k, const float* values, const int32_t* indices, const void* device_hyper,
                         pal_optimizer optimizer, int32_t unit_norm_decoder, int32_t normalize_after, void* workspace,
                         size_t workspace_bytes, pal_stream stream) {
  PAL_REQUIRE(device_hyper != nullptr, "pal_cuda_step: device_hyper is NULL");
  PAL_REQUIRE(optimizer == PAL_ADAM || optimizer == PAL_SIGNUM, "pal_cuda_step: optimizer %d, expected 0 or 1", optimizer);
  return pal::run_step("pal_cuda_step", coder, state, x, grad, rows, k, values, indices, optimizer,
                       pal::UpdateSource(static_cast<const pal::Update*>(device_hyper)),
                       {unit_norm_decoder != 0, normalize_after != 0}, workspace, workspace_bytes, pal::as_stream(stream));
}

}  // extern "C"
