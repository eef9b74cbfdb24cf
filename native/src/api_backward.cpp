// The exported functions of the backward pass and the optimisers: check, then hand on.
#include "backward.hpp"
#include "checks.hpp"

using namespace palimpsest;

namespace {

pal_status check_batch(const char* name, const BackwardJob& job) {
  PAL_TRY(check_coder(name, job.coder));
  PAL_TRY(check_range(name, "rows", job.rows, 0, kMaxRows));
  PAL_TRY(check_range(name, "k", job.k, 1, job.coder->latents));
  if (job.rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"x", job.x}, {"grad", job.grad}, {"values", job.values}, {"indices", job.indices}}));
  return check_indices(name, job.indices, job.rows, job.k, job.coder->latents);
}

// Rows of [rows, width] matrices, a few at a time.
template <class Body>
void for_each_row(int64_t rows, const Body& body) {
  constexpr int64_t kRowsAtOnce = 32;
  for_each_item(threads(), ceil_div(rows, kRowsAtOnce), [&](int, int64_t block) {
    const int64_t end = (block + 1) * kRowsAtOnce < rows ? (block + 1) * kRowsAtOnce : rows;
    for (int64_t r = block * kRowsAtOnce; r < end; ++r) body(r);
  });
}

} // namespace

size_t pal_backward_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  return valid_shape(width, latents, rows, k) ? backward_workspace(width, latents, rows, k, threads()) : 0;
}

pal_status pal_backward(const pal_coder* coder, const float* x, const float* grad, int64_t rows, int64_t k,
                        const float* values, const int32_t* indices, const pal_gradients* gradients,
                        int32_t accumulate, void* workspace, size_t workspace_bytes, pal_stream) {
  const char* name = "pal_backward";
  const BackwardJob job = {coder, x, grad, rows, k, values, indices};
  PAL_TRY(check_batch(name, job));
  PAL_TRY(check_pointers(name, {{"gradients", gradients}}));
  PAL_TRY(check_gradients(name, "gradients", *gradients, coder->skip != nullptr));
  const auto bytes = [&](int count) { return backward_workspace(coder->width, coder->latents, rows, k, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  backward(job, *gradients, accumulate != 0, workspace, count);
  return PAL_OK;
}

pal_status pal_remove_parallel(const float* w, float* g, int64_t rows, int64_t width, pal_stream) {
  const char* name = "pal_remove_parallel";
  PAL_TRY(check_range(name, "width", width, 1, kMaxWidth));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  if (rows > 0) PAL_TRY(check_pointers(name, {{"w", w}, {"g", g}}));
  const Kernels& kernel = kernels();
  for_each_row(rows, [&](int64_t r) { remove_parallel(kernel, w + r * width, g + r * width, width); });
  return PAL_OK;
}

pal_status pal_normalize_rows(float* w, int64_t rows, int64_t width, pal_stream) {
  const char* name = "pal_normalize_rows";
  PAL_TRY(check_range(name, "width", width, 1, kMaxWidth));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  if (rows > 0) PAL_TRY(check_pointers(name, {{"w", w}}));
  const Kernels& kernel = kernels();
  for_each_row(rows, [&](int64_t r) { normalize_row(kernel, w + r * width, width); });
  return PAL_OK;
}

pal_status pal_update(float* p, const float* g, float* first, float* second, int64_t n, const pal_hyper* hyper,
                      pal_stream) {
  const char* name = "pal_update";
  PAL_TRY(check_hyper(name, hyper));
  PAL_TRY(check_range(name, "n", n, 0, INT64_MAX / 8));
  if (n == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"p", p}, {"g", g}, {"first", first}}));
  if (hyper->optimizer == PAL_ADAM) PAL_TRY(check_pointers(name, {{"second", second}}));
  update_array(kernels(), p, g, first, second, n, update_constants(*hyper));
  return PAL_OK;
}

size_t pal_step_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  return valid_shape(width, latents, rows, k) ? step_workspace(width, latents, rows, k, threads()) : 0;
}

pal_status pal_step(const pal_coder* coder, const pal_optimizer_state* state, const float* x, const float* grad,
                    int64_t rows, int64_t k, const float* values, const int32_t* indices, const pal_hyper* hyper,
                    int32_t unit_norm_decoder, int32_t normalize_after, void* workspace, size_t workspace_bytes,
                    pal_stream) {
  const char* name = "pal_step";
  const BackwardJob job = {coder, x, grad, rows, k, values, indices};
  PAL_TRY(check_batch(name, job));
  PAL_TRY(check_hyper(name, hyper));
  PAL_TRY(check_pointers(name, {{"state", state}}));
  PAL_TRY(check_gradients(name, "state.first", state->first, coder->skip != nullptr));
  if (hyper->optimizer == PAL_ADAM) {
    PAL_TRY(check_gradients(name, "state.second", state->second, coder->skip != nullptr));
  }
  const auto bytes = [&](int count) { return step_workspace(coder->width, coder->latents, rows, k, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  step(job, *state, update_constants(*hyper), unit_norm_decoder != 0, normalize_after != 0, workspace, count);
  return PAL_OK;
}
