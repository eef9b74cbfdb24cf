/* product_mma.h - the bf16 product by our own kernel on the matrix unit. */
#pragma once

#include "product.h"

namespace pal {

/* Whether product_by_mma can do it: NT, rows and pointers aligned to 16 bytes. */
bool product_mma_fits(const ProductShape& shape, const bf16* a, const bf16* b);

pal_status product_by_mma(const ProductShape& shape, const bf16* a, const bf16* b, const bf16* bias, bf16* d, cudaStream_t stream);

}  // namespace pal
