// pal_encode on adversarial problems (adversary.hpp).
//
// What is right: the selection, as palimpsest.h defines it, over the values that the header promises of this backend's
// final dot product: 64 running sums, fused multiply-adds, a fixed tree, the bias last. So
//   - values and indices have the bits of that selection over all rows x latents, computed without any screening,
//     whatever the instruction set and the number of threads;
//   - against double precision, the s-th value of a row differs from the s-th largest activation by no more than that
//     sum's rounding allows, and so does the value of a slot from the activation of the latent that it names.
//
//   test_adversary                 some seconds' worth
//   test_adversary SEED COUNT      COUNT problems of seeds SEED, SEED + 1, ...; a failure names its own
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "adversary.hpp"
#include "check.hpp"

using namespace reference;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargestFloat = std::numeric_limits<float>::max();

struct Activation {
  double value; // in double precision, at least 0
  double error; // by which a promised one may differ
};

// d / 64 fused multiply-adds in a row, six additions, the bias and the centre, each within 2^-24 of its result or, where
// that is subnormal, 2^-150; the sum of magnitudes bounds all results. Where one may overflow, nothing is promised.
Activation activation(const EncodeProblem& problem, int64_t r, int64_t i) {
  const Coder& coder = problem.coder;
  double sum = coder.encoder_bias[i], magnitude = std::fabs(sum);
  for (int64_t p = 0; p < coder.width; ++p) {
    const double centre = coder.subtract ? coder.decoder_bias[p] : 0.0;
    const double centred = problem.x[r * coder.width + p] - centre;
    const double product = static_cast<double>(coder.encoder[i * coder.width + p]) * centred;
    sum += product;
    magnitude += std::fabs(centred) < kLargestFloat ? std::fabs(product) : kInfinity;
  }
  const double width = static_cast<double>(coder.width), roundings = std::ceil(width / 64.0) + 8.0;
  const double error = 1.01 * roundings * 0x1p-24 * magnitude + width * 0x1p-149;
  return {sum > 0.0 ? sum : 0.0, magnitude < kLargestFloat ? error : kInfinity};
}

void check_row_against_double(const EncodeProblem& problem, int64_t r, const Floats& values, const Ints& indices) {
  const int64_t latents = problem.coder.latents, k = problem.k;
  std::vector<Activation> all;
  for (int64_t i = 0; i < latents; ++i) all.push_back(activation(problem, r, i));
  for (int64_t s = r * k; s < (r + 1) * k; ++s) {
    const Activation& named = all[indices[s]];
    if (values[s] > 0.0f) CHECK_NEAR(values[s], named.value, named.error);
  }
  if (problem.activation == PAL_GROUPMAX) {
    for (int64_t g = 0; g < k; ++g) {
      double largest = 0.0, error = 0.0;
      for (int64_t i = g * (latents / k); i < (g + 1) * (latents / k); ++i) {
        largest = std::max(largest, all[i].value), error = std::max(error, all[i].error);
      }
      CHECK_NEAR(values[r * k + g], largest, error);
    }
    return;
  }
  double error = 0.0; // moving every number by that much moves the s-th largest by no more
  for (const Activation& a : all) error = std::max(error, a.error);
  std::sort(all.begin(), all.end(), [](const Activation& a, const Activation& b) { return a.value > b.value; });
  for (int64_t s = 0; s < k; ++s) CHECK_NEAR(values[r * k + s], all[s].value, error);
}

void check(uint64_t seed) {
  EncodeProblem problem = adversarial_problem(seed);
  Coder& coder = problem.coder;
  test::context = "seed " + std::to_string(seed) + ": d " + std::to_string(coder.width) + ", M " +
                  std::to_string(coder.latents) + ", B " + std::to_string(problem.rows) + ", k " +
                  std::to_string(problem.k) + (problem.activation == PAL_TOPK ? "" : ", groupmax");
  Floats expected;
  Ints expected_indices;
  select(promised_activations(coder, problem.x, problem.rows), problem.rows, coder.latents, problem.k,
         problem.activation == PAL_GROUPMAX, expected, expected_indices);
  for_every_instruction_set(static_cast<int>(seed % 4) + 1, [&] {
    Ints indices;
    const Floats values = encode_values(coder, problem.x, problem.rows, problem.k, problem.activation, indices);
    CHECK(test::same_bits(values, expected));
    CHECK(indices == expected_indices);
  });
  for (int64_t r = 0; r < problem.rows; ++r) check_row_against_double(problem, r, expected, expected_indices);
}

} // namespace

int main(int count, char** arguments) {
  const uint64_t first = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1;
  const uint64_t problems = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 400;
  std::printf("seeds %llu and the next %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(problems - 1));
  int wrong = 0;
  for (uint64_t seed = first; seed < first + problems; ++seed) {
    const int before = test::faults;
    check(seed);
    wrong += test::faults > before;
  }
  if (wrong > 0) std::fprintf(stderr, "%d of %llu problems wrong\n", wrong, static_cast<unsigned long long>(problems));
  return test::verdict("adversary");
}
