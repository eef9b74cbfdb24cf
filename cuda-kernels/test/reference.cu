/* reference.cu - see reference.h. */
#include "reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace pal::test {

double rounded_to_bf16(double value) {
  if (std::isnan(value) || std::isinf(value) || value == 0.0) return value;
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent); /* in [0.5, 1): eight bits are kept */
  return std::ldexp(std::nearbyint(mantissa * 256.0), exponent - 8);
}

std::vector<bf16> as_bf16(const std::vector<float>& numbers) {
  std::vector<bf16> content;
  for (const float number : numbers) {
    const auto rounded = static_cast<float>(rounded_to_bf16(number));
    uint32_t bits = 0;
    std::memcpy(&bits, &rounded, sizeof(bits));
    content.push_back({static_cast<uint16_t>(bits >> 16)});
  }
  return content;
}

float as_float(bf16 number) {
  const uint32_t bits = uint32_t{number.bits} << 16;
  float value = 0.0f;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

TestCoder::TestCoder(const CoderShape& s, Random& random) : shape(s) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.width));
  encoder = normal_floats(random, s.latents * s.width, scale);
  encoder_bias = normal_floats(random, s.latents, 0.1);
  decoder = normal_floats(random, s.latents * s.width, scale);
  decoder_bias = normal_floats(random, s.width, 0.1);
  if (s.skip) skip = normal_floats(random, s.width * s.width, scale);
  upload();
}

void TestCoder::upload() {
  device_encoder = std::make_unique<Array<float>>(encoder);
  device_encoder_bias = std::make_unique<Array<float>>(encoder_bias);
  device_decoder = std::make_unique<Array<float>>(decoder);
  device_decoder_bias = std::make_unique<Array<float>>(decoder_bias);
  if (shape.skip) device_skip = std::make_unique<Array<float>>(skip);
  if (shape.bf16) {
    operands = std::make_unique<Array<unsigned char>>(static_cast<int64_t>(pal_operands_bytes(shape.width, shape.latents)));
  }
  coder = {shape.width,
           shape.latents,
           device_encoder->get(),
           device_encoder_bias->get(),
           device_decoder->get(),
           device_decoder_bias->get(),
           shape.skip ? device_skip->get() : nullptr,
           shape.centre ? 1 : 0,
           shape.bf16 ? operands->get() : nullptr};
  PAL_OK_OR_FAULT(pal_refresh_operands(&coder, nullptr));
}

std::vector<double> reference_preactivations(const TestCoder& coder, const std::vector<float>& x, int64_t row) {
  std::vector<double> a(static_cast<size_t>(coder.shape.latents));
  for (int64_t i = 0; i < coder.shape.latents; ++i) {
    double sum = 0.0;
    for (int64_t c = 0; c < coder.shape.width; ++c) sum += coder.input_at(x, row, c) * coder.encoder_at(i, c);
    a[static_cast<size_t>(i)] = sum + coder.encoder_bias_at(i);
  }
  return a;
}

void reference_select(const std::vector<double>& a, int64_t k, pal_activation activation, double* values, int32_t* indices) {
  const auto latents = static_cast<int64_t>(a.size());
  std::fill(values, values + k, 0.0);
  std::fill(indices, indices + k, 0);
  if (activation == PAL_GROUPMAX) {
    for (int64_t i = 0; i < latents; ++i) {
      const int64_t group = i / (latents / k);
      if (a[static_cast<size_t>(i)] > values[group]) {
        values[group] = a[static_cast<size_t>(i)];
        indices[group] = static_cast<int32_t>(i);
      }
    }
    return;
  }
  std::vector<int32_t> order;
  for (int64_t i = 0; i < latents; ++i) {
    if (a[static_cast<size_t>(i)] > 0.0) order.push_back(static_cast<int32_t>(i)); /* false for NaN */
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t p, int32_t q) { return a[static_cast<size_t>(p)] > a[static_cast<size_t>(q)]; });
  for (size_t s = 0; s < std::min(order.size(), static_cast<size_t>(k)); ++s) {
    values[s] = a[static_cast<size_t>(order[s])];
    indices[s] = order[s];
  }
}

std::vector<double> reference_decode(const TestCoder& coder, const std::vector<float>& x, const Sparse& sparse, int64_t rows,
                                     int64_t k) {
  const int64_t d = coder.shape.width;
  std::vector<double> out(static_cast<size_t>(rows * d));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < d; ++c) {
      double sum = coder.decoder_bias[c];
      for (int64_t s = 0; s < k; ++s) {
        const double value = sparse.values[r * k + s];
        if (value != 0.0) sum += value * coder.decoder_at(sparse.indices[r * k + s], c);
      }
      for (int64_t i = 0; coder.shape.skip && i < d; ++i) sum += double{coder.skip[c * d + i]} * x[r * d + i];
      out[static_cast<size_t>(r * d + c)] = sum;
    }
  }
  return out;
}

Gradients reference_backward(const TestCoder& coder, const std::vector<float>& x, const std::vector<float>& grad,
                             const Sparse& sparse, int64_t rows, int64_t k) {
  const int64_t d = coder.shape.width, m = coder.shape.latents;
  Gradients g;
  g.encoder.assign(static_cast<size_t>(m * d), 0.0);
  g.decoder.assign(static_cast<size_t>(m * d), 0.0);
  g.encoder_bias.assign(static_cast<size_t>(m), 0.0);
  g.decoder_bias.assign(static_cast<size_t>(d), 0.0);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t s = 0; s < k; ++s) {
      const double value = sparse.values[r * k + s];
      if (value == 0.0) continue;
      const int64_t i = sparse.indices[r * k + s];
      double dz = 0.0;
      for (int64_t c = 0; c < d; ++c) dz += grad[r * d + c] * coder.decoder_at(i, c);
      for (int64_t c = 0; c < d; ++c) {
        const double centre = coder.shape.centre ? coder.decoder_bias[c] : 0.0;
        g.decoder[i * d + c] += value * grad[r * d + c];
        g.encoder[i * d + c] += dz * (x[r * d + c] - centre);
      }
      g.encoder_bias[i] += dz;
    }
  }
  for (int64_t c = 0; c < d; ++c) {
    for (int64_t r = 0; r < rows; ++r) g.decoder_bias[c] += grad[r * d + c];
    for (int64_t i = 0; coder.shape.centre && i < m; ++i) g.decoder_bias[c] -= g.encoder_bias[i] * coder.encoder[i * d + c];
  }
  if (coder.shape.skip) {
    g.skip.assign(static_cast<size_t>(d * d), 0.0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < d; ++o) {
        for (int64_t i = 0; i < d; ++i) g.skip[o * d + i] += double{grad[r * d + o]} * x[r * d + i];
      }
    }
  }
  return g;
}

Sparse random_sparse(Random& random, int64_t rows, int64_t k, int64_t latents, bool heavy_tail) {
  Sparse sparse;
  for (int64_t r = 0; r < rows; ++r) {
    std::set<int64_t> seen;
    for (int64_t s = 0; s < k; ++s) {
      int64_t latent = 0;
      do {
        const double u = random.uniform();
        latent = std::min(latents - 1, static_cast<int64_t>(static_cast<double>(latents) * (heavy_tail ? u * u * u * u : u)));
        if (static_cast<int64_t>(seen.size()) * 2 >= latents) latent = random.integer(0, latents - 1);
      } while (!seen.insert(latent).second);
      const bool empty = random.uniform() < 0.05;
      sparse.indices.push_back(empty ? 0 : static_cast<int32_t>(latent));
      sparse.values.push_back(empty ? 0.0f : static_cast<float>(0.1 + random.uniform()));
    }
  }
  return sparse;
}

}  // namespace pal::test
