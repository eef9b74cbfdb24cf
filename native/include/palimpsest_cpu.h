/*
 * palimpsest_cpu.h - what the CPU library offers beyond the common table of palimpsest.h: a language model's dense
 * layers, whose weights never change and so are packed once, and its attention.
 */
#ifndef PALIMPSEST_CPU_H
#define PALIMPSEST_CPU_H

#include "palimpsest.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Floats that the packed form of a weight takes: out rounded up to 32, times in. 0 for sizes that are not positive. */
PAL_API int64_t pal_cpu_packed_floats(int64_t in, int64_t out);

/*
 * Packs weight[o * out_stride + i * in_stride], o < out, i < in, for pal_cpu_linear; so [out, in] and [in, out] arrays
 * both serve. packed is 64-byte aligned, [ceil(out / 32)][in][32], zero-padded.
 */
PAL_API pal_status pal_cpu_pack(const float* weight, int64_t in, int64_t out, int64_t in_stride, int64_t out_stride,
                                float* packed);

/*
 * y[r, o] = sum_i x[r, i] weight[o, i] + bias[o];  x [rows, in], bias [out] or NULL, y [rows, out].
 * The sum is one chain of fused multiply-adds in ascending i: the same bits for any number of threads and rows and any
 * instruction set. Weights come from memory once for every 480 rows; no workspace.
 */
PAL_API pal_status pal_cpu_linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                                  int64_t out, float* y);

/*
 * Heads of queries, keys or values: channel c of head h at position t of sequence b is
 * data[b row_stride + t position_stride + h head_stride + c].
 */
typedef struct pal_cpu_heads {
  const float* data;
  int64_t row_stride, position_stride, head_stride;
} pal_cpu_heads;

typedef struct pal_cpu_attention_shape {
  int64_t rows;      /* B, sequences */
  int64_t length;    /* T, positions of each */
  int64_t heads;     /* H, of queries */
  int64_t key_heads; /* K, of keys and values; a divisor of H: H / K heads in a row share one */
  int64_t channels;  /* of a head */
  int64_t window;    /* positions that a query sees, its own the last; 0: all up to its own */
  float scale;       /* of the scores, above 0 */
} pal_cpu_attention_shape;

/*
 * out[b, t, h, :] = sum_s softmax_s(scale <q[b, t, h], k[b, s, h']>) v[b, s, h'] over the positions s that t may see;
 * h' = h K / H; out [B, T, H, channels]. The same bits for any number of threads and any instruction set, and whatever
 * the other positions hold, infinities and NaN included.
 * Nothing of size T x T is held: scores of twelve queries at a time, and one head's keys and values, packed.
 */
PAL_API size_t pal_cpu_attention_workspace_bytes(int64_t length, int64_t channels);
PAL_API pal_status pal_cpu_attention(const pal_cpu_heads* queries, const pal_cpu_heads* keys,
                                     const pal_cpu_heads* values, const pal_cpu_attention_shape* shape, float* out,
                                     void* workspace, size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif /* PALIMPSEST_CPU_H */
