// pal_encode: the exact top k of the promised sums, bit by bit, and these close to double precision.
#include <algorithm>
#include <limits>

#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Every instruction set and thread count must return exactly the selection over the promised sums.
void check_exact(const std::string& name, Coder& coder, const Floats& x, int64_t rows, int64_t k,
                 pal_activation activation) {
  test::context = name + ": d " + std::to_string(coder.width) + ", M " + std::to_string(coder.latents) + ", k " +
                  std::to_string(k) + ", B " + std::to_string(rows) + (activation == PAL_TOPK ? "" : ", groupmax");
  Floats expected;
  Ints expected_indices;
  select(promised_activations(coder, x, rows), rows, coder.latents, k, activation == PAL_GROUPMAX, expected,
         expected_indices);
  for_every_way([&] {
    Ints indices;
    const Floats values = encode_values(coder, x, rows, k, activation, indices);
    CHECK(test::same_bits(values, expected));
    CHECK(indices == expected_indices);
  });
}

// Within the bound of d + 2 roundings of the exact sums.
void check_close(const Coder& coder, const Floats& x, int64_t rows) {
  const Floats a = promised_activations(coder, x, rows);
  const Doubles exact = activations(coder, x, rows);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < coder.latents; ++i) {
      double magnitude = std::fabs(coder.encoder_bias[i]);
      for (int64_t p = 0; p < coder.width; ++p) {
        const double centre = coder.subtract ? std::fabs(coder.decoder_bias[p]) : 0.0;
        magnitude += std::fabs(coder.encoder[i * coder.width + p]) * (std::fabs(x[r * coder.width + p]) + centre);
      }
      const double bound = 6e-8 * static_cast<double>(coder.width + 3) * magnitude;
      CHECK_NEAR(a[r * coder.latents + i], exact[r * coder.latents + i], bound);
    }
  }
}

void shapes(std::mt19937_64& random) {
  struct Case {
    int64_t width, latents, rows, k;
  };
  for (const Case& c : {Case{1, 1, 1, 1}, Case{3, 5, 4, 5}, Case{17, 64, 13, 1}, Case{33, 200, 25, 7},
                        Case{769, 300, 5, 32}, Case{64, 1000, 40, 64}, Case{16, 129, 12, 129}, Case{2, 31, 50, 4},
                        Case{130, 4099, 14, 16}}) {
    for (const bool subtract : {false, true}) {
      Coder coder = random_coder(random, c.width, c.latents, false, subtract);
      const Floats x = heavy_tailed(random, c.rows, c.width);
      check_exact("shapes", coder, x, c.rows, c.k, PAL_TOPK);
      check_close(coder, x, c.rows);
      for (const int64_t groups : {c.k, int64_t{1}, c.latents}) {
        if (c.latents % groups == 0) check_exact("shapes", coder, x, c.rows, groups, PAL_GROUPMAX);
      }
    }
  }
}

void long_batches(std::mt19937_64& random) {
  Coder coder = random_coder(random, 5, 70, false, true);
  check_exact("long batch", coder, heavy_tailed(random, 6200, 5), 6200, 6, PAL_TOPK); // several chunks of rows
}

// Rows are sums of a few encoder directions, Zipf-like in frequency, log-normal in strength, as a trained coder's are.
void trained(std::mt19937_64& random) {
  constexpr int64_t kWidth = 96, kLatents = 2048, kRows = 60;
  Coder coder = random_coder(random, kWidth, kLatents, false, false);
  Floats x(kRows * kWidth);
  std::lognormal_distribution<float> strength(0.0f, 1.0f);
  std::uniform_real_distribution<double> uniform;
  for (int64_t r = 0; r < kRows; ++r) {
    for (int n = 0; n < 12; ++n) {
      const int64_t i = static_cast<int64_t>(std::pow(kLatents, uniform(random))) % kLatents;
      const float s = 10.0f * strength(random);
      for (int64_t p = 0; p < kWidth; ++p) x[r * kWidth + p] += s * coder.encoder[i * kWidth + p];
    }
  }
  check_exact("trained", coder, x, kRows, 16, PAL_TOPK);
  check_exact("trained", coder, x, kRows, 16, PAL_GROUPMAX);
}

// Enough latents for thresholds to be guessed from a sample of every eighth panel (encode.cpp). In the second half the
// strongest latents all lie in sampled panels, so that guesses come out too high and rows are encoded again.
void guessed_thresholds(std::mt19937_64& random) {
  constexpr int64_t kWidth = 6, kLatents = 16500, kRows = 13;
  Coder coder = random_coder(random, kWidth, kLatents, false, true);
  const Floats x = heavy_tailed(random, kRows, kWidth);
  check_exact("guessed", coder, x, kRows, 4, PAL_TOPK);
    for (int64_t i = 0; i < kLatents; ++i) {
    if (i / 32 % 8 == 0) coder.encoder_bias[i] += 1000.0f;
  }
  check_exact("guessed too high", coder, x, kRows, 300, PAL_TOPK);
  for (int64_t i = 0; i < kLatents; ++i) coder.encoder_bias[i] = i < 32 ? 1000.0f : -1000.0f;
  check_exact("guessed too high", coder, x, kRows, 40, PAL_TOPK);
}

void ties(std::mt19937_64& random) {
  Coder coder = random_coder(random, 8, 150, false, false);
  const Floats x = heavy_tailed(random, 20, 8);
  for (int64_t i = 3; i < 150; ++i) { // three distinct rows only, so nearly everything ties
    std::copy_n(coder.encoder.begin() + (i % 3) * 8, 8, coder.encoder.begin() + i * 8);
    coder.encoder_bias[i] = coder.encoder_bias[i % 3];
  }
  for (const int64_t k : {1, 10, 75, 150}) check_exact("ties", coder, x, 20, k, PAL_TOPK);
  check_exact("ties", coder, x, 20, 10, PAL_GROUPMAX);

  std::fill(coder.encoder.begin(), coder.encoder.end(), 0.0f);
  std::fill(coder.encoder_bias.begin(), coder.encoder_bias.end(), 1.0f);
  check_exact("all equal", coder, x, 20, 9, PAL_TOPK);
  std::fill(coder.encoder_bias.begin(), coder.encoder_bias.end(), -1.0f);
  check_exact("none positive", coder, x, 20, 9, PAL_TOPK);
  coder.encoder_bias[7] = 2.0f;
  coder.encoder_bias[140] = 3.0f;
  check_exact("fewer than k", coder, x, 20, 9, PAL_TOPK);
}

void special_values(std::mt19937_64& random) {
  for (const float special : {kNan, kInfinity, -kInfinity, 3e38f, 1e-40f}) {
    const std::string name = "value " + std::to_string(special);
    Coder coder = random_coder(random, 20, 90, false, true);
    Floats x = heavy_tailed(random, 15, 20);
    coder.encoder_bias[4] = special;
    check_exact(name + " in the bias", coder, x, 15, 5, PAL_TOPK);
    coder.encoder[30 * 20 + 3] = special;
    coder.encoder[31 * 20] = special;
    check_exact(name + " in the weights", coder, x, 15, 5, PAL_TOPK);
    check_exact(name + " in the weights", coder, x, 15, 9, PAL_GROUPMAX);
    x[6 * 20 + 2] = special;
    check_exact(name + " in a row", coder, x, 15, 5, PAL_TOPK);
    std::fill(x.begin(), x.end(), special);
    check_exact(name + " everywhere", coder, x, 15, 5, PAL_TOPK);
  }
}

void no_rows(std::mt19937_64& random) {
  Coder coder = random_coder(random, 4, 8, false, false);
  const pal_coder view = coder.view();
  CHECK_OK(pal_encode(&view, nullptr, 0, 2, PAL_TOPK, nullptr, nullptr, nullptr, 0, nullptr));
}

// A workspace made for one thread serves any number.
void small_workspace(std::mt19937_64& random) {
  Coder coder = random_coder(random, 24, 300, false, false);
  const Floats x = heavy_tailed(random, 30, 24);
  Ints expected_indices, indices(30 * 4);
  const Floats expected = encode_values(coder, x, 30, 4, PAL_TOPK, expected_indices);
  pal_set_threads(1);
  const Scratch scratch(pal_encode_workspace_bytes(24, 300, 30, 4, PAL_TOPK));
  pal_set_threads(4);
  Floats values(30 * 4);
  const pal_coder view = coder.view();
  CHECK_OK(pal_encode(&view, x.data(), 30, 4, PAL_TOPK, values.data(), indices.data(), scratch.get(), scratch.bytes(),
                      nullptr));
  pal_set_threads(0);
  CHECK(test::same_bits(values, expected));
  CHECK(indices == expected_indices);
}

} // namespace

int main() {
  const unsigned seed = 20250131;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  shapes(random);
  long_batches(random);
  trained(random);
  guessed_thresholds(random);
  ties(random);
  special_values(random);
  no_rows(random);
  small_workspace(random);
  return test::verdict("encode");
}
