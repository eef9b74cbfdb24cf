// Numbers of 16 bits that are the upper half of a float.
#ifndef PALIMPSEST_BF16_HPP
#define PALIMPSEST_BF16_HPP

#include <cstdint>
#include <cstring>

namespace palimpsest {

inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// The bits of a float rounded to its upper half, to the nearest, ties to even; what is subnormal becomes a zero of its sign,
// which it counts as in a product, and NaN stays NaN.
inline uint32_t rounded_bits(uint32_t bits) {
  uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
  rounded = (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x400000u : rounded;
  return rounded & ((rounded & 0x7f800000u) == 0 ? 0x80000000u : 0xffff0000u);
}

// Two rounded numbers as a pair.
inline uint32_t pair_of(uint32_t first_bits, uint32_t second_bits) {
  return rounded_bits(first_bits) | rounded_bits(second_bits) >> 16;
}

} // namespace palimpsest

#endif
