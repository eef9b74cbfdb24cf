// pal_decode, pal_fvu and pal_count_firings against double precision.
#include <algorithm>

#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

struct Shape {
  int64_t width, latents, rows, k;
};
const Shape kShapes[] = {{1, 1, 1, 1}, {3, 7, 5, 2}, {17, 40, 29, 8}, {33, 64, 3, 64}, {769, 100, 13, 5}, {8, 9, 0, 2}};

// Arbitrary guesses: some zero, some negative, latents repeated.
Batch guesses(std::mt19937_64& random, const Shape& s) {
  std::normal_distribution<float> normal;
  Batch batch = {s.rows, s.k, heavy_tailed(random, s.rows, s.width), {}, {}};
  for (int64_t i = 0; i < s.rows * s.k; ++i) {
    batch.values.push_back(random() % 4 == 0 ? 0.0f : normal(random));
    batch.indices.push_back(static_cast<int32_t>(random() % static_cast<uint64_t>(s.latents)));
  }
  return batch;
}

void decode_agrees(std::mt19937_64& random) {
  for (const Shape& s : kShapes) {
    for (const bool skip : {false, true}) {
      Coder coder = random_coder(random, s.width, s.latents, skip, false);
      const Batch batch = guesses(random, s);
      const Doubles exact = reference::decode(coder, batch);
      Floats first;
      test::context = "decode d " + std::to_string(s.width) + (skip ? " with skip" : "");
      for_every_way([&] {
        const pal_coder view = coder.view();
        Floats out(exact.size(), -7.0f);
        const Scratch scratch(pal_decode_workspace_bytes(s.width, s.latents, s.rows, s.k));
        CHECK_OK(pal_decode(&view, skip ? batch.x.data() : nullptr, s.rows, s.k, batch.values.data(),
                            batch.indices.data(), out.data(), scratch.get(), scratch.bytes(), nullptr));
        for (size_t i = 0; i < exact.size(); ++i) CHECK_NEAR(out[i], exact[i], 2e-4 * (1.0 + std::fabs(exact[i])));
        if (first.empty()) first = out;
        CHECK(test::same_bits(out, first));
      });
    }
  }
}

// The targets are 2^exponent times ordinary ones: sums of their squares must neither vanish nor overflow.
void fvu_agrees(std::mt19937_64& random, int exponent) {
  for (const Shape& s : kShapes) {
    test::context = "fvu d " + std::to_string(s.width) + ", B " + std::to_string(s.rows) + ", 2^" + std::to_string(exponent);
    Floats y = heavy_tailed(random, s.rows, s.width), y_hat = heavy_tailed(random, s.rows, s.width);
    for (float& a : y) a = std::ldexp(a, exponent);
    for (float& a : y_hat) a = std::ldexp(a, exponent);
    double error = 0.0, spread = 0.0;
    for (int64_t p = 0; p < s.width; ++p) {
      double mean = 0.0;
      for (int64_t r = 0; r < s.rows; ++r) mean += y[r * s.width + p];
      mean /= static_cast<double>(std::max<int64_t>(s.rows, 1));
      for (int64_t i = p; i < s.rows * s.width; i += s.width) {
        error += (static_cast<double>(y[i]) - y_hat[i]) * (static_cast<double>(y[i]) - y_hat[i]);
        spread += (y[i] - mean) * (y[i] - mean);
      }
    }
    Floats first;
    for_every_way([&] {
      Floats grad = y_hat; // in place
      double sums[2] = {-1.0, -1.0}, alone[2];
      const Scratch scratch(pal_fvu_workspace_bytes(s.width, s.rows));
      CHECK_OK(pal_fvu(grad.data(), y.data(), s.rows, s.width, grad.data(), sums, scratch.get(), scratch.bytes(),
                       nullptr));
      CHECK_NEAR(sums[0], error, 1e-12 * error);
      CHECK_NEAR(sums[1], spread, 1e-12 * spread);
      for (size_t i = 0; i < grad.size(); ++i) {
        const double exact = spread > 0.0 ? 2.0 * (static_cast<double>(y_hat[i]) - y[i]) / spread : 0.0;
        CHECK_NEAR(grad[i], exact, 1e-6 * std::fabs(exact) + 0x1p-149);
      }
      if (first.empty()) first = grad;
      CHECK(test::same_bits(grad, first));
      CHECK_OK(pal_fvu(y_hat.data(), y.data(), s.rows, s.width, nullptr, alone, scratch.get(), scratch.bytes(),
                       nullptr));
      CHECK(alone[0] == sums[0] && alone[1] == sums[1]);
    });
  }
}

void counts_agree() {
  test::context = "count firings";
  const Floats values = {1.0f, 0.0f, 2.0f, 3.0f, -1.0f, 0.5f};
  const Ints indices = {2, 0, 2, 4, 1, 0};
  std::vector<int64_t> counts = {10, 0, 0, 0, 0};
  CHECK_OK(pal_count_firings(values.data(), indices.data(), 3, 2, 5, counts.data(), nullptr));
  CHECK((counts == std::vector<int64_t>{11, 0, 2, 0, 1}));
}

} // namespace

int main() {
  const unsigned seed = 20250201;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  decode_agrees(random);
  for (const int exponent : {0, -66, -90, -110, 62, 70, 115}) fvu_agrees(random, exponent);
  counts_agree();
  return test::verdict("decode");
}
