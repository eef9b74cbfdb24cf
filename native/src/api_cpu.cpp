// The exported functions of palimpsest_cpu.h: check, then hand on.
#include "palimpsest_cpu.h"

#include <algorithm>

#include "attention.hpp"
#include "bf16.hpp"
#include "checks.hpp"
#include "dense.hpp"

using namespace palimpsest;

namespace {

constexpr int64_t kMaxSide = int64_t{1} << 24;

pal_status check_sides(const char* name, int64_t in, int64_t out) {
  PAL_TRY(check_range(name, "in", in, 1, kMaxSide));
  return check_range(name, "out", out, 1, kMaxSide);
}

bool is_precision(int32_t precision) { return precision == PAL_CPU_FP32 || precision == PAL_CPU_BF16; }

pal_status check_precision(const char* name, const char* what, int32_t precision) {
  return is_precision(precision)
             ? PAL_OK
             : fail(PAL_INVALID_ARGUMENT, "%s: %s is %d, expected 0 (fp32) or 1 (bf16)", name, what, precision);
}

pal_status check_product(const char* name, int32_t precision, int64_t rows, int64_t in, int64_t out) {
  PAL_TRY(check_precision(name, "precision", precision));
  PAL_TRY(check_sides(name, in, out));
  return check_range(name, "rows", rows, 0, kMaxRows);
}

size_t product_workspace(int32_t precision, int64_t rows, int64_t in, int count) {
  return precision == PAL_CPU_BF16 ? linear_workspace<Bf16>(rows, in, count) : linear_workspace<Fp32>(rows, in, count);
}

// Where element (o, i) of a weight lies: o out_stride + i in_stride.
struct Strides {
  int64_t in, out, in_stride, out_stride;
};

uint32_t bits_of_weight(float w) { return bits_of(w); }
uint32_t bits_of_weight(uint16_t w) { return static_cast<uint32_t>(w) << 16; }

// Panel by panel, some inputs of all its outputs at a time, so that what is read and written stays in the cache.
template <class Weight>
void pack(int32_t precision, const Weight* weight, const Strides& s, void* packed) {
  const bool pairs = precision == PAL_CPU_BF16;
  const int64_t each = pairs ? 2 : 1, depth = ceil_div(s.in, each);
  constexpr int64_t kAtOnce = 64;
  for_each_item(threads(), ceil_div(s.out, kTileColumns), [&](int, int64_t panel) {
    uint32_t* columns = static_cast<uint32_t*>(packed) + panel * depth * kTileColumns;
    for (int64_t first = 0; first < depth; first += kAtOnce) {
      for (int64_t j = 0; j < kTileColumns; ++j) {
        const int64_t o = panel * kTileColumns + j;
        const auto bits = [&](int64_t i) {
          return o < s.out && i < s.in ? bits_of_weight(weight[o * s.out_stride + i * s.in_stride]) : 0u;
        };
        for (int64_t p = first; p < std::min(depth, first + kAtOnce); ++p) {
          columns[p * kTileColumns + j] = pairs ? pair_of(bits(2 * p), bits(2 * p + 1)) : bits(p);
        }
      }
    }
  });
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

size_t pal_cpu_packed_bytes(int32_t precision, int64_t in, int64_t out) {
  if (in < 1 || in > kMaxSide || out < 1 || out > kMaxSide || !is_precision(precision)) return 0;
  const int64_t depth = precision == PAL_CPU_BF16 ? Bf16::depth(in) : Fp32::depth(in);
  return static_cast<size_t>(ceil_div(out, kTileColumns) * kTileColumns * depth) * sizeof(float);
}

pal_status pal_cpu_pack(int32_t precision, const void* weight, int32_t weight_precision, int64_t in, int64_t out,
                        int64_t in_stride, int64_t out_stride, void* packed) {
  const char* name = "pal_cpu_pack";
  PAL_TRY(check_precision(name, "precision", precision));
  PAL_TRY(check_precision(name, "weight_precision", weight_precision));
  PAL_TRY(check_sides(name, in, out));
  PAL_TRY(check_pointers(name, {{"weight", weight}, {"packed", packed}}));
  const Strides strides = {in, out, in_stride, out_stride};
  if (weight_precision == PAL_CPU_BF16) {
    pack(precision, static_cast<const uint16_t*>(weight), strides, packed);
  } else {
    pack(precision, static_cast<const float*>(weight), strides, packed);
  }
  return PAL_OK;
}

size_t pal_cpu_linear_workspace_bytes(int32_t precision, int64_t rows, int64_t in) {
  if (rows < 1 || rows > kMaxRows || in < 1 || in > kMaxSide || !is_precision(precision)) return 0;
  return product_workspace(precision, rows, in, threads());
}

pal_status pal_cpu_linear(int32_t precision, const void* packed, const float* bias, const float* x, int64_t rows,
                          int64_t in, int64_t out, float* y, void* workspace, size_t workspace_bytes) {
  const char* name = "pal_cpu_linear";
  PAL_TRY(check_product(name, precision, rows, in, out));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"packed", packed}, {"x", x}, {"y", y}}));
  const auto bytes = [&](int count) { return product_workspace(precision, rows, in, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  if (precision == PAL_CPU_BF16) {
    linear<Bf16>(static_cast<const uint32_t*>(packed), bias, x, rows, in, out, y, workspace, count);
  } else {
    linear<Fp32>(static_cast<const float*>(packed), bias, x, rows, in, out, y, workspace, count);
  }
  return PAL_OK;
}

pal_status pal_cpu_log_sum_exp(int32_t precision, const void* packed, const float* bias, const float* x, int64_t rows,
                               int64_t in, int64_t out, float* lse, void* workspace, size_t workspace_bytes) {
  const char* name = "pal_cpu_log_sum_exp";
  PAL_TRY(check_product(name, precision, rows, in, out));
  if (rows == 0) return PAL_OK;
  PAL_TRY(check_pointers(name, {{"packed", packed}, {"x", x}, {"lse", lse}}));
  const auto bytes = [&](int count) { return product_workspace(precision, rows, in, count); };
  const int count = threads_for(workspace_bytes, bytes);
  PAL_TRY(check_workspace(name, workspace, workspace_bytes, bytes(count)));
  if (precision == PAL_CPU_BF16) {
    log_sum_exp<Bf16>(static_cast<const uint32_t*>(packed), bias, x, rows, in, out, lse, workspace, count);
  } else {
    log_sum_exp<Fp32>(static_cast<const float*>(packed), bias, x, rows, in, out, lse, workspace, count);
  }
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
