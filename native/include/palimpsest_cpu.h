/*
 * palimpsest_cpu.h - what the CPU library offers beyond the common table of palimpsest.h: the dense layers of a
 * language model, whose weights never change and so are packed once.
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
 * instruction set. Reads the weights once for every 96 rows from the second-level cache; no workspace.
 */
PAL_API pal_status pal_cpu_linear(const float* packed, const float* bias, const float* x, int64_t rows, int64_t in,
                                  int64_t out, float* y);

#ifdef __cplusplus
}
#endif

#endif /* PALIMPSEST_CPU_H */
