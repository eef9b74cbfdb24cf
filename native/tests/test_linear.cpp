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

Floats packed_form(const Floats& weight, int64_t in, int64_t out, bool transposed) {
  Floats packed(static_cast<size_t>(pal_cpu_packed_floats(in, out)));
  CHECK_OK(pal_cpu_pack(weight.data(), in, out, transposed ? out : 1, transposed ? 1 : in, packed.data()));
  return packed;
}

Floats apply(const Floats& packed, const float* bias, const float* x, const Shape& s) {
  Floats y(static_cast<size_t>(s.rows * s.out), -1.0f);
  CHECK_OK(pal_cpu_linear(packed.data(), bias, x, s.rows, s.in, s.out, y.data()));
  return y;
}

void check_shape(std::mt19937_64& random, const Shape& s, bool with_bias) {
  test::context = "in " + std::to_string(s.in) + ", out " + std::to_string(s.out) + ", rows " + std::to_string(s.rows);
  const Floats weight = heavy_tailed(random, s.out, s.in), x = heavy_tailed(random, s.rows, s.in);
  const Floats bias = heavy_tailed(random, 1, s.out);
  Floats turned(weight.size());
  for (int64_t o = 0; o < s.out; ++o) {
    for (int64_t i = 0; i < s.in; ++i) turned[i * s.out + o] = weight[o * s.in + i];
  }
  Floats agreed;
  for_every_way([&] {
    const Floats packed = packed_form(weight, s.in, s.out, false);
    CHECK(test::same_bits(packed, packed_form(turned, s.in, s.out, true)));
    const Floats y = apply(packed, with_bias ? bias.data() : nullptr, x.data(), s);
    if (agreed.empty()) agreed = y;
    CHECK(test::same_bits(y, agreed));
    if (s.rows > 1) { // the last row alone
      const Shape one = {s.in, s.out, 1};
      const Floats last = apply(packed, with_bias ? bias.data() : nullptr, x.data() + (s.rows - 1) * s.in, one);
      CHECK(test::same_bits(last, Floats(y.end() - s.out, y.end())));
    }
  });
  for (int64_t r = 0; r < s.rows; ++r) {
    for (int64_t o = 0; o < s.out; ++o) {
      double exact = with_bias ? bias[o] : 0.0, magnitude = std::fabs(exact);
      for (int64_t i = 0; i < s.in; ++i) {
        const double product = static_cast<double>(x[r * s.in + i]) * static_cast<double>(weight[o * s.in + i]);
        exact += product;
        magnitude += std::fabs(product);
      }
      CHECK_NEAR(agreed[r * s.out + o], exact, 6e-8 * static_cast<double>(s.in + 2) * magnitude);
    }
  }
}

// A row with infinities and NaN does not reach the others, whichever tile or item it shares with them.
void broken_rows_stay_where_they_are(std::mt19937_64& random) {
  const Shape s = {37, 70, 50};
  test::context = "broken rows";
  const Floats weight = heavy_tailed(random, s.out, s.in);
  Floats x = heavy_tailed(random, s.rows, s.in);
  for_every_way([&] {
    const Floats packed = packed_form(weight, s.in, s.out, false), expected = apply(packed, nullptr, x.data(), s);
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

Floats log_sums(const Floats& packed, const float* bias, const float* x, const Shape& s) {
  Floats lse(static_cast<size_t>(s.rows), -1.0f);
  CHECK_OK(pal_cpu_log_sum_exp(packed.data(), bias, x, s.rows, s.in, s.out, lse.data()));
  return lse;
}

// Logits between about -spread and spread.
void check_log_sums(std::mt19937_64& random, const Shape& s, bool with_bias, float spread) {
  test::context = "log-sum-exp, in " + std::to_string(s.in) + ", out " + std::to_string(s.out) + ", rows " +
                  std::to_string(s.rows) + ", spread " + std::to_string(spread);
  std::normal_distribution<float> normal;
  Floats weight(s.out * s.in), x(s.rows * s.in), bias(s.out);
  for (float& w : weight) w = normal(random);
  for (float& v : x) v = spread * normal(random) / std::sqrt(static_cast<float>(s.in));
  for (float& b : bias) b = spread * normal(random);
  const float* given = with_bias ? bias.data() : nullptr;
  Floats agreed;
  for_every_way([&] {
    const Floats packed = packed_form(weight, s.in, s.out, false);
    const Floats lse = log_sums(packed, given, x.data(), s);
    if (agreed.empty()) agreed = lse;
    CHECK(test::same_bits(lse, agreed));
    const Floats last = log_sums(packed, given, x.data() + (s.rows - 1) * s.in, {s.in, s.out, 1});
    CHECK(last[0] == lse[s.rows - 1]);
  });
  const Floats packed = packed_form(weight, s.in, s.out, false);
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
void check_poison() {
  const Shape s = {2, 70, 14};
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    for (const int64_t at : {int64_t{0}, int64_t{33}, int64_t{69}}) {
      test::context = "poison " + std::to_string(bad) + " at " + std::to_string(at);
      Floats weight(s.out * s.in, 0.5f), x(s.rows * s.in, 1.0f);
      weight[at * s.in] = bad;
      x[0] = -x[0];
      for_every_way([&] {
        const Floats sums = log_sums(packed_form(weight, s.in, s.out, false), nullptr, x.data(), s);
        for (const float lse : sums) CHECK(std::isnan(lse));
      });
    }
  }
}

void refused() {
  test::context = "arguments";
  Floats some(64);
  CHECK(pal_cpu_packed_floats(0, 4) == 0);
  CHECK(pal_cpu_packed_floats(3, 33) == 192);
  CHECK(pal_cpu_linear(some.data(), nullptr, some.data(), 1, 0, 1, some.data()) == PAL_INVALID_ARGUMENT);
  CHECK(pal_cpu_linear(some.data(), nullptr, nullptr, 1, 1, 1, some.data()) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("pal_cpu_linear: x is NULL") == 0);
  CHECK(pal_cpu_log_sum_exp(some.data(), nullptr, some.data(), 1, 1, 0, some.data()) == PAL_INVALID_ARGUMENT);
  CHECK(pal_cpu_log_sum_exp(some.data(), nullptr, some.data(), 1, 1, 1, nullptr) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("pal_cpu_log_sum_exp: lse is NULL") == 0);
  CHECK(pal_cpu_linear(nullptr, nullptr, nullptr, 0, 1, 1, nullptr) == PAL_OK);
}

} // namespace

int main() {
  const unsigned seed = 20250203;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 33, 13}, Shape{64, 32, 12}, Shape{65, 100, 500}, Shape{17, 31, 97},
                         Shape{300, 129, 25}}) {
    for (const bool bias : {false, true}) check_shape(random, s, bias);
  }
  broken_rows_stay_where_they_are(random);
  for (const Shape& s : {Shape{1, 1, 1}, Shape{3, 33, 13}, Shape{64, 32, 12}, Shape{40, 1000, 101}, Shape{17, 31, 49},
                         Shape{300, 4129, 25}}) {
    for (const bool bias : {false, true}) {
      for (const float spread : {0.0f, 1.0f, 30.0f, 1000.0f}) check_log_sums(random, s, bias, spread);
    }
  }
  check_poison();
  refused();
  return test::verdict("linear");
}
