// pal_backward, pal_remove_parallel, pal_normalize_rows and pal_update against double precision; pal_step bit by bit
// against the four of them in turn.
#include <algorithm>
#include <limits>

#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

struct Shape {
  int64_t width, latents, rows, k;
};
const Shape kShapes[] = {{1, 1, 1, 1},      {3, 70, 9, 4},     {17, 200, 40, 8}, {33, 64, 3, 64},
                         {769, 130, 21, 5}, {64, 300, 100, 3}, {8, 9, 0, 2}};

// The arrays of pal_gradients, owned.
struct Arrays {
  Floats encoder, encoder_bias, decoder, decoder_bias, skip;

  Arrays(const Coder& coder, float fill)
      : encoder(coder.encoder.size(), fill), encoder_bias(coder.encoder_bias.size(), fill),
        decoder(coder.decoder.size(), fill), decoder_bias(coder.decoder_bias.size(), fill),
        skip(coder.skip.size(), fill) {}
  pal_gradients view() {
    return {encoder.data(), encoder_bias.data(), decoder.data(), decoder_bias.data(),
            skip.empty() ? nullptr : skip.data()};
  }
  bool operator==(const Arrays& o) const {
    return test::same_bits(encoder, o.encoder) && test::same_bits(encoder_bias, o.encoder_bias) &&
           test::same_bits(decoder, o.decoder) && test::same_bits(decoder_bias, o.decoder_bias) &&
           test::same_bits(skip, o.skip);
  }
};

pal_hyper hyper_of(pal_optimizer optimizer, int64_t step) {
  return {optimizer, 0.01f, optimizer == PAL_ADAM ? 0.9f : 0.95f, 0.999f, 1e-8f, step};
}

Batch batch_of(std::mt19937_64& random, Coder& coder, const Shape& s, Floats& grad) {
  Batch batch = {s.rows, s.k, heavy_tailed(random, s.rows, s.width), {}, {}};
  batch.values = encode_values(coder, batch.x, s.rows, s.k, PAL_TOPK, batch.indices);
  for (size_t i = 0; i < batch.values.size(); i += 3) batch.values[i] = -batch.values[i]; // any number will do
  grad = heavy_tailed(random, s.rows, s.width);
  for (float& g : grad) g *= 0.01f;
  return batch;
}

void run_backward(Coder& coder, const Batch& batch, const Floats& grad, Arrays& gradients, int32_t accumulate) {
  const pal_coder view = coder.view();
  const pal_gradients out = gradients.view();
  const Scratch scratch(pal_backward_workspace_bytes(coder.width, coder.latents, batch.rows, batch.k));
  CHECK_OK(pal_backward(&view, batch.x.data(), grad.data(), batch.rows, batch.k, batch.values.data(),
                        batch.indices.data(), &out, accumulate, scratch.get(), scratch.bytes(), nullptr));
}

void check_array(const char* name, const Floats& got, const Doubles& exact, double times) {
  double largest = 0.0;
  for (const double e : exact) largest = std::max(largest, std::fabs(e));
  const std::string outer = test::context;
  test::context += std::string(", ") + name;
  for (size_t i = 0; i < exact.size(); ++i) CHECK_NEAR(got[i], times * exact[i], 4e-6 * times * largest);
  test::context = outer;
}

void check_arrays(const Arrays& got, const Gradients& exact, double times) {
  check_array("encoder", got.encoder, exact.encoder, times);
  check_array("encoder bias", got.encoder_bias, exact.encoder_bias, times);
  check_array("decoder", got.decoder, exact.decoder, times);
  check_array("decoder bias", got.decoder_bias, exact.decoder_bias, times);
  check_array("skip", got.skip, exact.skip, times);
}

void gradients_agree(std::mt19937_64& random) {
  for (const Shape& s : kShapes) {
    for (const bool sae : {false, true}) {
      Coder coder = random_coder(random, s.width, s.latents, !sae, sae);
      Floats grad;
      const Batch batch = batch_of(random, coder, s, grad);
      const Gradients exact = reference::backward(coder, batch, grad);
      Arrays first(coder, 0.0f);
      run_backward(coder, batch, grad, first, 0);
      test::context = "backward d " + std::to_string(s.width) + ", B " + std::to_string(s.rows) + (sae ? ", SAE" : "");
      for_every_way([&] {
        Arrays got(coder, 5.0f);
        run_backward(coder, batch, grad, got, 0);
        check_arrays(got, exact, 1.0);
        CHECK(got == first);
        run_backward(coder, batch, grad, got, 1);
        check_arrays(got, exact, 2.0);
      });
    }
  }
}

void rows_agree(std::mt19937_64& random) {
  for (const int64_t width : {1, 3, 17, 33, 64, 769}) {
    const int64_t rows = 37;
    const Floats w = heavy_tailed(random, rows, width), g = heavy_tailed(random, rows, width);
    test::context = "rows of width " + std::to_string(width);
    Floats first_g, first_w;
    for_every_way([&] {
      Floats got_w = w, got_g = g;
      CHECK_OK(pal_normalize_rows(got_w.data(), rows, width, nullptr));
      CHECK_OK(pal_remove_parallel(got_w.data(), got_g.data(), rows, width, nullptr));
      for (int64_t r = 0; r < rows; ++r) {
        double norm = 0.0, along = 0.0, size = 0.0;
        for (int64_t p = r * width; p < (r + 1) * width; ++p) {
          norm += static_cast<double>(w[p]) * w[p];
          along += static_cast<double>(g[p]) * got_w[p];
          size += static_cast<double>(g[p]) * g[p];
        }
        norm = std::sqrt(norm) + 0x1p-23;
        for (int64_t p = r * width; p < (r + 1) * width; ++p) {
          CHECK_NEAR(got_w[p], w[p] / norm, 1e-6);
          CHECK_NEAR(got_g[p], g[p] - along * got_w[p], 1e-5 * std::sqrt(size));
        }
      }
      if (first_w.empty()) first_w = got_w, first_g = got_g;
      CHECK(test::same_bits(got_w, first_w) && test::same_bits(got_g, first_g));
    });
  }
  for (const float scale : {1e-25f, 1e-7f, 1e17f, 1e25f, 1e36f}) { // squares that vanish and squares that overflow
    test::context = "rows of scale " + std::to_string(scale);
    Floats w = heavy_tailed(random, 3, 70);
    for (float& a : w) a *= scale;
    Floats agreed;
    for_every_way([&] {
      Floats got = w;
      CHECK_OK(pal_normalize_rows(got.data(), 3, 70, nullptr));
      for (int64_t i = 0; i < 3 * 70; ++i) {
        double norm = 0.0;
        for (int64_t p = i / 70 * 70; p < (i / 70 + 1) * 70; ++p) norm += static_cast<double>(w[p]) * w[p];
        const double exact = w[i] / (std::sqrt(norm) + 0x1p-23);
        CHECK_NEAR(got[i], exact, 1e-6 * std::fabs(exact));
      }
      if (agreed.empty()) agreed = got;
      CHECK(test::same_bits(got, agreed));
    });
  }
  Floats zero(5, 0.0f);
  CHECK_OK(pal_normalize_rows(zero.data(), 1, 5, nullptr));
  for (const float z : zero) CHECK(z == 0.0f);
}

void updates_agree(std::mt19937_64& random) {
  const int64_t n = 40005;
  const int steps = 5;
  const Floats start = heavy_tailed(random, 1, n);
  std::vector<Floats> gradients;
  for (int t = 0; t < steps; ++t) gradients.push_back(heavy_tailed(random, 1, n));
  gradients[1][3] = 0.0f;
  for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) {
    const bool adam = optimizer == PAL_ADAM;
    Doubles p(start.begin(), start.end()), first(n), second(n), average = p;
    if (!adam) first = p;
    const pal_hyper h = hyper_of(optimizer, 1);
    const double lr = h.lr, b1 = h.beta1, b2 = h.beta2, eps = h.epsilon;
    for (int t = 1; t <= steps; ++t) {
      for (int64_t i = 0; i < n; ++i) {
        const double g = gradients[t - 1][i];
        if (adam) {
          first[i] = b1 * first[i] + (1 - b1) * g;
          second[i] = b2 * second[i] + (1 - b2) * g * g;
          p[i] -= lr / (1 - std::pow(b1, t)) * first[i] / (std::sqrt(second[i]) / std::sqrt(1 - std::pow(b2, t)) + eps);
        } else {
          first[i] -= lr * ((g > 0) - (g < 0));
          average[i] = (1.0 - 1.0 / t) * average[i] + first[i] / t;
          p[i] = b1 * average[i] + (1 - b1) * first[i];
        }
      }
    }
    test::context = adam ? "adam" : "signum";
    Floats agreed;
    for_every_way([&] {
      Floats got = start, m(n), v(n);
      if (!adam) m = start;
      for (int t = 1; t <= steps; ++t) {
        const pal_hyper hyper = hyper_of(optimizer, t);
        CHECK_OK(pal_update(got.data(), gradients[t - 1].data(), m.data(), adam ? v.data() : nullptr, n, &hyper,
                            nullptr));
      }
      for (int64_t i = 0; i < n; ++i) CHECK_NEAR(got[i], p[i], 1e-6 * (1.0 + std::fabs(p[i])));
      if (agreed.empty()) agreed = got;
      CHECK(test::same_bits(got, agreed));
    });
  }
}

// Gradients whose squares vanish from Adam's second moment: with the smallest epsilon allowed that changes nothing.
void vanishing_squares(std::mt19937_64& random) {
  test::context = "vanishing squares";
  const int64_t n = 100;
  for (const int exponent : {-50, -58, -62, -66, -75, -100}) {
    Floats g = heavy_tailed(random, 1, n);
    for (float& a : g) a = std::ldexp(a, exponent);
    for_every_way([&] {
      Floats p(n, 0.0f), m(n), v(n);
      pal_hyper hyper = hyper_of(PAL_ADAM, 1);
      hyper.epsilon = 1e-10f;
      CHECK_OK(pal_update(p.data(), g.data(), m.data(), v.data(), n, &hyper, nullptr));
      for (int64_t i = 0; i < n; ++i) {
        const double exact = -static_cast<double>(hyper.lr) * g[i] / (std::fabs(static_cast<double>(g[i])) + 1e-10);
        CHECK_NEAR(p[i], exact, 2e-6 * std::fabs(exact));
      }
    });
  }
}

// The moments of a parameter whose gradient stays 0 must end at 0 instead of stopping at the smallest numbers there are,
// and the caller's own arithmetic must not be changed by that.
void idle_moments_vanish() {
  test::context = "idle moments";
  const int64_t n = 37;
  for_every_way([&] {
    Floats p(n, 1.0f), m(n, 1e-36f), v(n, 1e-36f);
    const Floats zeros(n, 0.0f);
    for (int t = 1; t <= 100; ++t) {
      const pal_hyper hyper = hyper_of(PAL_ADAM, t);
      CHECK_OK(pal_update(p.data(), zeros.data(), m.data(), v.data(), n, &hyper, nullptr));
    }
    for (const float moment : m) CHECK(moment == 0.0f);
    const volatile float smallest = std::numeric_limits<float>::min();
    CHECK(smallest / 2.0f > 0.0f);
  });
}

// What pal_step promises: backward, remove_parallel, update of the five arrays, normalize_rows.
void step_unfused(Coder& coder, const Batch& batch, const Floats& grad, Arrays& m, Arrays& v, const pal_hyper& hyper,
                  bool sae) {
  Arrays g(coder, 0.0f);
  run_backward(coder, batch, grad, g, 0);
  const int64_t d = coder.width, latents = coder.latents;
  if (sae) CHECK_OK(pal_remove_parallel(coder.decoder.data(), g.decoder.data(), latents, d, nullptr));
  const auto update = [&](Floats& p, Floats& of, Floats& first, Floats& second) {
    CHECK_OK(pal_update(p.data(), of.data(), first.data(), hyper.optimizer == PAL_ADAM ? second.data() : nullptr,
                        static_cast<int64_t>(p.size()), &hyper, nullptr));
  };
  update(coder.encoder, g.encoder, m.encoder, v.encoder);
  update(coder.encoder_bias, g.encoder_bias, m.encoder_bias, v.encoder_bias);
  update(coder.decoder, g.decoder, m.decoder, v.decoder);
  update(coder.decoder_bias, g.decoder_bias, m.decoder_bias, v.decoder_bias);
  if (!coder.skip.empty()) update(coder.skip, g.skip, m.skip, v.skip);
  if (sae) CHECK_OK(pal_normalize_rows(coder.decoder.data(), latents, d, nullptr));
}

void step_equals_unfused(std::mt19937_64& random, const Shape& s, bool sae, pal_optimizer optimizer) {
  constexpr int kSteps = 2;
  const bool adam = optimizer == PAL_ADAM;
  const Coder start = random_coder(random, s.width, s.latents, !sae, sae);
  Coder expected = start;
  std::vector<Batch> batches(kSteps);
  std::vector<Floats> grads(kSteps);
  Arrays m(start, 0.0f), v(start, 0.0f);
  for (int t = 0; t < kSteps; ++t) {
    batches[t] = batch_of(random, expected, s, grads[t]);
    step_unfused(expected, batches[t], grads[t], m, v, hyper_of(optimizer, t + 1), sae);
  }
  test::context = "step d " + std::to_string(s.width) + (sae ? ", SAE" : ", skip") + (adam ? ", adam" : ", signum");
  for_every_way([&] {
    Coder got = start;
    Arrays m2(start, 0.0f), v2(start, 0.0f);
    const pal_optimizer_state state = {m2.view(), adam ? v2.view() : pal_gradients{}};
    const Scratch scratch(pal_step_workspace_bytes(s.width, s.latents, s.rows, s.k));
    for (int t = 0; t < kSteps; ++t) {
      const pal_hyper hyper = hyper_of(optimizer, t + 1);
      const pal_coder view = got.view();
      const Batch& batch = batches[t];
      CHECK_OK(pal_step(&view, &state, batch.x.data(), grads[t].data(), s.rows, s.k, batch.values.data(),
                        batch.indices.data(), &hyper, sae, sae, scratch.get(), scratch.bytes(), nullptr));
    }
    CHECK(test::same_bits(got.encoder, expected.encoder));
    CHECK(test::same_bits(got.encoder_bias, expected.encoder_bias));
    CHECK(test::same_bits(got.decoder, expected.decoder));
    CHECK(test::same_bits(got.decoder_bias, expected.decoder_bias));
    CHECK(test::same_bits(got.skip, expected.skip));
    CHECK(m2 == m);
    CHECK(v2 == v);
  });
}

} // namespace

int main() {
  const unsigned seed = 20250202;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  gradients_agree(random);
  rows_agree(random);
  updates_agree(random);
  vanishing_squares(random);
  idle_moments_vanish();
  for (const Shape& s : kShapes) {
    for (const bool sae : {false, true}) {
      for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) step_equals_unfused(random, s, sae, optimizer);
    }
  }
  return test::verdict("backward");
}
