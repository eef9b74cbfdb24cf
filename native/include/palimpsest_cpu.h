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

/*
 * What the operands of a dense layer's product are held in; results, biases and all sums are floats. PAL_CPU_BF16: numbers
 * of 16 bits, the upper half of a float, to which weights (where they are not such numbers) and x are rounded, to the
 * nearest, ties to even. Subnormal numbers and sums count as 0 there.
 */
typedef enum pal_cpu_precision { PAL_CPU_FP32 = 0, PAL_CPU_BF16 = 1 } pal_cpu_precision;

/* Bytes that the packed form of a weight takes: out rounded up to 32, times in, in bf16 rounded up to 2, times 4 or 2. 0 for
 * sizes that are not positive and precisions that there are not. */
PAL_API size_t pal_cpu_packed_bytes(int32_t precision, int64_t in, int64_t out);

/*
 * Packs weight[o * out_stride + i * in_stride], o < out, i < in, for pal_cpu_linear; so [out, in] and [in, out] arrays
 * both serve. weight has floats or, where weight_precision says so, bf16 numbers. packed is 64-byte aligned,
 * [ceil(out / 32)][in][32], in bf16 [ceil(out / 32)][ceil(in / 2)][32] pairs of neighbours along in, the first in the upper
 * half of a word; zero-padded.
 */
PAL_API pal_status pal_cpu_pack(int32_t precision, const void* weight, int32_t weight_precision, int64_t in,
                                int64_t out, int64_t in_stride, int64_t out_stride, void* packed);

/*
 * y[r, o] = sum_i x[r, i] weight[o, i] + bias[o];  x [rows, in], bias [out] or NULL, y [rows, out].
 * The sum is one chain of fused multiply-adds in ascending i: the same bits for any number of threads and rows and any
 * instruction set. Weights come from memory once for every 480 rows. The workspace serves pal_cpu_log_sum_exp too; it holds
 * at most 480 rows of x, or 48 for each thread.
 */
PAL_API size_t pal_cpu_linear_workspace_bytes(int32_t precision, int64_t rows, int64_t in);
PAL_API pal_status pal_cpu_linear(int32_t precision, const void* packed, const float* bias, const float* x,
                                  int64_t rows, int64_t in, int64_t out, float* y, void* workspace,
                                  size_t workspace_bytes);

/*
 * lse[r] = log sum_o exp(y[r, o]), y that of pal_cpu_linear, which is never held: the normaliser of a softmax over a
 * vocabulary at the cost of the product alone. Terms below e^-87 of the largest seen before them in their place modulo 16
 * count as 0. Where a y is not finite the result is NaN. lse [rows]; the same bits for any number of threads and rows and
 * any instruction set; weights come from memory once for every 48 rows.
 */
PAL_API pal_status pal_cpu_log_sum_exp(int32_t precision, const void* packed, const float* bias, const float* x,
                                       int64_t rows, int64_t in, int64_t out, float* lse, void* workspace,
                                       size_t workspace_bytes);

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

/*
 * Sequences of different lengths, each with some new positions at its end. New positions of all sequences lie one after
 * the other: those of sequence s are first_query[s] .. first_query[s + 1] - 1. What a sequence holds, its new positions
 * included, lies in pieces first_piece[s] .. first_piece[s + 1] - 1, of piece_length positions each, so that sequences may
 * share what they begin with: channel c of head h at position t of piece p is keys[p][(t key_heads + h) channels + c].
 */
typedef struct pal_cpu_sequences {
  int64_t count;
  const int64_t* first_query;  /* [count + 1], from 0 on */
  const int64_t* first_piece;  /* [count + 1], from 0 on */
  const float* const* keys;    /* [pieces] */
  const float* const* values;  /* [pieces] */
  const int64_t* piece_length; /* [pieces] */
} pal_cpu_sequences;

/*
 * pal_cpu_attention for the new positions of such sequences: channel c of head h of new position n of all is
 * queries->data[n position_stride + h head_stride + c]; out [n, H, channels]. Bit for bit what pal_cpu_attention gives for
 * whole sequences, however they are divided into pieces and passes. shape->length: the longest sequence's, which the
 * workspace (pal_cpu_attention_workspace_bytes) is for; shape->rows is not looked at.
 */
PAL_API pal_status pal_cpu_attention_after(const pal_cpu_heads* queries, const pal_cpu_sequences* sequences,
                                           const pal_cpu_attention_shape* shape, float* out, void* workspace,
                                           size_t workspace_bytes);

#ifdef __cplusplus
}
#endif

#endif /* PALIMPSEST_CPU_H */
