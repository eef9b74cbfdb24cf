/*
 * product.h - the dense matrix product behind one function: cuBLASLt, our tiled kernel, or plain loops on the host.
 */
#pragma once

#include "pack.cuh"

namespace pal {

enum class Form {
  NT, /* D[i, j] = sum_c A[i, c] B[j, c]      A [rows, inner], B [cols, inner] */
  TN  /* D[i, j] = sum_c A[c, i] B[c, j]      A [inner, rows], B [inner, cols] */
};

enum class Arithmetic { FP32, TF32 };

/* Row-major matrices; *_stride is the distance between rows in elements. Sums are fp32. */
struct ProductShape {
  Form form;
  int64_t rows, cols, inner;
  int64_t a_stride, b_stride, d_stride;
};

/* cuBLASLt's scratch memory, part of the caller's workspace. */
constexpr size_t kProductWorkspaceBytes = size_t{32} << 20;

/* D = A B^T + bias (bias [cols], or NULL), rounded to bf16; form NT. Strides and pointers: multiples of 16 bytes are fastest. */
pal_status product(const ProductShape& shape, const bf16* a, const bf16* b, const bf16* bias, bf16* d, void* workspace,
                   cudaStream_t stream);
/* D = A B^T (+ bias), or D += with accumulate (bias NULL then), in floats. */
pal_status product(const ProductShape& shape, Arithmetic arithmetic, const float* a, const float* b, const float* bias,
                   float* d, bool accumulate, void* workspace, cudaStream_t stream);

/* Bytes of `workspace` that product() wants here: 0 unless cuBLASLt is in use. Loads cuBLASLt at the first call. */
size_t product_workspace_bytes();

/* Has the backend choose its algorithm now, so that nothing is set up while a CUDA graph is being captured. */
void prepare_product(const ProductShape& shape, bool half, Arithmetic arithmetic, bool with_bias);

/* For people: "cuBLASLt 13.0.2", "own kernel (…)". */
const char* product_backend();

/* What pal_cuda_set_tf32 asks for. */
Arithmetic float_arithmetic(bool coder_has_operands, bool encoder);

}  // namespace pal
