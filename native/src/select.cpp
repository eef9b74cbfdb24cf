#include "select.hpp"

#include <algorithm>
#include <functional>

namespace palimpsest {

Key keep_largest(Key* keys, int64_t n, int64_t k) {
  std::nth_element(keys, keys + (k - 1), keys + n, std::greater<Key>());
  return keys[k - 1];
}

void write_largest(Key* keys, int64_t n, int64_t k, float* values, int32_t* indices) {
  if (n > k) {
    keep_largest(keys, n, k);
    n = k;
  }
  std::sort(keys, keys + n, std::greater<Key>());
  for (int64_t s = 0; s < k; ++s) {
    values[s] = s < n ? key_value(keys[s]) : 0.0f;
    indices[s] = s < n ? key_index(keys[s]) : 0;
  }
}

} // namespace palimpsest
