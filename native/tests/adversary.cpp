#include "adversary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reference {
namespace {

// Draws from one generator, in words.
class Dice {
 public:
  explicit Dice(uint64_t seed) : random_(seed) {}

  bool one_in(int64_t n) { return whole(1, n) == 1; }
  int64_t whole(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  double between(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  double normal() { return std::normal_distribution<double>()(random_); }
  // Half of them beyond 1, one in a thousand beyond 600.
  double heavy() { return std::cauchy_distribution<double>()(random_); }
  template <class T>
  T any(std::initializer_list<T> of) {
    return of.begin()[whole(0, static_cast<int64_t>(of.size()) - 1)];
  }

 private:
  std::mt19937_64 random_;
};

// Powers of ten around which things happen: where squares vanish, where they overflow, where a float ends.
double decade(Dice& dice) {
  if (dice.one_in(2)) return 0.0;
  if (dice.one_in(2)) return dice.any({-44.0, -38.0, -30.0, -22.0, -19.0, -15.0, -14.0, 13.0, 15.0, 19.0, 30.0, 38.0});
  return dice.between(-45.0, 38.0);
}

enum class Kind { kNormal, kHeavy, kRowScales, kColumnScales, kNumberScales, kFewRows, kWhole, kSparse, kZero, kEnd };

// A matrix of one kind and one decade; too large numbers become infinities.
Floats matrix(Dice& dice, int64_t rows, int64_t width) {
  const auto kind = static_cast<Kind>(dice.whole(0, static_cast<int64_t>(Kind::kEnd) - 1));
  const double unit = std::pow(10.0, decade(dice)), spread = dice.between(0.0, 30.0);
  const int64_t distinct = dice.whole(1, 3);
  std::vector<double> column(width);
  for (double& c : column) c = std::pow(10.0, dice.between(-spread, 0.0));
  Floats all(rows * width);
  for (int64_t r = 0; r < rows; ++r) {
    const double scale = kind == Kind::kRowScales ? std::pow(10.0, dice.between(-spread, 0.0)) : 1.0;
    for (int64_t p = 0; p < width; ++p) {
      double v = 0.0;
      switch (kind) {
        case Kind::kNormal: v = dice.normal(); break;
        case Kind::kHeavy: v = dice.heavy(); break;
        case Kind::kRowScales: v = scale * dice.normal(); break;
        case Kind::kColumnScales: v = column[p] * dice.normal(); break;
        case Kind::kNumberScales: v = std::pow(10.0, dice.between(-spread, 0.0)) * dice.normal(); break;
        case Kind::kFewRows: v = dice.normal(); break;
        case Kind::kWhole: v = static_cast<double>(dice.whole(-3, 3)); break;
        case Kind::kSparse: v = dice.one_in(8) ? dice.heavy() : 0.0; break;
        case Kind::kZero:
        case Kind::kEnd: break;
      }
      all[r * width + p] = static_cast<float>(unit * v);
    }
    if (kind == Kind::kFewRows && r >= distinct) {
      std::copy_n(all.begin() + r % distinct * width, width, all.begin() + r * width);
    }
  }
  return all;
}

void sprinkle(Dice& dice, Floats& on) {
  using Limits = std::numeric_limits<float>;
  if (!dice.one_in(6) || on.empty()) return;
  const float special = dice.any({Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), Limits::max(),
                                  -Limits::max(), 1e30f, -1e30f, 1e-30f, Limits::denorm_min(), 0.0f});
  for (int64_t n = dice.whole(1, 5); n > 0; --n) on[dice.whole(0, static_cast<int64_t>(on.size()) - 1)] = special;
}

void choose_sizes(Dice& dice, EncodeProblem& problem) {
  if (dice.one_in(40)) { // so many latents that thresholds are guessed (encode.cpp)
    problem.coder.width = dice.whole(1, 5);
    problem.coder.latents = dice.whole(16384, 16500);
    problem.rows = dice.whole(1, 4);
  } else {
    const int64_t width = dice.any({dice.whole(1, 9), dice.whole(10, 70), dice.whole(71, 300), dice.whole(300, 1100)});
    problem.coder.width = dice.one_in(2) ? width | 1 : width;
    problem.rows = dice.any({int64_t{1}, dice.whole(2, 13), dice.whole(14, 40)});
    constexpr int64_t kMostProducts = 600000;
    const int64_t most = std::min<int64_t>(700, kMostProducts / (problem.coder.width * problem.rows));
    problem.coder.latents = dice.whole(1, std::max<int64_t>(most, 1));
  }
  const int64_t latents = problem.coder.latents;
  problem.k = dice.any({int64_t{1}, std::min<int64_t>(latents, dice.whole(1, 40)), dice.whole(1, latents), latents});
  problem.activation = dice.one_in(4) ? PAL_GROUPMAX : PAL_TOPK;
  while (problem.activation == PAL_GROUPMAX && latents % problem.k != 0) --problem.k;
}

} // namespace

EncodeProblem adversarial_problem(uint64_t seed) {
  Dice dice(seed);
  EncodeProblem problem = {};
  choose_sizes(dice, problem);
  Coder& coder = problem.coder;
  coder.subtract = dice.one_in(3);
  coder.encoder = matrix(dice, coder.latents, coder.width);
  problem.x = matrix(dice, problem.rows, coder.width);
  coder.decoder_bias = coder.subtract ? matrix(dice, 1, coder.width) : Floats(coder.width);
  coder.encoder_bias = dice.one_in(2) ? Floats(coder.latents) : matrix(dice, 1, coder.latents);
  coder.decoder = Floats(coder.latents * coder.width); // encode does not read it
  sprinkle(dice, coder.encoder);
  sprinkle(dice, coder.encoder_bias);
  sprinkle(dice, problem.x);
  return problem;
}

} // namespace reference
