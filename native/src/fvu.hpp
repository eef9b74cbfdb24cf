// Fraction of variance unexplained of a batch, and its gradient.
#ifndef PALIMPSEST_FVU_HPP
#define PALIMPSEST_FVU_HPP

#include "runtime.hpp"

namespace palimpsest {

size_t fvu_workspace(int64_t width);
void fvu(const float* y_hat, const float* y, int64_t rows, int64_t width, float* grad, double* sums, void* workspace);

// sums[j] = sum_r a[r, j], rows in ascending order.
void column_sums(const float* a, int64_t rows, int64_t width, double* sums);

// Columns are taken in blocks of this many, each by one thread from the first row to the last: a fixed order of sums.
constexpr int64_t kColumnBlock = 32;

} // namespace palimpsest

#endif
