// The exported functions of the forward pass: check, then hand on.
#include <algorithm>

#include "checks.hpp"
#include "decode.hpp"
#include "dense.hpp"
#include "encode.hpp"
#include "fvu.hpp"

using namespace palimpsest;

size_t pal_operands_bytes(int64_t, int64_t) { return 0; }

pal_status pal_refresh_operands(const pal_coder* coder, pal_stream) {
  return check_coder("pal_refresh_operands", coder);
}

size_t pal_encode_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k,
                                  pal_activation activation) {
  if (!valid_shape(width, latents, rows, k)) return 0;
  return encode_workspace(width, latents, rows, k, activation == PAL_GROUPMAX, threads());
}

pal_status pal_encode(const pal_coder* coder, const float* x, int64_t rows, int64_t k, pal_activation activation,
                      float* values, int32_t* indices, void* workspace, size_t workspace_bytes, pal_stream) {
  const char* name = "pal_encode";
  PAL_TRY(check_coder(name, coder));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  PAL_TRY(check_range(name, "k", k, 1, coder->latents));
  PAL_TRY(check_range(name, "activation", activation, PAL_TOPK, PAL_GROUPMAX));
  const bool groups = activation == PAL_GROUPMAX;
  if (groups && coder->latents % k != 0) {
    return fail(PAL_INVALID_ARGUMENT, "%s: %lld latents do not divide into k = %lld groups", name,
                static_cast<long long>(coder->latents), static_cast<long long>(k));
  }
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"x", x}, {"values", values}, {"indices", indices}}));
  const auto bytes = [&](int count) {
    return encode_workspace(coder->width, coder->latents, rows, k, groups, count);
  };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  const EncodeJob job = {coder->encoder, coder->encoder_bias,
                         coder->subtract_decoder_bias ? coder->decoder_bias : nullptr,
                         x,              coder->width,        coder->latents,
                         rows,           k,                   groups,
                         values,         indices};
  encode(job, workspace, count);
  return PAL_OK;
}

size_t pal_decode_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  return valid_shape(width, latents, rows, k) ? add_skip_workspace(width, threads()) : 0;
}

pal_status pal_decode(const pal_coder* coder, const float* x, int64_t rows, int64_t k, const float* values,
                      const int32_t* indices, float* out, void* workspace, size_t workspace_bytes, pal_stream) {
  const char* name = "pal_decode";
  PAL_TRY(check_coder(name, coder));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  PAL_TRY(check_range(name, "k", k, 1, coder->latents));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"values", values}, {"indices", indices}, {"out", out}}));
  PAL_TRY(check_indices(name, indices, rows, k, coder->latents));
  const bool skip = coder->skip && x;
  const auto bytes = [&](int count) { return skip ? add_skip_workspace(coder->width, count) : 0; };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  decode(*coder, rows, k, values, indices, out);
  if (skip) add_skip(coder->skip, x, rows, coder->width, out, workspace, count);
  return PAL_OK;
}

size_t pal_fvu_workspace_bytes(int64_t width, int64_t rows) {
  return valid_shape(width, 1, rows, 1) ? fvu_workspace(width) : 0;
}

pal_status pal_fvu(const float* y_hat, const float* y, int64_t rows, int64_t width, float* grad, double* sums,
                   void* workspace, size_t workspace_bytes, pal_stream) {
  const char* name = "pal_fvu";
  PAL_TRY(check_range(name, "width", width, 1, kMaxWidth));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  PAL_TRY(check_pointers(name, {{"sums", sums}}));
  if (rows > 0) PAL_TRY(check_pointers(name, {{"y_hat", y_hat}, {"y", y}}));
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, fvu_workspace(width)));
  fvu(y_hat, y, rows, width, grad, sums, workspace);
  return PAL_OK;
}

pal_status pal_count_firings(const float* values, const int32_t* indices, int64_t rows, int64_t k, int64_t latents,
                             int64_t* counts, pal_stream) {
  const char* name = "pal_count_firings";
  PAL_TRY(check_range(name, "latents", latents, 1, kMaxLatents));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  PAL_TRY(check_range(name, "k", k, 1, latents));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"values", values}, {"indices", indices}, {"counts", counts}}));
  PAL_TRY(check_indices(name, indices, rows, k, latents));
  for (int64_t s = 0; s < rows * k; ++s) counts[indices[s]] += values[s] > 0.0f ? 1 : 0;
  return PAL_OK;
}
