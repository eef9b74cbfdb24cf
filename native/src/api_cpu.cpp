// The exported functions of palimpsest_cpu.h: check, then hand on.
#include "palimpsest_cpu.h"

#include "attention.hpp"
#include "checks.hpp"
#include "dense.hpp"

using namespace palimpsest;

namespace {

constexpr int64_t kMaxSide = int64_t{1} << 24;

pal_status check_sides(const char* name, int64_t in, int64_t out) {
  PAL_TRY(check_range(name, "in", in, 1, kMaxSide));
  return check_range(name, "out", out, 1, kMaxSide);
}

pal_status check_heads(const char* name, const pal_cpu_attention_shape& shape) {
  PAL_TRY(check_range(name, "length", shape.length, 1, kMaxSide));
  PAL_TRY(check_range(name, "heads", shape.heads, 1, kMaxSide));
  PAL_TRY(check_range(name, "key_heads", shape.key_heads, 1, shape.heads));
  PAL_TRY(check_range(name, "channels", shape.channels, 1, kMaxSide));
  PAL_TRY(check_range(name, "window", shape.window, 0, kMaxSide));
  if (shape.heads % shape.key_heads != 0) {
    return fail(PAL_INVALID_ARGUMENT, "%s: %lld heads do not divide among %lld of keys", name,
                static_cast<long long>(shape.heads), static_cast<long long>(shape.key_heads));
  }
  if (!(shape.scale > 0.0f)) return fail(PAL_INVALID_ARGUMENT, "%s: scale must be above 0", name);
  return PAL_OK;
}

// Every sequence has new positions, and pieces that hold at least these and at most `longest`.
pal_status check_sequences(const char* name, const pal_cpu_sequences& s, int64_t longest) {
  PAL_TRY(check_pointers(name, {{"first_query", s.first_query}, {"first_piece", s.first_piece}, {"keys", s.keys},
                                {"values", s.values}, {"piece_length", s.piece_length}}));
  for (int64_t i = 0; i < s.count; ++i) {
    int64_t length = 0;
    for (int64_t p = s.first_piece[i]; p < s.first_piece[i + 1]; ++p) {
      PAL_TRY(check_range(name, "piece_length", s.piece_length[p], 1, kMaxSide));
      PAL_TRY(check_pointers(name, {{"keys", s.keys[p]}, {"values", s.values[p]}}));
      length += s.piece_length[p];
    }
    PAL_TRY(check_range(name, "length of a sequence", length, 1, longest));
    PAL_TRY(check_range(name, "new positions of a sequence", s.first_query[i + 1] - s.first_query[i], 1, length));
  }
  return PAL_OK;
}

} // namespace

int64_t pal_cpu_packed_floats(int64_t in, int64_t out) {
  if (in < 1 || in > kMaxSide || out < 1 || out > kMaxSide) return 0;
  return ceil_div(out, kTileColumns) * kTileColumns * in;
}

pal_status pal_cpu_pack(const float* weight, int64_t in, int64_t out, int64_t in_stride, int64_t out_stride,
                        float* packed) {
  const char* name = "pal_cpu_pack";
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_pointers(name, {{"weight", weight}, {"packed", packed}}));
  for_each_item(threads(), ceil_div(out, kTileColumns), [&](int, int64_t panel) {
    float* columns = packed + panel * in * kTileColumns;
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t j = 0; j < kTileColumns; ++j) {
        const int64_t o = panel * kTileColumns + j;
        columns[i * kTileColumns + j] = o < out ? weight[o * out_stride + i * in_stride] : 0.0f;
      }
    }
  });
  return PAL_OK;
}

pal_status pal_cpu_linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                          int64_t out, float* y) {
  const char* name = "pal_cpu_linear";
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"packed", packed}, {"x", x}, {"y", y}}));
  linear(packed, bias, x, rows, in, out, y, threads());
  return PAL_OK;
}

pal_status pal_cpu_log_sum_exp(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                               int64_t out, float* lse) {
  const char* name = "pal_cpu_log_sum_exp";
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_range(name, "rows", rows, 0, kMaxRows));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"packed", packed}, {"x", x}, {"lse", lse}}));
  log_sum_exp(packed, bias, x, rows, in, out, lse, threads());
  return PAL_OK;
}

size_t pal_cpu_attention_workspace_bytes(int64_t length, int64_t channels) {
  if (length < 1 || length > kMaxSide || channels < 1 || channels > kMaxSide) return 0;
  return attention_workspace(length, channels, threads());
}

pal_status pal_cpu_attention(const pal_cpu_heads* queries, const pal_cpu_heads* keys, const pal_cpu_heads* values,
                             const pal_cpu_attention_shape* shape, float* out, void* workspace,
                             size_t workspace_bytes) {
  const char* name = "pal_cpu_attention";
  PAL_TRY(check_pointers(name, {{"queries", queries}, {"keys", keys}, {"values", values}, {"shape", shape}}));
  PAL_TRY(check_range(name, "rows", shape->rows, 0, kMaxRows));
  PAL_TRY(check_heads(name, *shape));
  if (shape->rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"queries.data", queries->data}, {"keys.data", keys->data},
                                {"values.data", values->data}, {"out", out}}));
  const auto bytes = [&](int count) { return attention_workspace(shape->length, shape->channels, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  attention(*queries, *keys, *values, *shape, out, workspace, count);
  return PAL_OK;
}

pal_status pal_cpu_attention_after(const pal_cpu_heads* queries, const pal_cpu_sequences* sequences,
                                   const pal_cpu_attention_shape* shape, float* out, void* workspace,
                                   size_t workspace_bytes) {
  const char* name = "pal_cpu_attention_after";
  PAL_TRY(check_pointers(name, {{"queries", queries}, {"sequences", sequences}, {"shape", shape}}));
  PAL_TRY(check_heads(name, *shape));
  PAL_TRY(check_range(name, "count", sequences->count, 0, kMaxRows));
  if (sequences->count == 0) return PAL_OK;
  PAL_TRY(check_sequences(name, *sequences, shape->length));
  PAL_TRY(check_pointers(name, {{"queries.data", queries->data}, {"out", out}}));
  const auto bytes = [&](int count) { return attention_workspace(shape->length, shape->channels, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  attention_after(*queries, *sequences, *shape, out, workspace, count);
  return PAL_OK;
}
