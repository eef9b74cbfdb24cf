// Sixteen float lanes as one AVX-512 register.
#ifndef PALIMPSEST_LANES_AVX512_HPP
#define PALIMPSEST_LANES_AVX512_HPP

#include <immintrin.h>

#include <cstdint>

namespace palimpsest {
namespace {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kPairRows = 12; // rows whose sums of pairs stay in registers
  __m512 v;

  static __mmask16 mask(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
  static Lanes set(float a) { return {_mm512_set1_ps(a)}; }
  static Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Lanes load_part(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(mask(n), p)}; }
  // The upper and the lower halves of sixteen words, each as the upper half of a float.
  static Lanes upper(const uint32_t* p) {
    return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32(-0x10000)))};
  }
  static Lanes lower(const uint32_t* p) { return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16))}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store_part(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, mask(n), v); }
  friend Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
  friend Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
  friend Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
  friend Lanes operator/(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
  static Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
  static Lanes sqrt(Lanes a) { return {_mm512_maskz_sqrt_ps(0xffff, a.v)}; }
  static Lanes with_sign(Lanes s, Lanes g) {
    const __m512 zero = _mm512_setzero_ps();
    const __m512 positive = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(g.v, zero, _CMP_GT_OQ), s.v);
    const __m512 minus = _mm512_xor_ps(s.v, _mm512_set1_ps(-0.0f));
    return {_mm512_mask_mov_ps(positive, _mm512_cmp_ps_mask(g.v, zero, _CMP_LT_OQ), minus)};
  }
  static Lanes larger(Lanes a, Lanes b) { return {_mm512_maskz_max_ps(0xffff, a.v, b.v)}; }
  static Lanes nearest(Lanes a) {
    constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
    return {_mm512_maskz_roundscale_ps(0xffff, a.v, kNearest)};
  }
  // 2^n for whole n > -127; 0 where x < least.
  static Lanes power_of_two(Lanes n, Lanes x, float least) {
    const __m512i bits = _mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n.v), _mm512_set1_epi32(127)), 23);
    return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, _mm512_set1_ps(least), _CMP_NLT_UQ), _mm512_castsi512_ps(bits))};
  }
  float sum() const {
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }
  // The larger of a and |b|, a being positive already.
  static Lanes larger_magnitude(Lanes a, Lanes b) {
    return {_mm512_maskz_max_ps(0xffff, a.v, _mm512_andnot_ps(_mm512_set1_ps(-0.0f), b.v))};
  }
  // |a_i| of the sixteen added up: over i % 4 < 2 in the first two of four, over the others in the last two.
  __m128 windows() const {
    const __m512 size = _mm512_andnot_ps(_mm512_set1_ps(-0.0f), v);
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(size), _mm512_extractf32x8_ps(size, 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    return _mm_add_ps(four, _mm_permute_ps(four, 0xb1));
  }
  float largest() const { return _mm512_reduce_max_ps(v); }
  // Rounds to whole numbers in [-limit, limit], returns them, and stores them plus `offset` as bytes.
  Lanes store_rounded(uint8_t* q, int limit, int offset) const {
    const __m512i whole =
        _mm512_maskz_max_epi32(0xffff, _mm512_maskz_min_epi32(0xffff, _mm512_maskz_cvtps_epi32(0xffff, v),
                                                              _mm512_set1_epi32(limit)), _mm512_set1_epi32(-limit));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(q),
                     _mm512_maskz_cvtepi32_epi8(0xffff, _mm512_add_epi32(whole, _mm512_set1_epi32(offset))));
    return {_mm512_maskz_cvtepi32_ps(0xffff, whole)};
  }
  uint32_t passing(float threshold) const {
    const __mmask16 positive = _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
    return _mm512_mask_cmp_ps_mask(positive, v, _mm512_set1_ps(threshold), _CMP_GE_OQ);
  }
};

} // namespace
} // namespace palimpsest

#endif
