// pal_cpu_attention against double precision; the same bits for every instruction set and thread count, and from
// pal_cpu_attention_after, however sequences are divided.
#include <limits>

#include "check.hpp"
#include "palimpsest_cpu.h"
#include "reference.hpp"

using namespace reference;

namespace {

// Queries, keys and values side by side in one array [B, T, (H + 2 K) channels], as a stacked projection leaves them.
struct Problem {
  pal_cpu_attention_shape shape;
  Floats all;

  int64_t width() const { return (shape.heads + 2 * shape.key_heads) * shape.channels; }
  pal_cpu_heads heads(int64_t from) const {
    return {all.data() + from * shape.channels, shape.length * width(), width(), shape.channels};
  }
  double at(int64_t row, int64_t position, int64_t head, int64_t channel) const {
    return all[(row * shape.length + position) * width() + head * shape.channels + channel];
  }
};

Floats attend(const Problem& p) {
  const pal_cpu_heads q = p.heads(0), k = p.heads(p.shape.heads), v = p.heads(p.shape.heads + p.shape.key_heads);
  Floats out(static_cast<size_t>(p.shape.rows * p.shape.length * p.shape.heads * p.shape.channels), -1.0f);
  const Scratch scratch(pal_cpu_attention_workspace_bytes(p.shape.length, p.shape.channels));
  CHECK_OK(pal_cpu_attention(&q, &k, &v, &p.shape, out.data(), scratch.get(), scratch.bytes()));
  return out;
}

void check_query(const Problem& p, int64_t b, int64_t t, int64_t h, const float* got) {
  const pal_cpu_attention_shape& s = p.shape;
  const int64_t shared = h / (s.heads / s.key_heads), from = s.window > 0 ? std::max<int64_t>(0, t + 1 - s.window) : 0;
  Doubles weights;
  double largest = -1e300, sum = 0.0;
  for (int64_t u = from; u <= t; ++u) {
    double score = 0.0;
    for (int64_t c = 0; c < s.channels; ++c) score += p.at(b, t, h, c) * p.at(b, u, s.heads + shared, c);
    weights.push_back(score * static_cast<double>(s.scale));
    largest = std::max(largest, weights.back());
  }
  for (double& w : weights) sum += w = std::exp(w - largest);
  for (int64_t c = 0; c < s.channels; ++c) {
    double exact = 0.0, magnitude = 0.0;
    for (int64_t u = from; u <= t; ++u) {
      const double term = weights[u - from] / sum * p.at(b, u, s.heads + s.key_heads + shared, c);
      exact += term;
      magnitude += std::fabs(term);
    }
    CHECK_NEAR(got[c], exact, 2e-5 * (magnitude + 1e-3));
  }
}

void check_shape(std::mt19937_64& random, const pal_cpu_attention_shape& shape) {
  test::context = "B " + std::to_string(shape.rows) + ", T " + std::to_string(shape.length) + ", heads " +
                  std::to_string(shape.heads) + "/" + std::to_string(shape.key_heads) + ", channels " +
                  std::to_string(shape.channels) + ", window " + std::to_string(shape.window);
  Problem p = {shape, {}};
  std::normal_distribution<float> normal;
  p.all.resize(static_cast<size_t>(shape.rows * shape.length * p.width()));
  for (float& a : p.all) a = normal(random);
  Floats agreed;
  for_every_way([&] {
    const Floats out = attend(p);
    if (agreed.empty()) agreed = out;
    CHECK(test::same_bits(out, agreed));
  });
  for (int64_t b = 0; b < shape.rows; ++b) {
    for (int64_t t = 0; t < shape.length; ++t) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        check_query(p, b, t, h, agreed.data() + ((b * shape.length + t) * shape.heads + h) * shape.channels);
      }
    }
  }
}

// Scores so far apart that the smaller exponentials vanish, and equal ones that share evenly.
void extreme_scores() {
  test::context = "extreme scores";
  Problem p = {{1, 40, 1, 1, 1, 0, 1.0f}, {}};
  p.all.resize(120);
  for (int64_t t = 0; t < 40; ++t) {
    p.all[t * 3] = 1.0f;
    p.all[t * 3 + 1] = t == 7 ? 1e4f : t == 9 ? 1e4f : -1e4f;
    p.all[t * 3 + 2] = static_cast<float>(t);
  }
  for_every_way([&] {
    const Floats out = attend(p);
    CHECK_NEAR(out[6], 3.0, 1e-6); // seven equal scores: the mean of 0 to 6
    CHECK(out[8] == 7.0f);         // one large score alone
    CHECK(out[39] == 8.0f);        // two: the mean of 7 and 9
  });
}

// Scores so large that a rounding of the largest one is many times the range of exponentials, and infinite ones: a score
// of -infinity weighs nothing.
void scores_beyond_exponentials() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float large : {1e7f, 3e12f, 1e30f, 1e38f}) {
    test::context = "scores of " + std::to_string(large);
    Problem p = {{1, 40, 1, 1, 1, 0, 0.3f}, Floats(120)};
    for (int64_t t = 0; t < 40; ++t) {
      p.all[t * 3] = 1.0f;
      p.all[t * 3 + 1] = t == 5 || t == 20 ? large : t == 11 ? -kInfinity : -large;
      p.all[t * 3 + 2] = static_cast<float>(t);
    }
    for_every_way([&] {
      const Floats out = attend(p);
      CHECK_NEAR(out[4], 2.0, 1e-6);   // five equal ones
      CHECK(out[5] == 5.0f);           // one
      CHECK(out[19] == 5.0f);          // still one
      CHECK(out[39] == 12.5f);         // two
    });
  }
}

enum Part { kQuery, kKey, kValue };

bool sees(const pal_cpu_attention_shape& shape, int64_t t, int64_t u) {
  return u <= t && (shape.window == 0 || u > t - shape.window);
}

// One number of one position made infinite or NaN: every result that does not depend on it keeps its bits.
void broken_numbers_stay_where_they_are(std::mt19937_64& random, const pal_cpu_attention_shape& shape) {
  Problem sound = {shape, {}};
  std::normal_distribution<float> normal;
  sound.all.resize(static_cast<size_t>(shape.length * sound.width()));
  for (float& a : sound.all) a = normal(random);
  const Floats expected = attend(sound);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float broken : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    for (const Part part : {kQuery, kKey, kValue}) {
      for (const int64_t u : {int64_t{0}, int64_t{13}, int64_t{31}, int64_t{32}, shape.length - 1}) {
        Problem p = sound;
        const int64_t channel = shape.channels - 1;
        p.all[u * p.width() + part * shape.channels + channel] = broken;
        test::context = "T " + std::to_string(shape.length) + ", window " + std::to_string(shape.window) + ", " +
                        std::to_string(broken) + " in " + (part == kQuery ? "query " : part == kKey ? "key " : "value ") +
                        std::to_string(u);
        for_every_way([&] {
          const Floats out = attend(p);
          for (int64_t t = 0; t < shape.length; ++t) {
            for (int64_t c = 0; c < shape.channels; ++c) {
              const bool touched = part == kQuery ? t == u : sees(shape, t, u) && (part == kKey || c == channel);
              const float* got = &out[t * shape.channels + c];
              if (!touched) CHECK(std::memcmp(got, &expected[t * shape.channels + c], sizeof *got) == 0);
              if (touched && part == kValue) CHECK(!std::isfinite(*got));
            }
          }
        });
      }
    }
  }
}

// Sequences of different lengths that share their first piece, in pieces and passes of random sizes: the bits of each
// sequence alone and whole.
void check_pieces(std::mt19937_64& random, pal_cpu_attention_shape shape, int64_t shared) {
  const std::vector<int64_t> lengths = {shape.length, shared + 1, std::max(shared + 1, shape.length / 2)};
  const int64_t key_width = shape.key_heads * shape.channels, query_width = shape.heads * shape.channels;
  std::normal_distribution<float> normal;
  std::vector<Problem> whole;
  for (const int64_t length : lengths) {
    Problem p = {shape, {}};
    p.shape.length = length;
    p.all.resize(static_cast<size_t>(length * p.width()));
    for (float& a : p.all) a = normal(random);
    if (!whole.empty()) std::copy_n(whole[0].all.begin(), shared * p.width(), p.all.begin());
    if (length == shape.length / 2) p.all[(length - 1) * p.width() + query_width + key_width] = INFINITY;
    whole.push_back(p);
  }
  for (int64_t fresh = 1; fresh < 40; fresh += 1 + fresh / 3) { // new positions at the end of each
    test::context = "pieces: shared " + std::to_string(shared) + ", new " + std::to_string(fresh) + ", window " +
                    std::to_string(shape.window);
    Floats queries;
    std::vector<Floats> copies;
    std::vector<const float*> keys, values;
    std::vector<int64_t> first_query = {0}, first_piece = {0}, piece_length;
    for (const Problem& p : whole) {
      for (int64_t from = 0, left = p.shape.length; left > 0;) {
        const int64_t most = std::min<int64_t>(left, 50), drawn = 1 + static_cast<int64_t>(random() % most);
        const int64_t length = from == 0 && shared > 0 ? shared : drawn;
        for (const int64_t part : {int64_t{0}, key_width}) {
          Floats copy;
          for (int64_t t = from; t < from + length; ++t) {
            const float* at = p.all.data() + t * p.width() + query_width + part;
            copy.insert(copy.end(), at, at + key_width);
          }
          copies.push_back(copy);
          (part == 0 ? keys : values).push_back(copies.back().data());
        }
        piece_length.push_back(length);
        from += length, left -= length;
      }
      first_piece.push_back(static_cast<int64_t>(piece_length.size()));
      const int64_t count = std::min(fresh, p.shape.length);
      for (int64_t t = p.shape.length - count; t < p.shape.length; ++t) {
        const float* at = p.all.data() + t * p.width();
        queries.insert(queries.end(), at, at + query_width);
      }
      first_query.push_back(first_query.back() + count);
    }
    const pal_cpu_heads q = {queries.data(), 0, query_width, shape.channels};
    const pal_cpu_sequences sequences = {static_cast<int64_t>(whole.size()), first_query.data(), first_piece.data(),
                                         keys.data(), values.data(), piece_length.data()};
    for_every_way([&] {
      Floats out(queries.size(), -1.0f), expected;
      const Scratch scratch(pal_cpu_attention_workspace_bytes(shape.length, shape.channels));
      CHECK_OK(pal_cpu_attention_after(&q, &sequences, &shape, out.data(), scratch.get(), scratch.bytes()));
      for (const Problem& p : whole) {
        const Floats all = attend(p);
        expected.insert(expected.end(), all.end() - std::min(fresh, p.shape.length) * query_width, all.end());
      }
      CHECK(test::same_bits(out, expected));
    });
  }
}

void refused() {
  test::context = "arguments";
  Problem p = {{1, 4, 3, 2, 2, 0, 1.0f}, Floats(200)};
  const pal_cpu_heads q = p.heads(0);
  float out[24];
  CHECK(pal_cpu_attention(&q, &q, &q, &p.shape, out, nullptr, 0) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("3 heads do not divide among 2") != std::string::npos);
  p.shape.key_heads = 3;
  CHECK(pal_cpu_attention(&q, &q, &q, &p.shape, out, nullptr, 0) == PAL_INVALID_ARGUMENT);
  CHECK(pal_cpu_attention_workspace_bytes(0, 1) == 0);
  const int64_t firsts[] = {0, 3}, pieces[] = {0, 1}, lengths[] = {2};
  const float* const data[] = {p.all.data()};
  const pal_cpu_sequences sequences = {1, firsts, pieces, data, data, lengths};
  CHECK(pal_cpu_attention_after(&q, &sequences, &p.shape, out, nullptr, 0) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()).find("new positions of a sequence") != std::string::npos);
}

} // namespace

int main() {
  const unsigned seed = 20250204;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  for (const pal_cpu_attention_shape& s :
       {pal_cpu_attention_shape{1, 1, 1, 1, 1, 0, 1.0f}, {2, 12, 2, 1, 4, 0, 0.5f}, {1, 33, 4, 2, 33, 0, 0.2f},
        {2, 70, 3, 3, 64, 0, 0.125f}, {1, 100, 2, 1, 16, 7, 0.25f}, {1, 65, 1, 1, 40, 64, 0.1f}}) {
    check_shape(random, s);
  }
  check_pieces(random, {1, 100, 2, 2, 16, 0, 0.25f}, 40);
  check_pieces(random, {1, 90, 8, 2, 40, 0, 0.25f}, 0);
  check_pieces(random, {1, 110, 3, 1, 33, 20, 0.25f}, 35);
  extreme_scores();
  scores_beyond_exponentials();
  for (const int64_t window : {0, 20}) {
    broken_numbers_stay_where_they_are(random, {1, 75, 1, 1, 35, window, 0.15f});
  }
  refused();
  return test::verdict("attention");
}
