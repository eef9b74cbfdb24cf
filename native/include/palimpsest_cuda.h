/*
 * palimpsest_cuda.h - what only the CUDA library has: settings, decoder and loss in one, and what lets a training step be queued
 * without anybody waiting for it: its constants and its record in device memory, and graphs.
 */
#ifndef PALIMPSEST_CUDA_H
#define PALIMPSEST_CUDA_H

#include "palimpsest.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Who multiplies matrices: "" = cuBLASLt where libcublasLt can be loaded, else our own kernels; "mma" = our own, for bf16 on
 * the matrix unit; "tiled" = our own without it (slow; for tests and as the yardstick); "cublaslt" = cuBLASLt or
 * PAL_UNSUPPORTED.
 * The library is looked for by its name (so LD_LIBRARY_PATH counts) and at the path in PALIMPSEST_CUBLASLT; "none" there: nowhere.
 */
PAL_API pal_status pal_cuda_set_product(const char* name);

/*
 * How many of cuBLASLt's algorithms for a shape are timed, on memory of their own, when a *_workspace_bytes function or the first
 * call meets the shape; the fastest is kept. 1 to 16; 1, the default, takes cuBLASLt's first proposal untimed: algorithms may add
 * in different orders, and which is fastest may differ from run to run, so only the default gives every run the same bits.
 * Shapes that are known already are met anew after a change.
 */
PAL_API pal_status pal_cuda_set_candidates(int32_t most);

/*
 * Arithmetic of products of floats (a coder without `operands`, and the skip matrix): 1 = tf32 where the backend has it,
 * 0 = plain fp32, -1 = the default (fp32 where operands is NULL, tf32 for the skip matrix of a coder with bf16 operands).
 */
PAL_API pal_status pal_cuda_set_tf32(int32_t on);

/*
 * Bytes of the buffer of pre-activations that pal_encode works through chunk by chunk; part of its workspace. At most and
 * by default 512 MiB are used (of them 64 in fp32, and for what e2 keeps); a chunk that stays in the L2 cache (about 32 MiB)
 * may be faster. 0 = the default. Takes effect for the pal_encode_workspace_bytes and pal_encode calls that follow.
 */
PAL_API pal_status pal_cuda_set_chunk_bytes(int64_t bytes);

/*
 * 1: a coder with `operands` selects from one chunk of pre-activations while the next is computed, on a second stream that the library
 * makes beside the caller's and that he need not know of: pal_encode's results are there for what he queues next on his own. The
 * buffer of pre-activations is halved, so that two take no more. 0, the default: one after the other. The same bits. For the
 * pal_encode_workspace_bytes and pal_encode calls that follow.
 */
PAL_API pal_status pal_cuda_set_overlap(int32_t on);

/*
 * 1: the backward pass of a coder with `operands`, a width that is a multiple of 4 and arrays aligned to 16 bytes sums a latent's
 * gradient rows over bf16 copies of grad and of x - c (the bits that the encoder multiplies): half the traffic of the hits, and 4 bytes
 * an element of x more of workspace. Scores, biases and the skip matrix are taken from the floats as ever. 0, the default: from the
 * floats. For the *_workspace_bytes and backward or step calls that follow.
 */
PAL_API pal_status pal_cuda_set_bf16_rows(int32_t on);

/*
 * How a coder with `operands` selects its top k: "e0" (and "", the default) = product into a buffer of pre-activations, then
 * selection; "e2" = both fused, without that buffer, where k <= 256 and M <= 131072 (else as e0). Both are exact: e2 for the
 * pre-activations as product "mma" computes and rounds them to bf16, the bits that e0 has with pal_cuda_set_product("mma").
 * Takes effect for the pal_encode_workspace_bytes and pal_encode calls that follow.
 */
PAL_API pal_status pal_cuda_set_encode(const char* name);

/*
 * pal_decode and pal_fvu in one: y_hat is never written.
 *   grad[r, :] = 2 (y_hat - y) / sums[1], sums as in pal_fvu; the gradient has the same bits as the two calls give.
 */
PAL_API size_t pal_cuda_decode_loss_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k);
PAL_API pal_status pal_cuda_decode_loss(const pal_coder* coder, const float* x, const float* y, int64_t rows, int64_t k,
                                        const float* values, const int32_t* indices, float* grad, double* sums,
                                        void* workspace, size_t workspace_bytes, pal_stream stream);

/*
 * pal_step within a CUDA graph. pal_step takes learning rate and t by value, so a graph that holds it repeats the step it
 * was captured with. pal_cuda_step takes them from device memory: queue pal_cuda_write_hyper before each replay (outside
 * the graph; hyper may change as soon as it returns). Same bits as pal_step.
 *   device_hyper   pal_cuda_hyper_bytes() of device memory, aligned to 16 bytes
 *   optimizer      the one that is written there
 * Scratch memory: pal_step_workspace_bytes.
 */
PAL_API size_t pal_cuda_hyper_bytes(void);
PAL_API pal_status pal_cuda_write_hyper(const pal_hyper* hyper, void* device_hyper, pal_stream stream);
PAL_API pal_status pal_cuda_step(const pal_coder* coder, const pal_optimizer_state* state, const float* x, const float* grad,
                                 int64_t rows, int64_t k, const float* values, const int32_t* indices, const void* device_hyper,
                                 pal_optimizer optimizer, int32_t unit_norm_decoder, int32_t normalize_after, void* workspace,
                                 size_t workspace_bytes, pal_stream stream);

/*
 * How the batches of a coder in training went, kept on the device until somebody reads it, so that nobody waits for a step.
 * All arrays are the caller's and begin as zeros, or as they were left. M = latents.
 */
typedef struct pal_cuda_record {
  int64_t latents;    /* M */
  int64_t dead_after; /* a latent that has not fired in the last so many rows counts as dead; 1 or more */
  int64_t length;     /* places of the log, 2 or more; it holds one batch fewer: the next place is cleared */
  int64_t* counts;    /* [M] firings of each latent since the start */
  int64_t* last;      /* [M] rows seen when it fired last, those of that batch included; 0: never */
  int64_t* batch;     /* [M] scratch memory; zeros between calls */
  int64_t* progress;  /* [2] rows seen; the next batch's place in the log */
  double* sums;       /* [length, 2] log: the two sums of pal_fvu */
  int64_t* firings;   /* [length, 2] log: firings of all latents in the batch; latents dead after it */
} pal_cuda_record;

/*
 * Takes in one batch: its selected latents, as pal_encode leaves them, and its sums, as pal_fvu or pal_cuda_decode_loss leaves them.
 * rows is 1 or more.
 */
PAL_API pal_status pal_cuda_record_batch(const pal_cuda_record* record, const float* values, const int32_t* indices, int64_t rows,
                                         int64_t k, const double* sums, pal_stream stream);

/*
 * CUDA graphs for callers without the CUDA runtime. What the calling thread queues on *stream between begin and end is kept
 * instead of done; pal_cuda_replay queues all of it again, with the same pointers, sizes and values, which must then still stand
 * for the same. Between begin and end the thread calls nothing else of the device, and only what has run before with these sizes
 * (kernels are loaded and cuBLASLt's plans made at the first call). A failed end leaves *graph NULL.
 * pal_cuda_free_graph waits for the device; NULL is nothing to free.
 */
typedef void* pal_cuda_graph;
PAL_API pal_status pal_cuda_begin_capture(pal_stream* stream);
PAL_API pal_status pal_cuda_end_capture(pal_stream stream, pal_cuda_graph* graph);
PAL_API pal_status pal_cuda_replay(pal_cuda_graph graph, pal_stream stream);
PAL_API pal_status pal_cuda_free_graph(pal_cuda_graph graph);

#ifdef __cplusplus
}
#endif

#endif /* PALIMPSEST_CUDA_H */
