#include "fvu.hpp"

#include <algorithm>
#include <cmath>

namespace palimpsest {
namespace {

void block_sums(const float* a, int64_t rows, int64_t width, int64_t first, int64_t count, double* sums) {
  std::fill_n(sums, count, 0.0);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < count; ++j) sums[j] += static_cast<double>(a[r * width + first + j]);
  }
}

} // namespace

void column_sums(const float* a, int64_t rows, int64_t width, double* sums) {
  for_each_item(threads(), ceil_div(width, kColumnBlock), [&](int, int64_t block) {
    const int64_t first = block * kColumnBlock;
    block_sums(a, rows, width, first, std::min(kColumnBlock, width - first), sums + first);
  });
}

size_t fvu_workspace(int64_t width) { return static_cast<size_t>(ceil_div(width, kColumnBlock)) * 2 * sizeof(double); }

void fvu(const float* y_hat, const float* y, int64_t rows, int64_t width, float* grad, double* sums, void* workspace) {
  const int64_t blocks = ceil_div(width, kColumnBlock);
  double* parts = static_cast<double*>(workspace); // per block: the residual's sum, the variance's sum
  for_each_item(threads(), blocks, [&](int, int64_t block) {
    const int64_t first = block * kColumnBlock, count = std::min(kColumnBlock, width - first);
    double mean[kColumnBlock], error[kColumnBlock] = {}, spread[kColumnBlock] = {};
    block_sums(y, rows, width, first, count, mean);
    for (int64_t j = 0; j < count; ++j) mean[j] /= static_cast<double>(std::max<int64_t>(rows, 1));
    for (int64_t r = 0; r < rows; ++r) {
      const float* target = y + r * width + first;
      const float* guess = y_hat + r * width + first;
      for (int64_t j = 0; j < count; ++j) {
        const double e = static_cast<double>(target[j]) - static_cast<double>(guess[j]);
        const double s = static_cast<double>(target[j]) - mean[j];
        error[j] += e * e;
        spread[j] += s * s;
      }
    }
    double total_error = 0.0, total_spread = 0.0;
    for (int64_t j = 0; j < count; ++j) total_error += error[j], total_spread += spread[j];
    parts[2 * block] = total_error;
    parts[2 * block + 1] = total_spread;
  });
  sums[0] = sums[1] = 0.0;
  for (int64_t block = 0; block < blocks; ++block) {
    sums[0] += parts[2 * block];
    sums[1] += parts[2 * block + 1];
  }
  if (!grad) return;
  const double exact = sums[1] > 0.0 ? 2.0 / sums[1] : 0.0;
  const auto scale = static_cast<float>(exact);
  // Where the targets are so small or large that it leaves a float's range, differences times it may not.
  const bool usual = exact == 0.0 || std::isnormal(scale);
  for_each_item(threads(), rows, [&](int, int64_t r) {
    for (int64_t p = r * width; p < (r + 1) * width; ++p) {
      if (usual) {
        grad[p] = scale == 0.0f ? 0.0f : scale * (y_hat[p] - y[p]);
      } else {
        grad[p] = static_cast<float>(exact * (static_cast<double>(y_hat[p]) - static_cast<double>(y[p])));
      }
    }
  });
}

} // namespace palimpsest
