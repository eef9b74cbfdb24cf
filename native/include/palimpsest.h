/*
 * palimpsest.h - the contract between Palimpsest's Java layer and its kernels.
 *
 * One header, two libraries: the CPU library (native/) and the CUDA library (cuda-kernels/) export the same
 * functions with the same meaning, so every CUDA kernel has a CPU twin of the same signature.
 *
 * Rules that hold for every function
 *   - Plain C. Pointers, 64-bit sizes, a stream. Matrices are row-major and dense.
 *   - No allocation: where scratch memory is needed, a *_workspace_bytes function says how much and the caller
 *     brings it (64-byte aligned on the CPU, 256-byte aligned on CUDA). Its content need not be kept between calls.
 *   - No exception leaves the library. A function returns a pal_status; pal_last_error() has the message of the
 *     calling thread's last failure. A failed call has written nothing that the caller may rely on.
 *   - CUDA: pointers are device pointers, work is queued on `stream` (a cudaStream_t) and nothing synchronises.
 *     CPU: pointers are host pointers, `stream` is ignored, the work is done when the call returns.
 *   - Deterministic: the same inputs give the same bits, for any number of threads.
 *
 * Notation (experiment.md, Paulo & Belrose, arXiv 2501.18838; sparsify)
 *   B rows (tokens) of a batch, d width of the hooked activations, M latents, k latents kept per row
 *   x [B, d] coder input, y [B, d] target, c [d] centre (b_dec of an SAE, else none)
 *   a = relu(W_enc (x - c) + b_enc)        W_enc [M, d], b_enc [M]
 *   z = the k largest of a                 kept as values [B, k] and indices [B, k]
 *   y_hat = z W_dec + b_dec (+ W_skip x)   W_dec [M, d], b_dec [d], W_skip [d, d]
 *   FVU = sum |y - y_hat|^2 / sum |y - mean(y)|^2
 */
#ifndef PALIMPSEST_H
#define PALIMPSEST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PAL_API __attribute__((visibility("default")))
#else
#define PAL_API
#endif

/* Raised whenever a signature or a struct below changes. */
#define PAL_ABI_VERSION 1

typedef int32_t pal_status;
#define PAL_OK 0
#define PAL_INVALID_ARGUMENT 1 /* a size, pointer or option is wrong; the message names it */
#define PAL_UNSUPPORTED 2      /* correct, but this backend or machine cannot do it */
#define PAL_DEVICE_ERROR 3     /* the CUDA runtime reported an error */

typedef int32_t pal_activation;
#define PAL_TOPK 0     /* the k largest of all M latents */
#define PAL_GROUPMAX 1 /* the largest of each of k groups of M/k consecutive latents; M % k must be 0 */

typedef void* pal_stream;

/* ---- library ------------------------------------------------------------------------------------------------ */

PAL_API int32_t pal_abi_version(void);

/* Message of this thread's last failed call; empty before the first. Valid until the thread's next call. */
PAL_API const char* pal_last_error(void);

/* What runs here, for people: "cpu avx512, 2 threads" or "cuda sm_90 NVIDIA H200". Never NULL. */
PAL_API const char* pal_describe(void);

/*
 * Threads used by the calls that follow, from any calling thread; n < 1 means all processors. At most 1024: every thread
 * has a part of the workspaces, and more threads than processors gain nothing. CUDA: no effect.
 */
PAL_API pal_status pal_set_threads(int32_t n);
PAL_API int32_t pal_threads(void);

/*
 * Limits the instruction set ("portable", "avx2", "avx512", "avx512vnni", "avx512bf16"; "" = the best of these that this
 * machine has). For tests and benches: every choice gives the same bits. "amx" alone, which is never chosen by itself, has
 * other ones in a language model's 16-bit products. CUDA: PAL_UNSUPPORTED for anything but "".
 */
PAL_API pal_status pal_set_instruction_set(const char* name);

/* ---- a coder's parameters ----------------------------------------------------------------------------------- */

typedef struct pal_coder {
  int64_t width;   /* d */
  int64_t latents; /* M */
  float* encoder;      /* W_enc [M, d] */
  float* encoder_bias; /* b_enc [M] */
  float* decoder;      /* W_dec [M, d] */
  float* decoder_bias; /* b_dec [d] */
  float* skip;         /* W_skip [d, d], y_hat_o += sum_i W_skip[o, i] x_i; NULL without skip connection */
  int32_t subtract_decoder_bias; /* 1: c = b_dec (SAE, and transcoders of before February 2025); 0: no centre */
  void* operands; /* the backend's own low-precision copy of the matrices (bf16 on CUDA), or NULL; see below */
} pal_coder;

/* Bytes of pal_coder.operands; 0 where this backend needs none. The update functions keep the copy current. */
PAL_API size_t pal_operands_bytes(int64_t width, int64_t latents);
/* Makes the copy from the float matrices: after loading or initialising. A no-op where operands is NULL. */
PAL_API pal_status pal_refresh_operands(const pal_coder* coder, pal_stream stream);

/* ---- forward ------------------------------------------------------------------------------------------------ */

/*
 * values[r, :], indices[r, :] = the k selected latents of row r of relu(W_enc (x - c) + b_enc).
 *
 * Only strictly positive activations are selected; a row with fewer than k of them is padded with value 0 and
 * index 0 at its end. PAL_TOPK: ordered by value, largest first, ties (also at rank k) to the lowest index.
 * PAL_GROUPMAX: slot g holds the maximum of group g (lowest index on ties), or 0 and index 0 if it is not positive.
 * A NaN pre-activation is treated as not positive; +infinity is the largest value. On the CPU, a pre-activation is
 * sum(x_p - c_p) W_enc[i, p], taken as 64 running sums over p = l mod 64, each by fused multiply-adds in ascending
 * order, which are then added pairwise (l + 16, + 32, + 8, + 4, + 2, + 1), plus b_enc[i].
 * rows may be 0. 1 <= k <= M < 2^31.
 * Traffic: reads W_enc once per block of rows and x once; never writes B x M.
 */
PAL_API size_t pal_encode_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k,
                                          pal_activation activation);
PAL_API pal_status pal_encode(const pal_coder* coder, const float* x, int64_t rows, int64_t k,
                              pal_activation activation, float* values, int32_t* indices, void* workspace,
                              size_t workspace_bytes, pal_stream stream);

/*
 * out[r, :] = sum_s values[r, s] W_dec[indices[r, s], :] + b_dec (+ W_skip x[r, :] where coder->skip and x are given).
 * Slots are added in order s = 0 .. k-1; slots of value 0 are skipped. x may be NULL without skip.
 * values may be any numbers (guessed activations too); an index outside [0, M) is PAL_INVALID_ARGUMENT on the CPU.
 */
PAL_API size_t pal_decode_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k);
PAL_API pal_status pal_decode(const pal_coder* coder, const float* x, int64_t rows, int64_t k, const float* values,
                              const int32_t* indices, float* out, void* workspace, size_t workspace_bytes,
                              pal_stream stream);

/*
 * The FVU of a batch and its gradient with respect to y_hat.
 *   sums[0] = sum |y - y_hat|^2, sums[1] = sum |y - mean(y)|^2 (mean over the batch's rows, per column), FVU = their ratio
 *   grad[r, :] = 2 (y_hat - y) / sums[1]        grad may be the same memory as y_hat, or NULL (sums alone)
 * Sums are taken in double precision in a fixed order. sums[1] = 0 gives grad = 0.
 */
PAL_API size_t pal_fvu_workspace_bytes(int64_t width, int64_t rows);
PAL_API pal_status pal_fvu(const float* y_hat, const float* y, int64_t rows, int64_t width, float* grad, double* sums,
                           void* workspace, size_t workspace_bytes, pal_stream stream);

/* counts[i] += how many rows selected latent i with a value above 0. */
PAL_API pal_status pal_count_firings(const float* values, const int32_t* indices, int64_t rows, int64_t k,
                                     int64_t latents, int64_t* counts, pal_stream stream);

/* ---- backward: the unfused path (gradient accumulation, clipping, data parallel; the fused path's reference) --- */

typedef struct pal_gradients {
  float* encoder;      /* [M, d] */
  float* encoder_bias; /* [M] */
  float* decoder;      /* [M, d] */
  float* decoder_bias; /* [d] */
  float* skip;         /* [d, d], or NULL */
} pal_gradients;

/*
 * Gradients of the loss whose gradient with respect to y_hat is grad [B, d], through the selected latents only:
 *   dz[r, s] = <grad[r], W_dec[i]>          i = indices[r, s], slots of value 0 skipped
 *   dW_dec[i] += values[r, s] grad[r]       dW_enc[i] += dz[r, s] (x[r] - c)      db_enc[i] += dz[r, s]
 *   db_dec = sum_r grad[r] - [c given] W_enc^T db_enc                             dW_skip = grad^T x
 * accumulate = 0 overwrites the gradients, 1 adds to them. Rows are added in ascending order.
 */
PAL_API size_t pal_backward_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k);
PAL_API pal_status pal_backward(const pal_coder* coder, const float* x, const float* grad, int64_t rows, int64_t k,
                                const float* values, const int32_t* indices, const pal_gradients* gradients,
                                int32_t accumulate, void* workspace, size_t workspace_bytes, pal_stream stream);

/* g[i] -= <g[i], w[i]> w[i] for every row i: the part of the gradient along a unit decoder row (SAEs). */
PAL_API pal_status pal_remove_parallel(const float* w, float* g, int64_t rows, int64_t width, pal_stream stream);

/* w[i] /= |w[i]| + 2^-23 for every row i (float epsilon, as sparsify). */
PAL_API pal_status pal_normalize_rows(float* w, int64_t rows, int64_t width, pal_stream stream);

/* ---- optimisers ----------------------------------------------------------------------------------------------- */

typedef int32_t pal_optimizer;
#define PAL_ADAM 0
#define PAL_SIGNUM 1 /* schedule-free signum (Defazio et al. 2024) */

typedef struct pal_hyper {
  pal_optimizer optimizer;
  float lr;        /* this step's learning rate */
  float beta1;     /* Adam 0.9; signum: the momentum b, 0.95 */
  float beta2;     /* Adam 0.999 */
  float epsilon;   /* Adam 1e-8, added to sqrt(v_hat); on the CPU at least 1e-10 */
  int64_t step;    /* t = 1, 2, ... */
} pal_hyper;

/*
 * One update of n parameters p from gradients g. On the CPU, subnormal numbers count as 0 and none are left behind.
 * Squares of gradients beyond 10^19 are infinite in v, as torch's: such a parameter comes to rest.
 *   Adam (torch): m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
 *                 p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *   Signum:       first = z, p = y (where gradients are taken); x = (y - (1 - b) z) / b is implied.
 *                 z' = z - lr sign(g);  x' = (1 - 1/t) x + z'/t;  y' = b x' + (1 - b) z'.   second is unused (NULL).
 */
PAL_API pal_status pal_update(float* p, const float* g, float* first, float* second, int64_t n, const pal_hyper* hyper,
                              pal_stream stream);

/* The optimiser's state for a whole coder: arrays shaped as the parameters; `second` all NULL for signum. */
typedef struct pal_optimizer_state {
  pal_gradients first;
  pal_gradients second;
} pal_optimizer_state;

/*
 * Backward and update in one pass: what pal_backward, pal_remove_parallel, pal_update (on all five arrays) and
 * pal_normalize_rows do in turn, with both weight rows of a latent touched once and no gradient of size M x d in
 * memory. Every latent is updated, whether it fired or not. Same bits as the unfused path.
 *   unit_norm_decoder = 1: remove the gradient's parallel part (SAE)
 *   normalize_after   = 1: renormalise the decoder rows after the update, ready for the next forward
 * coder->operands, where given, is current afterwards.
 */
PAL_API size_t pal_step_workspace_bytes(int64_t width, int64_t latents, int64_t rows, int64_t k);
PAL_API pal_status pal_step(const pal_coder* coder, const pal_optimizer_state* state, const float* x,
                            const float* grad, int64_t rows, int64_t k, const float* values, const int32_t* indices,
                            const pal_hyper* hyper, int32_t unit_norm_decoder, int32_t normalize_after,
                            void* workspace, size_t workspace_bytes, pal_stream stream);

#ifdef __cplusplus
}
#endif

#endif /* PALIMPSEST_H */
