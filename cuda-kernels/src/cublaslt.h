/*
 * cublaslt.h - the matrix product by NVIDIA's cuBLASLt, loaded at run time: neither its header nor its library is needed
 * to build. The prototypes and enumeration values below follow NVIDIA's public documentation of the cuBLASLt API.
 */
#pragma once

#include "product.h"

namespace pal {

/* Why cuBLASLt cannot be used, or NULL where it can. The first call loads it and makes a handle for the device. */
const char* cublaslt_unavailable();

/* "cuBLASLt 13.0.2" once loaded. */
const char* cublaslt_version();

/* How many proposals are timed for a shape that is met for the first time; see pal_cuda_set_candidates. */
constexpr int kMostCandidates = 16;
void set_cublaslt_candidates(int most);

#if !defined(__CUDACC__)
/* Whether the host's products go to the fake cuBLASLt of the test program. */
bool& emulated_cublaslt();
#endif

/* Chooses and keeps the algorithm for a shape on the current device (host work only, unless candidates are timed). */
pal_status cublaslt_prepare(const ProductShape& shape, bool half, Arithmetic arithmetic, bool with_bias);

/* PAL_UNSUPPORTED where cuBLASLt has no algorithm for the shape and its alignment, whatever the status it says so with. */
pal_status cublaslt_product(const ProductShape& shape, bool half, Arithmetic arithmetic, const void* a, const void* b,
                            const void* bias, void* d, bool accumulate, void* workspace, cudaStream_t stream);

}  // namespace pal
