// pal_cpu_linear and pal_cpu_log_sum_exp against double precision; the same bits for every instruction set, thread
// count and company of rows.
#include <algorithm>
#include <limits>

#include "check.hpp"
#include "palimpsest_cpu.h"
#include "reference.hpp"

using namespace reference;

namespace {

struct Shape {
  int64_t in, out, rows;
};

using Words = std::vector<uint32_t>;

const char* label(int32_t precision) { return precision == PAL_CPU_BF16 ? "bf16" : "fp32"; }

// A weight in its packed form.
struct Packed {
  int32_t precision;
  Words words;

  Packed(int32_t p, const Floats& weight, const Shape& s, bool transposed = false)
      : precision(p), words(pal_cpu_packed_bytes(p, s.in, s.out) / sizeof(uint32_t)) {
    CHECK_OK(pal_cpu_pack(p, weight.data(), PAL_CPU_FP32, s.in, s.out, transposed ? s.out : 1, transposed ? 1 : s.in,
                          words.data()));
  }
};

Floats apply(const Packed& packed, const float* bias, const float* x, const Shape& s) {
  Floats y(static_cast<size_t>(s.rows * s.out), -1.0f);
  const Scratch scratch(pal_cpu_linear_workspace_bytes(packed.precision, s.rows, s.in));
  CHECK_OK(pal_cpu_linear(packed.precision, packed.words.data(), bias, x, s.rows, s.in, s.out, y.data(), scratch.get(),
                          scratch.bytes()));
  return y;
}

// To 8 significant bits, ties to even, by the mathematics of it rather than by its bits.
float rounded(float v) {
  if (v == 0.0f || !std::isfinite(v)) return v;
  int exponent;
  std::frexp(v, &exponent);
  const double step = std::ldexp(1.0, exponent - 8);
  return static_cast<float>(std::nearbyint(v / step) * step);
}

Floats rounded(Floats values) {
  for (float& v : values) v = rounded(v);
  return values;
}

Floats operand(int32_t precision, const Floats& values) {
  return precision == PAL_CPU_BF16 ? rounded(values) : values;
}

void check_shape(std::mt19937_64& random, int32_t precision, const Shape& s, bool with_bias) {
  test::context = std::string(label(precision)) + ", in " + std::to_string(s.in) + ", out " + std::to_string(s.out) +
                  ", rows " + std::to_string(s.rows);
  const Floats weight = heavy_tailed(random, s.out, s.in), x = heavy_tailed(random, s.rows, s.in);
  const Floats bias = heavy_tailed(random, 1, s.out);
  const float* given = with_bias ? bias.data() : nullptr;
  Floats turned(weight.size());
  for (int64_t o = 0; o < s.out; ++o) {
    for (int64_t i = 0; i < s.in; ++i) turned[i * s.out + o] = weight[o * s.in + i];
  }
  const Floats w_used = operand(precision, weight), x_used = operand(precision, x);
  Floats agreed;
  for_every_way([&] {
    const Packed packed(precision, weight, s);
    CHECK(test::same_bits(packed.words, Packed(precision, turned, s, true).words));
    const Floats y = apply(packed, given, x.data(), s);
    if (agreed.empty()) agreed = y;
    CHECK(test::same_bits(y, agreed));
    // The chain of sums is the same in both precisions.
    CHECK(test::same_bits(y, apply(Packed(PAL_CPU_FP32, w_used, s), given, x_used.data(), s)));
    for (const int64_t rows : {int64_t{1}, int64_t{3}, int64_t{6}}) { // the last ones alone
      if (s.rows <= rows) break;
      const Floats last = apply(packed, given, x.data() + (s.rows - rows) * s.in, {s.in, s.out, rows});
      CHECK(test::same_bits(last, Floats(y.end() - rows * s.out, y.end())));
    }
  });
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t o = 0; o < s.out; ++o) {
      double exact = with_bias ? bias[o] : 0.0, magnitude = std::fabs(exact);
      for (int64_t i = 0; i < s.in; ++i) {
        const double product = static_cast<double>(x_used[r * s.in + i]) * static_cast<double>(w_used[o * s.in + i]);
        exact += product;
        magnitude += std::fabs(product);
      }
      CHECK_NEAR(agreed[r * s.out + o], exact, 6e-8 * static_cast<double>(s.in + 2) * magnitude);
    }
  }
}

// Weights that are 16-bit numbers already are packed as they are.
void bf16_weights(std::mt19937_64& random) {
  test::context = "bf16 weights";
  const Shape s = {75, 50, 1};
  const Floats weight = rounded(heavy_tailed(random, s.out, s.in));
  std::vector<uint16_t> halves(weight.size());
  for (size_t i = 0; i < weight.size(); ++i) {
    uint32_t bits;
    std::memcpy(&bits, &weight[i], sizeof bits);
    halves[i] = static_cast<uint16_t>(bits >> 16);
  }
  for (const int32_t precision : {PAL_CPU_FP32, PAL_CPU_BF16}) {
    Packed packed(precision, weight, s);
    const Words expected = packed.words;
    packed.words.assign(expected.size(), 7);
    CHECK_OK(pal_cpu_pack(precision, halves.data(), PAL_CPU_BF16, s.in, s.out, 1, s.in, packed.words.data()));
    CHECK(test::same_bits(packed.words, expected));
  }
}

// Numbers at the edges of what a float holds: the same bits everywhere, nothing subnormal, infinities where they are due.
void edges_of_the_range(std::mt19937_64& random) {
  test::context = "edges of the range";
  const Shape s = {63, 70, 29};
  for (const int lowest : {-149, -90, -75, 40}) {
    Floats weight(s.out * s.in), x(s.rows * s.in);
    const auto draw = [&] {
      const float sign = random() % 2 ? 1.0f : -1.0f;
      return sign * std::ldexp(1.0f + static_cast<float>(random() % 4096) / 4096.0f, lowest + static_cast<int>(random() % 40));
    };
    for (float& w : weight) w = draw();
    for (float& v : x) v = draw();
    Floats agreed;
    for_every_way([&] {
      const Floats y = apply(Packed(PAL_CPU_BF16, weight, s), nullptr, x.data(), s);
      if (agreed.empty()) agreed = y;
      for (size_t i = 0; i < y.size(); ++i) {
        CHECK(std::isnan(y[i]) ? std::isnan(agreed[i]) : std::memcmp(&y[i], &agreed[i], sizeof y[i]) == 0);
        CHECK(y[i] == 0.0f || std::fabs(y[i]) >= std::numeric_limits<float>::min() || std::isnan(y[i]));
      }
    });
    const Floats w_used = rounded(weight), x_used = rounded(x);
    for (int64_t r = 0; r < s.rows; ++r) {
      for (int64_t o = 0; o < s.out; ++o) {
        double exact = 0.0, magnitude = 0.0;
        for (int64_t i = 0; i < s.in; ++i) {
          const auto normal = [](float v) { return std::fabs(v) < std::numeric_limits<float>::min() ? 0.0 : double{v}; };
          const double product = normal(x_used[r * s.in + i]) * normal(w_used[o * s.in + i]);
          exact += product;
          magnitude += std::fabs(product);
        }
        const float got = agreed[r * s.out + o];
        if (magnitude > 3e38) continue; // may have overflown on the way
        CHECK_NEAR(got, exact, 6e-8 * static_cast<double>(s.in) * magnitude + static_cast<double>(s.in) * 0x1p-126);
      }
    }
  }
}

// A row with infinities and NaN does not reach the others, whichever tile or item it shares with them.
void broken_rows_stay_where_they_are(std::mt19937_64& random, int32_t precision) {
  const Shape s = {37, 70, 50};
  test::context = std::string("broken rows, ") + label(precision);
  const Floats weight = heavy_tailed(random, s.out, s.in);
  Floats x = heavy_tailed(random, s.rows, s.in);
  for_every_way([&] {
    const Packed packed(precision, weight, s);
    const Floats expected = apply(packed, nullptr, x.data(), s);
    Floats broken = x;
    for (const int64_t r : {int64_t{5}, int64_t{12}, s.rows - 1}) {
      broken[r * s.in + 3] = std::numeric_limits<float>::infinity();
      broken[r * s.in + 4] = std::numeric_limits<float>::quiet_NaN();
    }
    const Floats y = apply(packed, nullptr, broken.data(), s);
    for (int64_t r = 0; r < s.rows; ++r) {
      const bool sound = r != 5 && r != 12 && r != s.rows - 1;
      for (int64_t o = 0; o < s.out; ++o) {
        const float* got = &y[r * s.out + o];
        CHECK(sound ? std::memcmp(got, &expected[r * s.out + o], sizeof *got) == 0 : std::isnan(*got));
      }
    }
  });
}

Floats log_sums(const Packed& packed, const float* bias, const float* x, const Shape& s) {
  Floats lse(static_cast<size_t>(s.rows), -1.0f);
  const Scratch scratch(pal_cpu_linear_workspace_bytes(packed.precision, s.rows, s.in));
  CHECK_OK(pal_cpu_log_sum_exp(packed.precision, packed.words.data(), bias, x, s.rows, s.in, s.out, lse.data(),
                               scratch.get(), scratch.bytes()));
  return lse;
}

// Logits between about -spread and spread.
void check_log_sums(std::mt19937_64& random, int32_t precision, const Shape& s, bool with_bias, float spread) {
  test::context = std::string("log-sum-exp, ") + label(precision) + ", in " + std::to_string(s.in) + ", out " + std::to_string(s.out) + ", rows " +
                  std::to_string(s.rows) + ", spread " + std::to_string(spread);
  std::normal_distribution<float> normal;
  Floats weight(s.out * s.in), x(s.rows * s.in), bias(s.out);
  for (float& w : weight) w = normal(random);
  for (float& v : x) v = spread * normal(random) / std::sqrt(static_cast<float>(s.in));
  for (float& b : bias) b = spread * normal(random);
  const float* given = with_bias ? bias.data() : nullptr;
  Floats agreed;
  for_every_way([&] {
    const Packed packed(precision, weight, s);
    const Floats lse = log_sums(packed, given, x.data(), s);
    if (agreed.empty()) agreed = lse;
    CHECK(test::same_bits(lse, agreed));
    const Floats last = log_sums(packed, given, x.data() + (s.rows - 1) * s.in, {s.in, s.out, 1});
    CHECK(last[0] == lse[s.rows - 1]);
  });
  const Packed packed(precision, weight, s);
  const Floats y = apply(packed, given, x.data(), s);
  for (int64_t r = 0; r < s.rows; ++r) {
    const float* row = y.data() + r * s.out;
    const double most = *std::max_element(row, row + s.out);
    double sum = 0.0;
    for (int64_t o = 0; o < s.out; ++o) sum += std::exp(static_cast<double>(row[o]) - most);
    const double exact = most + std::log(sum);
    CHECK_NEAR(agreed[r], exact, 2e-7 * (4.0 + std::fabs(exact)));
  }
}

// One value that is no finite number is not lost.
void check_poison(int32_t precision) {
  const Shape s = {2, 70, 14};
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const int64_t at : {int64_t{0}, int64_t{33}, int64_t{69}}) {
      test::context = "poison " + std::to_string(bad) + " at " + std::to_string(at);
      Floats weight(s.out * s.in, 0.5f), x(s.rows * s.in, 1.0f);
      weight[at * s.in] = bad;
      x[0] = -x[0];
      for_every_way([&] {
        const Floats sums = log_sums(Packed(precision, weight, s), nullptr, x.data(), s);
        for (const float lse : sums) CHECK(std::isnan(lse));
      });
    }
  }
}

void refused() {
  test::context = "arguments";
  Floats some(4096);
  float* p = some.data();
  const size_t bytes = some.size() * sizeof(float);
  const auto linear = [&](int32_t precision, const float* x, int64_t in, size_t given) {
    return pal_cpu_linear(precision, p, nullptr, x, 1, in, 1, p, p, given);
  };
  CHECK(pal_cpu_packed_bytes(PAL_CPU_FP32, 0, 4) == 0);
  CHECK(pal_cpu_packed_bytes(2, 3, 4) == 0);
  CHECK(pal_cpu_packed_bytes(PAL_CPU_FP32, 3, 33) == 4 * 192);
  CHECK(pal_cpu_packed_bytes(PAL_CPU_BF16, 3, 33) == 4 * 128);
  CHECK(linear(PAL_CPU_FP32, p, 0, bytes) == PAL_INVALID_ARGUMENT);
  CHECK(linear(PAL_CPU_FP32, nullptr, 1, bytes) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("pal_cpu_linear: x is NULL") == 0);
  CHECK(linear(2, p, 1, bytes) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()) == "pal_cpu_linear: precision is 2, expected 0 (fp32) or 1 (bf16)");
  CHECK(linear(PAL_CPU_BF16, p, 1, 8) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("workspace") != std::string::npos);
  CHECK(pal_cpu_log_sum_exp(PAL_CPU_FP32, p, nullptr, p, 1, 1, 0, p, p, bytes) == PAL_INVALID_ARGUMENT);
  CHECK(pal_cpu_log_sum_exp(PAL_CPU_FP32, p, nullptr, p, 1, 1, 1, nullptr, p, bytes) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("pal_cpu_log_sum_exp: lse is NULL") == 0);
  CHECK(pal_cpu_linear(PAL_CPU_FP32, nullptr, nullptr, nullptr, 0, 1, 1, nullptr, nullptr, 0) == PAL_OK);
  CHECK(pal_cpu_pack(PAL_CPU_BF16, p, 5, 1, 1, 1, 1, p) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("pal_cpu_pack: weight_precision is 5") == 0);
}

} // namespace

int main() {
  const unsigned seed = 20250203;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  for (const int32_t precision : {PAL_CPU_FP32, PAL_CPU_BF16}) {
    for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 33, 13}, Shape{64, 32, 12}, Shape{65, 100, 500}, Shape{17, 31, 97},
                           Shape{300, 129, 25}}) {
      for (const bool bias : {false, true}) check_shape(random, precision, s, bias);
    }
    broken_rows_stay_where_they_are(random, precision);
    for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 33, 13}, Shape{64, 32, 12}, Shape{40, 1000, 101},
                           Shape{17, 31, 49}, Shape{300, 4129, 25}}) {
      for (const bool bias : {false, true}) {
        for (const float spread : {0.0f, 1.0f, 30.0f, 1000.0f}) check_log_sums(random, precision, s, bias, spread);
      }
    }
    check_poison(precision);
  }
  bf16_weights(random);
  edges_of_the_range(random);
  refused();
  return test::verdict("linear");
}
