// Sparse decode: a weighted sum of k decoder rows per token.
#ifndef PALIMPSEST_DECODE_HPP
#define PALIMPSEST_DECODE_HPP

#include "runtime.hpp"

namespace palimpsest {

// out[r] = sum_s values[r, s] W_dec[indices[r, s]] + b_dec; the skip connection is added by add_skip.
void decode(const pal_coder& coder, int64_t rows, int64_t k, const float* values, const int32_t* indices, float* out);

} // namespace palimpsest

#endif
