/* verify.cu - see verify.h. */
#include "verify.h"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <limits>
#include <vector>

#include "device.cuh"
#include "operands.h"

namespace pal::bench {
namespace {

/* The first thing that is wrong. */
struct Finding {
  std::string text;
  __attribute__((format(printf, 2, 3))) void say(const char* format, ...) {
    if (!text.empty()) return;
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    text = line;
  }
};

template <class T>
std::vector<T> download(const T* from, int64_t count, Finding& finding) {
  std::vector<T> content(static_cast<size_t>(count));
  const cudaError_t error = cudaMemcpy(content.data(), from, content.size() * sizeof(T), cudaMemcpyDeviceToHost);
  if (error != cudaSuccess) finding.say("cudaMemcpy: %s", cudaGetErrorString(error));
  return content;
}

float rounded(float value) {
  unsigned bits = 0;
  std::memcpy(&bits, &value, 4);
  bits = (bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u;
  std::memcpy(&value, &bits, 4);
  return value;
}

/* The coder as the forward pass sees it. */
struct Weights {
  int64_t width, latents;
  bool half;
  std::vector<float> encoder, bias, decoder, decoder_bias, centre;

  Weights(const pal_coder& c, Finding& finding)
      : width(c.width), latents(c.latents), half(c.operands != nullptr), encoder(download(c.encoder, latents * width, finding)),
        bias(download(c.encoder_bias, latents, finding)), decoder(download(c.decoder, latents * width, finding)),
        decoder_bias(download(c.decoder_bias, width, finding)),
        centre(c.subtract_decoder_bias ? decoder_bias : std::vector<float>(static_cast<size_t>(width))) {
    if (!half) return;
    for (auto* array : {&encoder, &bias, &decoder}) std::transform(array->begin(), array->end(), array->begin(), rounded);
  }
};

void verify_selection(const Weights& w, const float* x, int64_t k, const float* values, const int32_t* indices, int64_t row,
                      Finding& finding) {
  std::vector<double> input(static_cast<size_t>(w.width));
  for (int64_t c = 0; c < w.width; ++c) {
    const float centred = x[c] - w.centre[static_cast<size_t>(c)];
    input[static_cast<size_t>(c)] = w.half ? rounded(centred) : centred;
  }
  std::vector<double> a(static_cast<size_t>(w.latents)), size(a.size());
  for (int64_t i = 0; i < w.latents; ++i) {
    double sum = w.bias[static_cast<size_t>(i)], absolute = std::fabs(sum);
    for (int64_t c = 0; c < w.width; ++c) {
      const double product = input[static_cast<size_t>(c)] * w.encoder[static_cast<size_t>(i * w.width + c)];
      sum += product;
      absolute += std::fabs(product);
    }
    a[static_cast<size_t>(i)] = sum;
    size[static_cast<size_t>(i)] = absolute;
  }
  /* fp32 sums in any order, and tf32's 11 bits where floats are multiplied that way are not allowed for; bf16 rounds once more. */
  const auto allowed = [&](size_t i) { return (w.half ? std::ldexp(std::fabs(a[i]), -8) : 0.0) + 1e-5 * size[i]; };
  std::vector<bool> selected(a.size());
  double last = std::numeric_limits<double>::infinity();
  int64_t used = 0;
  for (int64_t s = 0; s < k; ++s) {
    if (values[s] == 0.0f) continue;
    ++used;
    const auto i = static_cast<size_t>(indices[s]);
    if (i >= a.size() || selected[i]) {
      finding.say("row %lld slot %lld: latent %d again, or outside", static_cast<long long>(row), static_cast<long long>(s), indices[s]);
      return;
    }
    selected[i] = true;
    if (!(values[s] <= last)) finding.say("row %lld slot %lld: %g after %g", static_cast<long long>(row), static_cast<long long>(s), values[s], last);
    if (!(std::fabs(values[s] - a[i]) <= allowed(i))) {
      finding.say("row %lld latent %zu: %.9g, expected %.9g", static_cast<long long>(row), i, values[s], a[i]);
    }
    last = values[s];
  }
  const double least = used < k ? 0.0 : last;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!selected[i] && a[i] > least + 2.0 * allowed(i) + (w.half ? std::ldexp(least, -8) : 0.0)) {
      finding.say("row %lld: latent %zu of %.9g is left out, %.9g is in", static_cast<long long>(row), i, a[i], least);
    }
  }
}

void close(float found, double wanted, double size, const char* what, int64_t at, Finding& finding) {
  if (!(std::fabs(found - wanted) <= 1e-5 * size)) finding.say("%s at %lld: %.9g, expected %.9g", what, static_cast<long long>(at), found, wanted);
}

/* sum |y - mean|^2 of a batch, column by column. */
double variance_of(const std::vector<float>& y, int64_t rows, int64_t width) {
  std::vector<double> mean(static_cast<size_t>(width));
  for (size_t i = 0; i < y.size(); ++i) mean[i % mean.size()] += y[i] / static_cast<double>(rows);
  double sum = 0.0;
  for (size_t i = 0; i < y.size(); ++i) sum += (y[i] - mean[i % mean.size()]) * (y[i] - mean[i % mean.size()]);
  return sum;
}

/* The gradient's rows of one latent: its hits are looked for in the whole batch. */
void verify_latent(const Weights& w, const Made& made, int64_t latent, const std::vector<float>& x, const std::vector<float>& grad,
                   const std::vector<float>& values, const std::vector<int32_t>& indices, Finding& finding) {
  const int64_t d = w.width;
  const float* row_of_decoder = w.decoder.data() + latent * d;
  std::vector<double> decoder(static_cast<size_t>(d)), encoder(decoder), decoder_size(decoder), encoder_size(decoder);
  double bias = 0.0, bias_size = 1e-30;
  for (size_t slot = 0; slot < values.size(); ++slot) {
    if (values[slot] == 0.0f || indices[slot] != latent) continue;
    const auto row = static_cast<int64_t>(slot) / made.k;
    const float* g = grad.data() + row * d;
    double dz = 0.0, dz_size = 0.0;
    for (int64_t c = 0; c < d; ++c) {
      dz += double{g[c]} * row_of_decoder[c];
      dz_size += std::fabs(double{g[c]} * row_of_decoder[c]);
    }
    for (int64_t c = 0; c < d; ++c) {
      const auto at = static_cast<size_t>(c);
      const double from_g = double{values[slot]} * g[c], centred = double{x[static_cast<size_t>(row * d + c)]} - w.centre[at];
      decoder[at] += from_g;
      decoder_size[at] += std::fabs(from_g);
      encoder[at] += dz * centred;
      encoder_size[at] += dz_size * std::fabs(centred);
    }
    bias += dz;
    bias_size += dz_size;
  }
  const auto found_decoder = download(made.gradients->decoder + latent * d, d, finding);
  const auto found_encoder = download(made.gradients->encoder + latent * d, d, finding);
  const auto found_bias = download(made.gradients->encoder_bias + latent, 1, finding);
  for (int64_t c = 0; c < d; ++c) {
    const auto at = static_cast<size_t>(c);
    close(found_decoder[at], decoder[at], decoder_size[at], "the decoder's gradient", latent * d + c, finding);
    close(found_encoder[at], encoder[at], encoder_size[at], "the encoder's gradient", latent * d + c, finding);
  }
  close(found_bias[0], bias, bias_size, "the bias's gradient", latent, finding);
}

}  // namespace

std::string problem_of(const Made& made) {
  Finding finding;
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) finding.say("%s", cudaGetErrorString(error));
  const Weights w(*made.coder, finding);
  const int64_t d = w.width, slots = made.rows * made.k;
  const auto x = download(made.x, made.rows * d, finding), y = download(made.y, made.rows * d, finding);
  const auto grad = download(made.grad, made.rows * d, finding), values = download(made.values, slots, finding);
  const auto indices = download(made.indices, slots, finding);
  const auto sums = download(made.sums, 2, finding);

  const double variance = variance_of(y, made.rows, d);
  if (!(std::fabs(sums[1] - variance) <= 1e-9 * variance)) finding.say("sums[1] is %.15g, expected %.15g", sums[1], variance);
  const int64_t sampled = std::min(kVerifiedRows, made.rows);
  for (int64_t i = 0; i < sampled; ++i) {
    const int64_t row = sampled == 1 ? 0 : i * (made.rows - 1) / (sampled - 1);
    const float* selected = values.data() + row * made.k;
    const int32_t* latents = indices.data() + row * made.k;
    verify_selection(w, x.data() + row * d, made.k, selected, latents, row, finding);
    if (!finding.text.empty()) break;
    for (int64_t c = 0; c < d; ++c) {
      double y_hat = w.decoder_bias[static_cast<size_t>(c)], size = std::fabs(y_hat);
      for (int64_t s = 0; s < made.k; ++s) {
        const double part = double{selected[s]} * w.decoder[static_cast<size_t>(latents[s] * d + c)];
        y_hat += part;
        size += std::fabs(part);
      }
      const double target = y[static_cast<size_t>(row * d + c)];
      const double wanted = variance > 0.0 ? 2.0 * (y_hat - target) / variance : 0.0;
      close(grad[static_cast<size_t>(row * d + c)], wanted, 2.0 * (size + std::fabs(target)) / std::max(variance, 1e-300), "grad", row * d + c, finding);
    }
  }
  if (made.gradients == nullptr || !finding.text.empty()) return finding.text;

  std::vector<int64_t> hits(static_cast<size_t>(w.latents));
  for (int64_t slot = 0; slot < slots; ++slot) {
    if (values[static_cast<size_t>(slot)] != 0.0f) ++hits[static_cast<size_t>(indices[static_cast<size_t>(slot)])];
  }
  std::vector<int64_t> latents{std::max_element(hits.begin(), hits.end()) - hits.begin()};
  for (int64_t i = 1; i < std::min(kVerifiedLatents, w.latents); ++i) latents.push_back(i * (w.latents - 1) / (kVerifiedLatents - 1));
  for (const int64_t latent : latents) verify_latent(w, made, latent, x, grad, values, indices, finding);
  return finding.text;
}

}  // namespace pal::bench
