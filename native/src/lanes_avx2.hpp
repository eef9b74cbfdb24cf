// Sixteen float lanes as two AVX2 registers.
#ifndef PALIMPSEST_LANES_AVX2_HPP
#define PALIMPSEST_LANES_AVX2_HPP

#include <immintrin.h>

#include <cstdint>

namespace palimpsest {
namespace {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kPairRows = 4; // rows whose sums of pairs stay in registers
  __m256 low, high;

  static __m256i mask(int64_t n) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), lane);
  }
  static Lanes set(float a) { return {_mm256_set1_ps(a), _mm256_set1_ps(a)}; }
  static Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  static Lanes load_part(const float* p, int64_t n) {
    if (n <= 8) return {_mm256_maskload_ps(p, mask(n)), _mm256_setzero_ps()};
    return {_mm256_loadu_ps(p), _mm256_maskload_ps(p + 8, mask(n - 8))};
  }
  // The upper and the lower halves of sixteen words, each as the upper half of a float.
  static __m256i words(const uint32_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static __m256 half_upper(const uint32_t* p) {
    return _mm256_castsi256_ps(_mm256_and_si256(words(p), _mm256_set1_epi32(-0x10000)));
  }
  static Lanes upper(const uint32_t* p) { return {half_upper(p), half_upper(p + 8)}; }
  static __m256 half_lower(const uint32_t* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(words(p), 16)); }
  static Lanes lower(const uint32_t* p) { return {half_lower(p), half_lower(p + 8)}; }
  void store(float* p) const {
    _mm256_storeu_ps(p, low);
    _mm256_storeu_ps(p + 8, high);
  }
  void store_part(float* p, int64_t n) const {
    if (n <= 8) {
      _mm256_maskstore_ps(p, mask(n), low);
      return;
    }
    _mm256_storeu_ps(p, low);
    _mm256_maskstore_ps(p + 8, mask(n - 8), high);
  }
  friend Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)}; }
  friend Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)}; }
  friend Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)}; }
  friend Lanes operator/(Lanes a, Lanes b) { return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
  }
  static Lanes sqrt(Lanes a) { return {_mm256_sqrt_ps(a.low), _mm256_sqrt_ps(a.high)}; }
  static __m256 half_with_sign(__m256 s, __m256 g) {
    const __m256 zero = _mm256_setzero_ps();
    const __m256 positive = _mm256_and_ps(_mm256_cmp_ps(g, zero, _CMP_GT_OQ), s);
    const __m256 minus = _mm256_xor_ps(s, _mm256_set1_ps(-0.0f));
    return _mm256_or_ps(positive, _mm256_and_ps(_mm256_cmp_ps(g, zero, _CMP_LT_OQ), minus));
  }
  static Lanes with_sign(Lanes s, Lanes g) { return {half_with_sign(s.low, g.low), half_with_sign(s.high, g.high)}; }
  static Lanes larger(Lanes a, Lanes b) { return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)}; }
  static Lanes nearest(Lanes a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm256_round_ps(a.low, kNearest), _mm256_round_ps(a.high, kNearest)};
  }
  static __m256 half_power_of_two(__m256 n, __m256 x, float least) {
    const __m256i bits = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_and_ps(_mm256_cmp_ps(x, _mm256_set1_ps(least), _CMP_NLT_UQ), _mm256_castsi256_ps(bits));
  }
  // 2^n for whole n > -127; 0 where x < least.
  static Lanes power_of_two(Lanes n, Lanes x, float least) {
    return {half_power_of_two(n.low, x.low, least), half_power_of_two(n.high, x.high, least)};
  }
  float sum() const {
    const __m256 eight = _mm256_add_ps(low, high);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // The larger of a and |b|, a being positive already.
  static Lanes larger_magnitude(Lanes a, Lanes b) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_max_ps(a.low, _mm256_andnot_ps(sign, b.low)), _mm256_max_ps(a.high, _mm256_andnot_ps(sign, b.high))};
  }
  // |a_i| of the sixteen added up: over i % 4 < 2 in the first two of four, over the others in the last two.
  __m128 windows() const {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    const __m256 eight = _mm256_add_ps(_mm256_andnot_ps(sign, low), _mm256_andnot_ps(sign, high));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    return _mm_add_ps(four, _mm_permute_ps(four, 0xb1));
  }
  float largest() const {
    const __m256 eight = _mm256_max_ps(low, high);
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static __m256i half_rounded(__m256 a, int limit) {
    return _mm256_max_epi32(_mm256_min_epi32(_mm256_cvtps_epi32(a), _mm256_set1_epi32(limit)), _mm256_set1_epi32(-limit));
  }
  // Rounds to whole numbers in [-limit, limit], returns them, and stores them plus `offset`, at most 127, as bytes.
  Lanes store_rounded(uint8_t* q, int limit, int offset) const {
    const __m256i first = half_rounded(low, limit), second = half_rounded(high, limit);
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xd8);
    const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q), _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(offset))));
    return {_mm256_cvtepi32_ps(first), _mm256_cvtepi32_ps(second)};
  }
  static uint32_t half_passing(__m256 a, __m256 threshold) {
    const __m256 positive = _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_GT_OQ);
    return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_and_ps(positive, _mm256_cmp_ps(a, threshold, _CMP_GE_OQ))));
  }
  uint32_t passing(float threshold) const {
    const __m256 t = _mm256_set1_ps(threshold);
    return half_passing(low, t) | half_passing(high, t) << 8;
  }
};

} // namespace
} // namespace palimpsest

#endif
