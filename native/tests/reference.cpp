#include "reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "check.hpp"

namespace reference {

pal_coder Coder::view() {
  pal_coder coder = {};
  coder.width = width;
  coder.latents = latents;
  coder.encoder = encoder.data();
  coder.encoder_bias = encoder_bias.data();
  coder.decoder = decoder.data();
  coder.decoder_bias = decoder_bias.data();
  coder.skip = skip.empty() ? nullptr : skip.data();
  coder.subtract_decoder_bias = subtract ? 1 : 0;
  return coder;
}

Scratch::Scratch(size_t bytes) : memory_(nullptr), bytes_(bytes) {
  if (bytes == 0) return;
  if (posix_memalign(&memory_, 64, bytes) != 0) std::abort();
  std::memset(memory_, 0xa5, bytes);
}

Scratch::~Scratch() { std::free(memory_); }

Floats heavy_tailed(std::mt19937_64& random, int64_t rows, int64_t width) {
  std::normal_distribution<float> normal;
  std::student_t_distribution<float> tail(3.0f);
  constexpr int64_t kClusters = 4;
  Floats centres(kClusters * width), x(rows * width);
  for (float& c : centres) c = normal(random);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t cluster = static_cast<int64_t>(random() % kClusters);
    for (int64_t p = 0; p < width; ++p) {
      const float outlier = p % 97 == 5 ? 20.0f : 1.0f;
      x[r * width + p] = outlier * (centres[cluster * width + p] + 0.5f * tail(random));
    }
  }
  return x;
}

Coder random_coder(std::mt19937_64& random, int64_t width, int64_t latents, bool skip, bool subtract) {
  std::normal_distribution<float> normal;
  Coder coder = {width, latents, {}, {}, {}, {}, {}, subtract};
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  for (int64_t i = 0; i < latents; ++i) {
    const float norm = scale * std::exp(0.5f * normal(random));
    for (int64_t p = 0; p < width; ++p) {
      coder.encoder.push_back(norm * normal(random));
      coder.decoder.push_back(scale * normal(random));
    }
    coder.encoder_bias.push_back(0.1f * normal(random));
  }
  for (int64_t p = 0; p < width; ++p) coder.decoder_bias.push_back(0.2f * normal(random));
  for (int64_t p = 0; skip && p < width * width; ++p) coder.skip.push_back(scale * normal(random));
  return coder;
}

Doubles activations(const Coder& coder, const Floats& x, int64_t rows) {
  Doubles a(rows * coder.latents);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < coder.latents; ++i) {
      double sum = coder.encoder_bias[i];
      for (int64_t p = 0; p < coder.width; ++p) {
        const double centre = coder.subtract ? coder.decoder_bias[p] : 0.0;
        sum += static_cast<double>(coder.encoder[i * coder.width + p]) * (x[r * coder.width + p] - centre);
      }
      a[r * coder.latents + i] = sum > 0.0 ? sum : 0.0;
    }
  }
  return a;
}

Floats promised_activations(const Coder& coder, const Floats& x, int64_t rows) {
  Floats a(rows * coder.latents);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < coder.latents; ++i) {
      float sums[64] = {};
      for (int64_t p = 0; p < coder.width; ++p) {
        const float in = x[r * coder.width + p];
        const float centred = coder.subtract ? in - coder.decoder_bias[p] : in;
        sums[p % 64] = std::fma(centred, coder.encoder[i * coder.width + p], sums[p % 64]);
      }
      for (const int step : {16, 32, 8, 4, 2, 1}) {
        for (int l = 0; l + step < 64; ++l) {
          if ((l & step) == 0) sums[l] += sums[l + step];
        }
      }
      const float value = sums[0] + coder.encoder_bias[i];
      a[r * coder.latents + i] = value > 0.0f ? value : 0.0f;
    }
  }
  return a;
}

void select(const Floats& a, int64_t rows, int64_t latents, int64_t k, bool groups, Floats& values, Ints& indices) {
  values.assign(rows * k, 0.0f);
  indices.assign(rows * k, 0);
  Ints order(latents);
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = a.data() + r * latents;
    if (groups) {
      const int64_t size = latents / k;
      for (int64_t g = 0; g < k; ++g) {
        const int64_t best = std::max_element(row + g * size, row + (g + 1) * size) - row;
        if (row[best] > 0.0f) values[r * k + g] = row[best], indices[r * k + g] = static_cast<int32_t>(best);
      }
      continue;
    }
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t i, int32_t j) { return row[i] > row[j]; });
    for (int64_t s = 0; s < k && row[order[s]] > 0.0f; ++s) {
      values[r * k + s] = row[order[s]];
      indices[r * k + s] = order[s];
    }
  }
}

Doubles decode(const Coder& coder, const Batch& batch) {
  const int64_t d = coder.width, k = batch.k;
  Doubles out(batch.rows * d);
  for (int64_t r = 0; r < batch.rows; ++r) {
    for (int64_t p = 0; p < d; ++p) {
      double sum = coder.decoder_bias[p];
      for (int64_t s = r * k; s < (r + 1) * k; ++s) {
        if (batch.values[s] != 0.0f) {
          sum += static_cast<double>(batch.values[s]) * coder.decoder[batch.indices[s] * d + p];
        }
      }
      for (int64_t i = 0; !coder.skip.empty() && i < d; ++i) {
        sum += static_cast<double>(coder.skip[p * d + i]) * batch.x[r * d + i];
      }
      out[r * d + p] = sum;
    }
  }
  return out;
}

Gradients backward(const Coder& coder, const Batch& batch, const Floats& grad) {
  const int64_t d = coder.width, m = coder.latents, k = batch.k;
  Gradients g = {Doubles(m * d), Doubles(m), Doubles(m * d), Doubles(d), Doubles(coder.skip.size())};
  for (int64_t r = 0; r < batch.rows; ++r) {
    const float* gr = grad.data() + r * d;
    const float* x = batch.x.data() + r * d;
    for (int64_t s = r * k; s < (r + 1) * k; ++s) {
      const double z = batch.values[s];
      if (z == 0.0) continue;
      const int64_t i = batch.indices[s];
      double dz = 0.0;
      for (int64_t p = 0; p < d; ++p) dz += static_cast<double>(gr[p]) * coder.decoder[i * d + p];
      g.encoder_bias[i] += dz;
      for (int64_t p = 0; p < d; ++p) {
        const double centre = coder.subtract ? coder.decoder_bias[p] : 0.0;
        g.decoder[i * d + p] += z * gr[p];
        g.encoder[i * d + p] += dz * (x[p] - centre);
        if (coder.subtract) g.decoder_bias[p] -= dz * coder.encoder[i * d + p];
      }
    }
    for (int64_t p = 0; p < d; ++p) {
      g.decoder_bias[p] += gr[p];
      for (int64_t i = 0; !coder.skip.empty() && i < d; ++i) g.skip[p * d + i] += static_cast<double>(gr[p]) * x[i];
    }
  }
  return g;
}

namespace {

void for_ways(std::initializer_list<int> thread_counts, const std::function<void()>& body) {
  const std::string outer = test::context;
  for (const char* set : {"portable", "avx2", "avx512", "avx512vnni", "avx512bf16"}) {
    if (pal_set_instruction_set(set) != PAL_OK) continue;
    for (const int threads : thread_counts) {
      const bool slower = std::string(set) != "avx512vnni"; // of which some counts are enough
      if (slower && thread_counts.size() > 1 && threads % 2 == 0) continue;
      pal_set_threads(threads);
      test::context = outer + ", " + set + ", " + std::to_string(threads) + " threads";
      body();
    }
  }
  test::context = outer;
  pal_set_instruction_set("");
  pal_set_threads(0);
}

} // namespace

void for_every_way(const std::function<void()>& body) { for_ways({1, 2, 3, 5}, body); }

void for_every_instruction_set(int threads, const std::function<void()>& body) { for_ways({threads}, body); }

Floats encode_values(Coder& coder, const Floats& x, int64_t rows, int64_t k, pal_activation activation,
                     Ints& indices) {
  const pal_coder view = coder.view();
  Floats values(rows * k, -1.0f);
  indices.assign(rows * k, -1);
  const Scratch scratch(pal_encode_workspace_bytes(coder.width, coder.latents, rows, k, activation));
  CHECK_OK(pal_encode(&view, x.data(), rows, k, activation, values.data(), indices.data(), scratch.get(),
                      scratch.bytes(), nullptr));
  return values;
}

} // namespace reference
