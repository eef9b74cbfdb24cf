// pal_encode on problems built to lie within the bound of its screen (screen.hpp): each stands for a term that it needs.
// Without that term the bound is below the activation, by what rounding adds to the exact dot product or by what digits
// leave out. Either nearly all latents are equal but for that, and those for which it is largest are due; or one latent is
// due among others whose activations, mere biases, lie between the activation and the bound without the term.
//
// Problems are written in the screen's own digits: x' = s q and w' = v p, without residuals, s and v of 17 bits so that
// the products with whole numbers of 7 bits are floats. The screen divides a column by a power of two near the root of
// its spread, t; rows in pairs x, -x make the mean 0 and the spread |x|, so x = s q t with t = s |q| rounded to a power
// of two makes it find these digits, given that max |q| = 127 and max |p| the levels of the instruction set: 63 or 127.
#include <algorithm>
#include <limits>

#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

constexpr int kRowLevels = 127;

// The instruction sets of 63 levels take larger steps where eight digits of a row that meet add up to more than 253
// (kMostInWindow in kernels.hpp). So for them all but one of a row's digits are small.
int other_row_levels(int levels) { return levels == 63 ? 17 : kRowLevels; }

constexpr float kRowStep = 0x1.2d4bp-6f, kColumnStep = 0x1.3aabp-3f;
constexpr double kUnit = 0x1p-24;

void check_exact(const std::string& name, Coder& coder, const Floats& x, int64_t k) {
  const int64_t rows = static_cast<int64_t>(x.size()) / coder.width;
  test::context = name + ": d " + std::to_string(coder.width) + ", M " + std::to_string(coder.latents) + ", k " +
                  std::to_string(k);
  Floats expected;
  Ints expected_indices;
  select(promised_activations(coder, x, rows), rows, coder.latents, k, false, expected, expected_indices);
  for_every_instruction_set(1, [&] {
    Ints indices;
    const Floats values = encode_values(coder, x, rows, k, PAL_TOPK, indices);
    CHECK(test::same_bits(values, expected));
    CHECK(indices == expected_indices);
  });
}

Coder empty_coder(int64_t width, int64_t latents) {
  return {width, latents, Floats(latents * width), Floats(latents), Floats(latents * width), Floats(width), {}, false};
}

// The power of two by which the screen divides a column of plus and minus x' t.
float scale_of(float divided) {
  if (divided == 0.0f) return 0x1p-20f;
  return std::exp2(std::clamp(std::round(std::log2(std::fabs(divided))), -20.0f, 20.0f));
}

// The rows x and -x of x'.
Floats row_pair(const Floats& divided) {
  Floats x;
  for (const float sign : {1.0f, -1.0f}) {
    for (const float a : divided) x.push_back(sign * a * scale_of(a));
  }
  return x;
}

Floats times(float step, const Ints& digits) {
  Floats v;
  for (const int digit : digits) v.push_back(step * static_cast<float>(digit));
  return v;
}

// w of w'.
void write_weights(const Floats& divided, const Floats& multiplied, float* w) {
  for (size_t c = 0; c < divided.size(); ++c) w[c] = multiplied[c] / scale_of(divided[c]);
}

// One latent of weights w', among others of bias alone, lower than its activation by `below`.
void check_hidden(const std::string& name, const Floats& divided, const Floats& multiplied, float bias, float below) {
  constexpr int64_t kLatents = 160, kHidden = 150;
  const auto width = static_cast<int64_t>(divided.size());
  const Floats x = row_pair(divided);
  Coder one = empty_coder(width, 1);
  write_weights(divided, multiplied, one.encoder.data());
  one.encoder_bias[0] = bias;
  const float due = promised_activations(one, x, 1)[0];
  Coder coder = empty_coder(width, kLatents);
  std::copy(one.encoder.begin(), one.encoder.end(), coder.encoder.begin() + kHidden * width);
  std::fill(coder.encoder_bias.begin(), coder.encoder_bias.end(), due - below);
  coder.encoder_bias[kHidden] = bias;
  test::context = name;
  CHECK(due - below > 0.0f && due - below < due);
  check_exact(name, coder, x, 1);
}

int64_t whole_product(const Ints& q, const Ints& p) {
  int64_t sum = 0;
  for (size_t i = 0; i < q.size(); ++i) sum += static_cast<int64_t>(q[i]) * p[i];
  return sum;
}

int random_digit(std::mt19937_64& random, int low, int high) {
  const int size = std::uniform_int_distribution<int>(low, high)(random);
  return random() % 2 == 0 ? size : -size;
}

// Moves digits of p, from `first` on, until q p is the sum given.
void reach(std::mt19937_64& random, const Ints& q, int levels, size_t first, int64_t sum, Ints& p) {
  for (int64_t left = sum - whole_product(q, p); left != 0;) {
    const size_t i = first + random() % (q.size() - first);
    if (q[i] == 0) continue;
    const int64_t nearest = left / q[i];
    const int64_t step = nearest != 0 ? nearest : random() % 2 == 0 ? 1 : -1;
    const int64_t moved = std::clamp<int64_t>(p[i] + step, 1 - levels, levels - 1);
    left -= (moved - p[i]) * q[i];
    p[i] = static_cast<int>(moved);
  }
}

// Latents whose products with x are all the same whole number of s v, far less than |x| |w|; rounding alone tells their
// activations apart. Held: the share of |x'| |w'|, by tiles of either kind, also where the squares of x vanish.
void rounding_of_the_product(std::mt19937_64& random, int levels) {
  constexpr int64_t kWidth = 130, kLatents = 1200;
  for (const float row_step : {kRowStep, 0x1p-80f * kRowStep}) {
    Coder coder = empty_coder(kWidth, kLatents);
    Ints q(kWidth), p(kWidth);
    for (int& digit : q) digit = random_digit(random, 1, other_row_levels(levels));
    q[0] = kRowLevels;
    const Floats divided = times(row_step, q);
    for (int64_t i = 0; i < kLatents; ++i) {
      for (int& digit : p) digit = random_digit(random, 0, levels);
      p[0] = levels;
      reach(random, q, levels, 1, 50, p);
      write_weights(divided, times(kColumnStep, p), coder.encoder.data() + i * kWidth);
    }
    check_exact("rounding of the product, " + std::to_string(levels), coder, row_pair(divided), 8);
  }
}

// A dot product that rounds up at nearly every step, so that its error comes close to the largest there can be,
// d / 64 u |x| |w|. Every running sum starts with eight large products; each digit after is the one of a few whose
// product rounds up most. Half of the sums are negative, and the last digits make the whole small. Held: that the share
// of |x'| |w'| grows with d, by the instruction sets of 127 levels.
void rounding_upwards(std::mt19937_64& random, int levels) {
  constexpr int64_t kWidth = 16384, kSums = 64, kStart = 8 * kSums, kEnd = kWidth - kSums;
  Ints q(kWidth, 1), p(kWidth);
  for (int64_t c = 0; c < kWidth; ++c) {
    if (c < kStart || (c >= kEnd && c % 2 == 0)) q[c] = kRowLevels;
  }
  Floats sums(kSums);
  for (int64_t c = 0; c < kEnd; ++c) {
    float& sum = sums[c % kSums];
    const float row = kRowStep * static_cast<float>(q[c]);
    p[c] = c % kSums < kSums / 2 ? levels : -levels;
    for (int digit = -7; c >= kStart && digit <= 7; ++digit) {
      const auto gain = [&](int of) {
        const float column = kColumnStep * static_cast<float>(of);
        const double exact = static_cast<double>(row) * static_cast<double>(column) + static_cast<double>(sum);
        return static_cast<double>(std::fma(row, column, sum)) - exact;
      };
      if (digit == -7 || gain(digit) > gain(p[c])) p[c] = digit;
    }
    sum = std::fma(row, kColumnStep * static_cast<float>(p[c]), sum);
  }
  reach(random, q, levels, kEnd, 400, p);
  // This gains 158 u |x'| |w'|, 40 or 80 s v.
  check_hidden("rounding upwards, " + std::to_string(levels), times(kRowStep, q), times(kColumnStep, p), 0.0f,
               0.08f * static_cast<float>(levels) * kRowStep * kColumnStep);
}

// Rows that hardly differ from their mean m, plus or minus 1 in every column, with m w = 0: x' is small, and all rounding
// is that of sums over m. Held: the share of |mean / t| |w'|, by the instruction sets of 127 levels.
void rounding_of_the_mean(std::mt19937_64& random, int levels) {
  constexpr int64_t kWidth = 256, kLatents = 1200;
  Coder coder = empty_coder(kWidth, kLatents);
  Ints mean(kWidth), q(kWidth), p(kWidth);
  Floats x(2 * kWidth);
  for (int64_t c = 0; c < kWidth; ++c) {
    mean[c] = random_digit(random, 1, 1);
    q[c] = random_digit(random, 1, 1);
    for (const int r : {0, 1}) {
      x[r * kWidth + c] = static_cast<float>(mean[c]) + (r == 0 ? 0x1.fcp-14f : -0x1.fcp-14f) * static_cast<float>(q[c]);
    }
  }
  for (int64_t i = 0; i < kLatents; ++i) {
    for (int& digit : p) digit = random_digit(random, 0, levels - 1);
    p[0] = levels;
    int64_t off_mean = whole_product(mean, p), off_q = whole_product(q, p) - 20;
    while (off_mean != 0 || off_q != 0) { // one digit at a time towards m w = 0 and q p = 20
      const int64_t c = 1 + static_cast<int64_t>(random() % (kWidth - 1)), off = off_mean * mean[c] + off_q * q[c];
      const int step = off < 0 ? 1 : off > 0 ? -1 : random_digit(random, 1, 1);
      if (std::abs(p[c] + step) == levels) continue;
      p[c] += step, off_mean += step * mean[c], off_q += step * q[c];
    }
    for (int64_t c = 0; c < kWidth; ++c) coder.encoder[i * kWidth + c] = kColumnStep * static_cast<float>(p[c]);
  }
  check_exact("rounding of the mean, " + std::to_string(levels), coder, x, 8);
}

// So many latents that thresholds are guessed from a sample (encode.cpp): all but a few have a bias of 1 + 2^-23 and no
// weights, so that the guess is just that. The few, first in order, have a bias of 1 and products that round up to just
// above 2^-24, which makes them equal to the others, while the products in the screen's digits are just below. Held: the
// share of |b|.
void rounding_of_the_bias(std::mt19937_64& random, int levels) {
  constexpr int64_t kWidth = 64, kLatents = 16500, kFew = 32, kWhole = 3;
  constexpr float kLeast = 0x1p-24f;
  // s v kWhole just below 2^-24, for steps of 17 bits.
  const float row_step = kRowStep * 0x1p-6f;
  const float column_step = std::ldexp(std::floor(std::ldexp(kLeast / (row_step * kWhole), 30)), -30);
  Coder coder = empty_coder(kWidth, kLatents);
  std::fill(coder.encoder_bias.begin(), coder.encoder_bias.end(), 1.0f + 0x1p-23f);
  Ints q(kWidth), p(kWidth);
  for (int& digit : q) digit = random_digit(random, 1, other_row_levels(levels));
  q[0] = kRowLevels;
  const Floats divided = times(row_step, q), x = row_pair(divided);
  for (int64_t i = 0; i < kFew; ++i) {
    Coder one = empty_coder(kWidth, 1);
    one.encoder_bias[0] = 1.0f;
    do {
      for (int& digit : p) digit = random_digit(random, 0, levels);
      p[0] = levels;
      reach(random, q, levels, 1, kWhole, p);
      write_weights(divided, times(column_step, p), one.encoder.data());
    } while (promised_activations(one, x, 1)[0] == 1.0f);
    std::copy(one.encoder.begin(), one.encoder.end(), coder.encoder.begin() + i * kWidth);
    coder.encoder_bias[i] = 1.0f;
  }
  check_exact("rounding of the bias, " + std::to_string(levels), coder, x, 40);
}

// A column's digits can be twice as large as what they stand for, when nearly all of it lies just above half a step.
// Held: |f| in |w'| + |f|, by the instruction sets of 63 levels.
void norm_of_the_digits() {
  constexpr int64_t kWidth = 32768;
  Floats row(kWidth, 0.51f), column(kWidth, -0.51f); // e = -0.49, f = 0.49
  row[0] = 127.0f, column[0] = 0.0f;                 // for steps of 1
  row[1] = 0.0f, column[1] = 63.0f;
  // Of 0.49 * 0.51 d = 8188 by which e p exceeds the digits' product, |e| |w'| covers 384 less.
  check_hidden("norm of the digits", row, column, 20000.0f, 150.0f);
}

// What the digits leave out points along the other vector: all of the residuals' terms is needed. Scales: none, so small
// that the squares of that residual vanish, though it counts. Held: |e|, |e2|, |f| and their allowances.
void residuals(int levels) {
  constexpr int64_t kWidth = 130;
  const auto largest = static_cast<float>(levels);
  const Floats along = [&] {
    Floats column(kWidth, largest);
    column[0] = 0.0f;
    return column;
  }();
  for (const float scale : {1.0f, 0x1p-74f}) {
    Floats row(kWidth, 0.49f * scale); // below half a step
    row[0] = 127.0f * scale;
    check_hidden("residual of a row", row, along, 0.0f, 30.0f * largest * scale);

    Floats column(kWidth, 0.49f * scale);
    column[0] = largest * scale;
    const auto most = static_cast<float>(other_row_levels(levels));
    Floats full(kWidth, most);
    full[0] = 0.0f;
    full[1] = 127.0f, column[1] = 0.0f;
    check_hidden("residual of a column", full, column, 0.0f, 23.0f * most * scale);
  }
  for (const float scale : {1.0f, 0x1p-67f}) {
    const float second = 0.49f * scale / 127.0f;
    Floats row(kWidth, scale + 10.49f * second), column = along; // half a second step is left
    row[0] = 127.0f * scale;
    row[1] = 1.49f * scale, column[1] = 0.0f;
    check_hidden("residual of a residual", row, column, 0.0f, 0.1f * largest * scale);
  }
}

// Rows whose largest numbers meet, in one of the two sums of a window, in half of it or in all, and latents along them: sums
// of products in 16 bits would overflow, and the latents be passed over, if digits were as large as they can be.
void full_windows(std::mt19937_64& random) {
  constexpr int64_t kLatents = 100;
  for (const int64_t width : {3, 16, 18, 57, 130}) {
    for (const unsigned large : {0xffffu, 0x3333u, 0xccccu, 0x00ffu, 0x1111u, 0x0003u}) {
      Coder coder = empty_coder(width, kLatents);
      Floats x;
      for (int64_t c = 0; c < width; ++c) {
        const float sign = random() % 2 == 0 ? 1.0f : -1.0f;
        x.push_back((large >> c % 16 & 1u) != 0 ? sign : 0.05f * sign);
        for (int64_t i = 0; i < kLatents; ++i) {
          const float along = i % 9 == 4 ? sign : random() % 2 == 0 ? 1.0f : -1.0f;
          coder.encoder[i * width + c] = along * (1.0f + 0.001f * static_cast<float>(i % 7));
        }
      }
      for (int64_t c = 0; c < width; ++c) x.push_back(-x[c]);
      check_exact("full windows " + std::to_string(large), coder, x, 4);
    }
  }
}

// Numbers whose squares vanish, in rows, weights or both, down to where products do. Held: the allowances.
void vanishing_squares(std::mt19937_64& random) {
  for (const int of_rows : {0, -65, -72, -74, -76, -80, -100, -120, -140}) {
    for (const int of_weights : {0, -65, -74, -76, -100, -140}) {
      for (const int64_t k : {4, 90}) {
        Coder coder = random_coder(random, 57, 200, false, false);
        Floats x = heavy_tailed(random, 6, 57);
        for (float& a : x) a = std::ldexp(a, of_rows);
        for (float& a : coder.encoder) a = std::ldexp(a, of_weights);
        for (float& b : coder.encoder_bias) b = k == 4 ? 0.0f : std::ldexp(b, of_rows + of_weights);
        check_exact("2^" + std::to_string(of_rows) + " x, 2^" + std::to_string(of_weights) + " w", coder, x, k);
      }
    }
  }
  // Products of whole numbers of 2^-150, halves of the smallest float: which way they round depends on the running sum.
  constexpr int64_t kWidth = 190, kLatents = 900;
  Coder coder = empty_coder(kWidth, kLatents);
  Ints q(kWidth), p(kWidth);
  for (int& digit : q) digit = 1 + static_cast<int>(random() % 2);
  for (int64_t i = 0; i < kLatents; ++i) {
    for (int& digit : p) digit = random_digit(random, 0, 3);
    reach(random, q, 4, 0, 40, p);
    const Floats column = times(0x1p-75f, p);
    std::copy(column.begin(), column.end(), coder.encoder.begin() + i * kWidth);
  }
  check_exact("halves of the smallest number", coder, times(0x1p-75f, q), 8);
}

// Guesses that are too high by all margins: k - 2 to k + 1 strong latents outside the sample (every eighth panel) and
// enough weaker ones in it that the guess lies just above them. A row is done only with k proofs.
void proofs() {
  constexpr int64_t kLatents = 16384, k = 16;
  const Floats x = {1.0f, -1.0f};
  for (int64_t strong = k - 2; strong <= k + 1; ++strong) {
    for (int64_t sampled = k / 2; sampled <= k + 2; ++sampled) {
      Coder coder = empty_coder(1, kLatents);
      for (int64_t i = 0; i < kLatents; ++i) {
        const int64_t panel = i / 32;
        const bool in_sample = panel % 8 == 0;
        coder.encoder_bias[i] = i % 32 != 7 ? 1.0f
                                : in_sample ? (panel / 8 < sampled ? 1000.0f : 1.0f)
                                            : (panel / 8 < strong && panel % 8 == 3 ? 2000.0f : 1.0f);
      }
      check_exact(std::to_string(strong) + " proofs", coder, x, k);
    }
  }
}

} // namespace

int main() {
  const unsigned seed = 20250205;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  for (const int levels : {63, 127}) {
    rounding_of_the_product(random, levels);
    rounding_upwards(random, levels);
    rounding_of_the_mean(random, levels);
    rounding_of_the_bias(random, levels);
    residuals(levels);
  }
  norm_of_the_digits();
  full_windows(random);
  vanishing_squares(random);
  proofs();
  return test::verdict("screen");
}
