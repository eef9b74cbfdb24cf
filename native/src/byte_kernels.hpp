// 8-bit loops for processors with wide byte products; included after lanes_*.hpp and row_kernels.hpp.
#ifndef PALIMPSEST_BYTE_KERNELS_HPP
#define PALIMPSEST_BYTE_KERNELS_HPP

#include <algorithm>

#include "row_kernels.hpp"

namespace palimpsest {
namespace {

inline Lanes factored(const float* v, const float* factors, int64_t p, int64_t n) {
  const int64_t left = n - p < 0 ? 0 : n - p < Lanes::kCount ? n - p : Lanes::kCount;
  const Lanes a = Lanes::load_part(v + p, left);
  return factors ? a * Lanes::load_part(factors + p, left) : a;
}

// The step by which all of v become whole numbers of at most `levels`, and within kMostInWindow: of that four are for
// rounding eight numbers, one for the rounding of their sum and the step.
inline float step_of(const float* v, const float* factors, int64_t n, int levels, bool windows) {
  Lanes largest = Lanes::set(0.0f);
  __m128 window = _mm_setzero_ps();
  for (int64_t p = 0; p < n; p += Lanes::kCount) {
    const Lanes a = factored(v, factors, p, n);
    largest = Lanes::larger_magnitude(largest, a);
    if (windows) window = _mm_max_ps(window, a.windows());
  }
  const float step = largest.largest() / static_cast<float>(levels);
  const float of_windows = _mm_cvtss_f32(_mm_max_ss(window, _mm_movehl_ps(window, window)));
  return std::max(step, of_windows / (kMostInWindow - 5.0f));
}

Quantized quantize(const float* v, const float* factors, int64_t n, int levels, bool windows, int offset, uint8_t* q,
                   float* residuals) {
  Quantized result = {step_of(v, factors, n, levels, windows), 0.0f, 0.0f, 0};
  const Lanes inverse = Lanes::set(result.step > 0.0f ? 1.0f / result.step : 0.0f);
  const Lanes minus_step = Lanes::set(-result.step);
  Lanes square = Lanes::set(0.0f), residual_square = Lanes::set(0.0f), sum = Lanes::set(0.0f);
  for (int64_t p = 0; p < padded_bytes(n); p += Lanes::kCount) {
    const Lanes a = factored(v, factors, p, n);
    const Lanes whole = (a * inverse).store_rounded(q + p, levels, offset);
    const Lanes residual = Lanes::fma(minus_step, whole, a);
    square = Lanes::fma(a, a, square);
    residual_square = Lanes::fma(residual, residual, residual_square);
    sum = sum + whole;
    if (residuals && p < n) residual.store_part(residuals + p, n - p < Lanes::kCount ? n - p : Lanes::kCount);
  }
  result.square = square.sum();
  result.residual_square = residual_square.sum();
  result.sum = static_cast<int32_t>(sum.sum()); // whole numbers below 2^24, so exact
  return result;
}

} // namespace
} // namespace palimpsest

#endif
