// The loops over one row, written once over `Lanes`; included by every kernels_*.cpp after its lanes_*.hpp.
// Internal linkage throughout: each translation unit has its own copy in its own instruction set.
#ifndef PALIMPSEST_ROW_KERNELS_HPP
#define PALIMPSEST_ROW_KERNELS_HPP

#ifdef PAL_X86
#include <immintrin.h>
#endif

#include "kernels.hpp"

namespace palimpsest {
namespace {

// While it lives, this thread's results too small for a normal number become 0, and such inputs count as 0. The moments
// of a latent that no longer fires decay until they are subnormal and would stay so for ever; many processors take a
// hundred times as long over such numbers.
class FlushSubnormals {
 public:
#ifdef PAL_X86
  FlushSubnormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | kFlushResults | kFlushInputs); }
  ~FlushSubnormals() { _mm_setcsr(saved_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  static constexpr unsigned kFlushResults = 0x8000, kFlushInputs = 0x0040;
  unsigned saved_;
#endif
};

float dot(const float* a, const float* b, int64_t n) {
  Lanes sums[4] = {Lanes::set(0.0f), Lanes::set(0.0f), Lanes::set(0.0f), Lanes::set(0.0f)};
  int64_t p = 0;
  for (; p + 64 <= n; p += 64) {
    for (int u = 0; u < 4; ++u) {
      sums[u] = Lanes::fma(Lanes::load(a + p + 16 * u), Lanes::load(b + p + 16 * u), sums[u]);
    }
  }
  for (int u = 0; p < n; p += 16, ++u) {
    const int64_t left = n - p < 16 ? n - p : 16;
    sums[u] = Lanes::fma(Lanes::load_part(a + p, left), Lanes::load_part(b + p, left), sums[u]);
  }
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum();
}

void axpy(float alpha, const float* x, float* y, int64_t n) {
  const Lanes a = Lanes::set(alpha);
  int64_t p = 0;
  for (; p + 16 <= n; p += 16) Lanes::fma(a, Lanes::load(x + p), Lanes::load(y + p)).store(y + p);
  if (p < n) {
    const int64_t left = n - p;
    Lanes::fma(a, Lanes::load_part(x + p, left), Lanes::load_part(y + p, left)).store_part(y + p, left);
  }
}

void axpy_centred(float alpha, const float* x, const float* c, float* y, int64_t n) {
  const Lanes a = Lanes::set(alpha);
  int64_t p = 0;
  for (; p + 16 <= n; p += 16) {
    Lanes::fma(a, Lanes::load(x + p) - Lanes::load(c + p), Lanes::load(y + p)).store(y + p);
  }
  if (p < n) {
    const int64_t left = n - p;
    const Lanes centred = Lanes::load_part(x + p, left) - Lanes::load_part(c + p, left);
    Lanes::fma(a, centred, Lanes::load_part(y + p, left)).store_part(y + p, left);
  }
}

// e^x for x <= 0, within two units in the last place; 0 below -87, -infinity included. x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial
// of degree 6 in r.
Lanes exponential(Lanes x) {
  x = Lanes::larger(Lanes::set(-128.0f), x); // a NaN remains one
  const Lanes n = Lanes::nearest(x * Lanes::set(1.44269504f));
  Lanes r = Lanes::fma(n, Lanes::set(-0.693359375f), x);
  r = Lanes::fma(n, Lanes::set(2.12194440e-4f), r);
  constexpr float kTerms[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  Lanes p = Lanes::set(1.9875691500e-4f);
  for (const float term : kTerms) p = Lanes::fma(p, r, Lanes::set(term));
  return Lanes::power_of_two(n, x, -87.0f) * Lanes::fma(p, r * r, r + Lanes::set(1.0f));
}

float softmax(float* s, int64_t begin, int64_t first, int64_t last, int64_t end, float scale) {
  Lanes most = Lanes::set(s[first]);
  int64_t whole = first;
  for (; whole + Lanes::kCount <= last; whole += Lanes::kCount) most = Lanes::larger(Lanes::load(s + whole), most);
  float largest = most.largest();
  for (; whole < last; ++whole) largest = s[whole] > largest ? s[whole] : largest;
  for (int64_t t = begin; t < first; ++t) s[t] = 0.0f;
  Lanes sum = Lanes::set(0.0f);
  const Lanes times = Lanes::set(scale), most_there_is = Lanes::set(largest), offset = Lanes::set(-largest * scale);
  // The offset's own rounding must stay far below 1: for larger scores the difference is taken first.
  const bool far = !(largest * scale < 0x1p20f && largest * scale > -0x1p20f);
  for (int64_t t = first; t < last; t += Lanes::kCount) {
    const int64_t left = last - t < Lanes::kCount ? last - t : Lanes::kCount;
    const Lanes score = Lanes::load_part(s + t, left);
    const Lanes e = exponential(far ? (score - most_there_is) * times : Lanes::fma(score, times, offset));
    e.store_part(s + t, left);
    sum = sum + Lanes::load_part(s + t, left);
  }
  for (int64_t t = last; t < end; ++t) s[t] = 0.0f;
  return 1.0f / sum.sum();
}

// e^(x - most), 0 where that is below e^-87; NaN stays.
Lanes exponential_of_difference(Lanes x, Lanes most) {
  return exponential(Lanes::larger(Lanes::set(-100.0f), x - most));
}

void take_exponentials(const float* v, int64_t count, float* most, float* sum) {
  alignas(64) float padded[kTileColumns];
  if (count < kTileColumns) {
    for (int64_t j = 0; j < kTileColumns; ++j) padded[j] = j < count ? v[j] : kLeast;
    v = padded;
  }
  const Lanes low = Lanes::load(v), high = Lanes::load(v + Lanes::kCount), before = Lanes::load(most);
  const Lanes now = Lanes::larger(low, Lanes::larger(high, before));
  // Zero times a value is zero or, where the value is no finite number, NaN.
  const Lanes poison = Lanes::fma(low, Lanes::set(0.0f), high * Lanes::set(0.0f));
  const Lanes old = Lanes::fma(Lanes::load(sum), exponential_of_difference(before, now), poison);
  const Lanes fresh = exponential_of_difference(low, now) + exponential_of_difference(high, now);
  now.store(most);
  (old + fresh).store(sum);
}

void divide(float* w, float divisor, int64_t n) {
  const Lanes by = Lanes::set(divisor);
  int64_t p = 0;
  for (; p + 16 <= n; p += 16) (Lanes::load(w + p) / by).store(w + p);
  if (p < n) (Lanes::load_part(w + p, n - p) / by).store_part(w + p, n - p);
}

// Adam as torch: m and v decay towards g and g^2, p moves by the bias-corrected ratio.
struct Adam {
  Lanes beta1, one_minus_beta1, beta2, one_minus_beta2, step, inverse_root_bias, epsilon;
  explicit Adam(const UpdateConstants& c)
      : beta1(Lanes::set(c.beta1)), one_minus_beta1(Lanes::set(c.one_minus_beta1)), beta2(Lanes::set(c.beta2)),
        one_minus_beta2(Lanes::set(c.one_minus_beta2)), step(Lanes::set(-c.step_size)),
        inverse_root_bias(Lanes::set(c.inverse_root_bias)), epsilon(Lanes::set(c.epsilon)) {}
  void operator()(Lanes& p, Lanes g, Lanes& m, Lanes& v) const {
    m = Lanes::fma(one_minus_beta1, g, beta1 * m);
    v = Lanes::fma(one_minus_beta2 * g, g, beta2 * v);
    p = Lanes::fma(step, m / Lanes::fma(Lanes::sqrt(v), inverse_root_bias, epsilon), p);
  }
};

void update_adam(float* p, const float* g, float* first, float* second, int64_t n, const UpdateConstants& constants) {
  const Adam adam(constants);
  for (int64_t i = 0; i < n; i += 16) {
    const int64_t left = n - i;
    if (left >= 16) {
      Lanes w = Lanes::load(p + i), m = Lanes::load(first + i), v = Lanes::load(second + i);
      adam(w, g ? Lanes::load(g + i) : Lanes::set(0.0f), m, v);
      w.store(p + i), m.store(first + i), v.store(second + i);
    } else {
      Lanes w = Lanes::load_part(p + i, left), m = Lanes::load_part(first + i, left);
      Lanes v = Lanes::load_part(second + i, left);
      adam(w, g ? Lanes::load_part(g + i, left) : Lanes::set(0.0f), m, v);
      w.store_part(p + i, left), m.store_part(first + i, left), v.store_part(second + i, left);
    }
  }
}

// Schedule-free signum (Defazio et al. 2024): p is y, `z` the moving point, x = (y - (1 - b) z) / b the average.
struct Signum {
  Lanes beta, one_minus_beta, lr, weight;
  explicit Signum(const UpdateConstants& c)
      : beta(Lanes::set(c.beta1)), one_minus_beta(Lanes::set(c.one_minus_beta1)), lr(Lanes::set(c.step_size)),
        weight(Lanes::set(c.average_weight)) {}
  void operator()(Lanes& y, Lanes g, Lanes& z) const {
    const Lanes x = (y - one_minus_beta * z) / beta;
    z = z - Lanes::with_sign(lr, g);
    const Lanes average = Lanes::fma(weight, z - x, x);
    y = Lanes::fma(beta, average, one_minus_beta * z);
  }
};

void update_signum(float* p, const float* g, float* first, int64_t n, const UpdateConstants& constants) {
  const Signum signum(constants);
  for (int64_t i = 0; i < n; i += 16) {
    const int64_t left = n - i < 16 ? n - i : 16;
    Lanes y = Lanes::load_part(p + i, left), z = Lanes::load_part(first + i, left);
    signum(y, g ? Lanes::load_part(g + i, left) : Lanes::set(0.0f), z);
    y.store_part(p + i, left), z.store_part(first + i, left);
  }
}

void update(float* p, const float* g, float* first, float* second, int64_t n, const UpdateConstants& constants) {
  [[maybe_unused]] const FlushSubnormals flush;
  if (constants.signum) {
    update_signum(p, g, first, n, constants);
  } else {
    update_adam(p, g, first, second, n, constants);
  }
}

void passing(const float* values, const RowTerms& rows, const ColumnTerms& columns, uint32_t* masks) {
  for (int64_t r = 0; r < kTileRows; ++r) masks[r] = 0;
  for (int half = 0; half < kTileColumns; half += 16) {
    const Lanes scale = Lanes::load(columns.scale + half), error = Lanes::load(columns.error + half);
    const Lanes norm = Lanes::load(columns.norm + half), bias = Lanes::load(columns.bias + half);
    for (int64_t r = 0; r < kTileRows; ++r) {
      const Lanes product = Lanes::load(values + r * kTileColumns + half) * Lanes::set(rows.scale[r]);
      const Lanes slack = Lanes::fma(Lanes::set(rows.error[r]), norm, Lanes::set(rows.norm[r]) * error);
      masks[r] |= (Lanes::fma(product, scale, bias) + slack).passing(rows.threshold[r]) << half;
    }
  }
}

void pack_columns(const float* w, int64_t depth, int64_t count, float* columns) {
  for (int64_t p0 = 0; p0 < depth; p0 += 16) {
    const int64_t p1 = p0 + 16 < depth ? p0 + 16 : depth;
    for (int64_t j = 0; j < kTileColumns; ++j) {
      for (int64_t p = p0; p < p1; ++p) columns[p * kTileColumns + j] = j < count ? w[j * depth + p] : 0.0f;
    }
  }
}

} // namespace
} // namespace palimpsest

#endif
