#include "decode.hpp"

#include <algorithm>

namespace palimpsest {

void decode(const pal_coder& coder, int64_t rows, int64_t k, const float* values, const int32_t* indices, float* out) {
  const Kernels& kernel = kernels();
  const int64_t width = coder.width;
  constexpr int64_t kRowsAtOnce = 16;
  for_each_item(threads(), ceil_div(rows, kRowsAtOnce), [&](int, int64_t block) {
    for (int64_t r = block * kRowsAtOnce; r < std::min(rows, (block + 1) * kRowsAtOnce); ++r) {
      float* row = out + r * width;
      std::fill_n(row, width, 0.0f);
      for (int64_t s = r * k; s < (r + 1) * k; ++s) {
        if (values[s] != 0.0f) kernel.axpy(values[s], coder.decoder + indices[s] * width, row, width);
      }
      kernel.axpy(1.0f, coder.decoder_bias, row, width);
    }
  });
}

} // namespace palimpsest
