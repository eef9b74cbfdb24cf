#include "hits.hpp"

#include <algorithm>

namespace palimpsest {

void Hits::fill(int64_t latents, int64_t rows, int64_t k, const float* values, const int32_t* indices) {
  std::fill_n(start, latents + 2, int64_t{0});
  // Counts are kept two places up, so that start[i + 1] can serve as the write position of latent i.
  for (int64_t s = 0; s < rows * k; ++s) {
    if (values[s] != 0.0f) ++start[indices[s] + 2];
  }
  for (int64_t i = 2; i < latents + 2; ++i) start[i] += start[i - 1];
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t s = r * k; s < (r + 1) * k; ++s) {
      if (values[s] != 0.0f) hits[start[indices[s] + 1]++] = {static_cast<int32_t>(r), values[s]};
    }
  }
}

} // namespace palimpsest
