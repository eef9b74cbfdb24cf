/* backward.h - what the unfused and the fused backward pass share. */
#pragma once

#include "hits.h"

namespace pal {

pal_status check_batch(const char* function, const pal_coder* coder, const float* x, const float* grad, int64_t rows, int64_t k,
                       const float* values, const int32_t* indices);
pal_status check_gradients(const char* function, const char* what, const pal_gradients& gradients, bool skip);

/* to (+)= grad^T x */
pal_status skip_gradient(const Batch& batch, float* to, bool accumulate, void* workspace, cudaStream_t stream);
void prepare_skip_gradient(int64_t width, int64_t rows);

}  // namespace pal
