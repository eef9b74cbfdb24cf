// Selection of the k best (value, latent) pairs of a row: larger value first, then lower latent.
//
// A pair of a positive value and an index is one 64-bit key: the bits of the float above, the complement of the index
// below. Positive floats order like their bits, so "best first" is plain descending order of keys.
#ifndef PALIMPSEST_SELECT_HPP
#define PALIMPSEST_SELECT_HPP

#include <cstdint>
#include <cstring>

namespace palimpsest {

using Key = uint64_t;

inline Key make_key(float value, int64_t index) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<Key>(bits) << 32 | (0xffffffffu - static_cast<uint32_t>(index));
}

inline float key_value(Key key) {
  const uint32_t bits = static_cast<uint32_t>(key >> 32);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline int32_t key_index(Key key) { return static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(key)); }

// Moves the k largest of n > k keys to the front and returns the smallest of them.
Key keep_largest(Key* keys, int64_t n, int64_t k);

// Writes the k largest of n keys, best first, as values and indices; pads with value 0, index 0. Reorders keys.
void write_largest(Key* keys, int64_t n, int64_t k, float* values, int32_t* indices);

} // namespace palimpsest

#endif
