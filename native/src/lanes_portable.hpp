// Sixteen float lanes as a plain array: the meaning that the AVX2 and AVX-512 versions must reproduce bit by bit.
#ifndef PALIMPSEST_LANES_PORTABLE_HPP
#define PALIMPSEST_LANES_PORTABLE_HPP

#include <cmath>
#include <cstdint>

#include "bf16.hpp"

namespace palimpsest {
namespace {

struct Lanes {
  static constexpr int kCount = 16;
  static constexpr int kPairRows = 1; // rows whose sums of pairs stay in registers
  float v[16];

  static Lanes set(float a) {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = a;
    return r;
  }
  static Lanes load(const float* p) {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = p[i];
    return r;
  }
  // The first n lanes from memory, zeros behind them.
  static Lanes load_part(const float* p, int64_t n) {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = i < n ? p[i] : 0.0f;
    return r;
  }
  // The upper and the lower halves of sixteen words, each as the upper half of a float.
  static Lanes upper(const uint32_t* p) {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = float_of(p[i] & 0xffff0000u);
    return r;
  }
  static Lanes lower(const uint32_t* p) {
    Lanes r;
    for (int i = 0; i < 16; ++i) r.v[i] = float_of(p[i] << 16);
    return r;
  }
  void store(float* p) const {
    for (int i = 0; i < 16; ++i) p[i] = v[i];
  }
  void store_part(float* p, int64_t n) const {
    for (int i = 0; i < n; ++i) p[i] = v[i];
  }
  friend Lanes operator+(Lanes a, Lanes b) {
    for (int i = 0; i < 16; ++i) a.v[i] += b.v[i];
    return a;
  }
  friend Lanes operator-(Lanes a, Lanes b) {
    for (int i = 0; i < 16; ++i) a.v[i] -= b.v[i];
    return a;
  }
  friend Lanes operator*(Lanes a, Lanes b) {
    for (int i = 0; i < 16; ++i) a.v[i] *= b.v[i];
    return a;
  }
  friend Lanes operator/(Lanes a, Lanes b) {
    for (int i = 0; i < 16; ++i) a.v[i] /= b.v[i];
    return a;
  }
  // a b + c, rounded once.
  static Lanes fma(Lanes a, Lanes b, Lanes c) {
    for (int i = 0; i < 16; ++i) c.v[i] = std::fma(a.v[i], b.v[i], c.v[i]);
    return c;
  }
  static Lanes sqrt(Lanes a) {
    for (int i = 0; i < 16; ++i) a.v[i] = std::sqrt(a.v[i]);
    return a;
  }
  // s with the sign of g, 0 where g is 0 or NaN.
  static Lanes with_sign(Lanes s, Lanes g) {
    for (int i = 0; i < 16; ++i) s.v[i] = g.v[i] > 0.0f ? s.v[i] : g.v[i] < 0.0f ? -s.v[i] : 0.0f;
    return s;
  }
  // a > b ? a : b, so b where either is NaN.
  static Lanes larger(Lanes a, Lanes b) {
    for (int i = 0; i < 16; ++i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
    return a;
  }
  float largest() const {
    float most = v[0];
    for (int i = 1; i < 16; ++i) most = v[i] > most ? v[i] : most;
    return most;
  }
  static Lanes nearest(Lanes a) {
    for (int i = 0; i < 16; ++i) a.v[i] = std::nearbyint(a.v[i]);
    return a;
  }
  // 2^n for whole n > -127; 0 where x < least.
  static Lanes power_of_two(Lanes n, Lanes x, float least) {
    for (int i = 0; i < 16; ++i) n.v[i] = x.v[i] < least ? 0.0f : std::ldexp(1.0f, static_cast<int>(n.v[i]));
    return n;
  }
  // Sum of the lanes: upper half onto lower half, four times.
  float sum() const {
    float t[8];
    for (int i = 0; i < 8; ++i) t[i] = v[i] + v[i + 8];
    for (int i = 0; i < 4; ++i) t[i] += t[i + 4];
    for (int i = 0; i < 2; ++i) t[i] += t[i + 2];
    return t[0] + t[1];
  }
  // Bit i: lane i > 0 and lane i >= threshold.
  uint32_t passing(float threshold) const {
    uint32_t mask = 0;
    for (int i = 0; i < 16; ++i) mask |= static_cast<uint32_t>(v[i] > 0.0f && v[i] >= threshold) << i;
    return mask;
  }
};

} // namespace
} // namespace palimpsest

#endif
