/* update_test.cu - pal_update, pal_remove_parallel and pal_normalize_rows against their formulas in double precision. */
#include "training.h"

namespace pal::test {
namespace {

void adam() {
  Random random(61);
  for (const int64_t n : {1, 3, 64, 1027}) {
    auto p = normal_floats(random, n), m = normal_floats(random, n, 0.1), v = normal_floats(random, n, 0.1);
    for (float& value : v) value *= value;
    std::vector<double> wanted_p(p.begin(), p.end()), wanted_m(m.begin(), m.end()), wanted_v(v.begin(), v.end());
    const Array<float> device_p(p), device_m(m), device_v(v);
    for (int64_t t = 1; t <= 3; ++t) {
      const auto g = normal_floats(random, n, t == 2 ? 1e-9 : 1.0);
      const Array<float> device_g(g);
      const pal_hyper hyper{PAL_ADAM, 1e-2f, 0.9f, 0.999f, 1e-8f, t};
      PAL_OK_OR_FAULT(pal_update(device_p.get(), device_g.get(), device_m.get(), device_v.get(), n, &hyper, nullptr));
      const double b1 = 0.9f, b2 = 0.999f;
      for (int64_t i = 0; i < n; ++i) {
        wanted_m[i] = b1 * wanted_m[i] + (1 - b1) * g[i];
        wanted_v[i] = b2 * wanted_v[i] + (1 - b2) * g[i] * g[i];
        wanted_p[i] -= 1e-2f / (1 - std::pow(b1, double(t))) * wanted_m[i] /
                       (std::sqrt(wanted_v[i]) / std::sqrt(1 - std::pow(b2, double(t))) + 1e-8f);
      }
    }
    p = device_p.download();
    m = device_m.download();
    v = device_v.download();
    for (int64_t i = 0; i < n; ++i) {
      expect_close(p[i], wanted_p[i], 1e-6, 1e-5, "p", i);
      expect_close(m[i], wanted_m[i], 1e-5, 1e-6, "m", i);
      expect_close(v[i], wanted_v[i], 1e-5, 1e-7, "v", i);
    }
  }
}

void signum() {
  Random random(62);
  const int64_t n = 130;
  auto y = normal_floats(random, n);
  auto z = y;
  const Array<float> device_y(y), device_z(z);
  std::vector<double> wanted_x(y.begin(), y.end()), wanted_y = wanted_x, wanted_z = wanted_x;
  const double b = 0.95f, lr = 1e-2f;
  for (int64_t t = 1; t <= 5; ++t) {
    auto g = normal_floats(random, n);
    g[7] = 0.0f;
    const Array<float> device_g(g);
    const pal_hyper hyper{PAL_SIGNUM, 1e-2f, 0.95f, 0.0f, 0.0f, t};
    PAL_OK_OR_FAULT(pal_update(device_y.get(), device_g.get(), device_z.get(), nullptr, n, &hyper, nullptr));
    for (int64_t i = 0; i < n; ++i) {
      wanted_z[i] -= lr * (g[i] > 0 ? 1 : g[i] < 0 ? -1 : 0);
      wanted_x[i] = (1 - 1.0 / double(t)) * wanted_x[i] + wanted_z[i] / double(t);
      wanted_y[i] = b * wanted_x[i] + (1 - b) * wanted_z[i];
    }
  }
  y = device_y.download();
  z = device_z.download();
  for (int64_t i = 0; i < n; ++i) {
    expect_close(y[i], wanted_y[i], 1e-5, 1e-6, "y", i);
    expect_close(z[i], wanted_z[i], 1e-5, 1e-6, "z", i);
  }
}

void rows() {
  Random random(63);
  for (const int64_t width : {1, 7, 32, 100, 768, 1501, 2048}) {
    const int64_t count = 5;
    auto w = normal_floats(random, count * width);
    for (int64_t c = 0; c < width; ++c) w[2 * width + c] = 0.0f; /* a row of zeros stays one */
    const auto g = normal_floats(random, count * width);
    const Array<float> device_w(w), device_g(g);
    PAL_OK_OR_FAULT(pal_normalize_rows(device_w.get(), count, width, nullptr));
    const auto unit = device_w.download();
    PAL_OK_OR_FAULT(pal_remove_parallel(device_w.get(), device_g.get(), count, width, nullptr));
    const auto left = device_g.download();
    for (int64_t r = 0; r < count; ++r) {
      double norm = 0.0, along = 0.0;
      for (int64_t c = 0; c < width; ++c) norm += double{w[r * width + c]} * w[r * width + c];
      for (int64_t c = 0; c < width; ++c) along += double{g[r * width + c]} * unit[r * width + c];
      for (int64_t c = 0; c < width; ++c) {
        expect_close(unit[r * width + c], w[r * width + c] / (std::sqrt(norm) + 0x1p-23), 1e-5, 1e-7, "unit row", r * width + c);
        expect_close(left[r * width + c], g[r * width + c] - along * unit[r * width + c], 1e-4, 1e-5, "rest", r * width + c);
      }
    }
  }
}

void arguments() {
  const Array<float> p(4);
  const pal_hyper bad_step{PAL_ADAM, 1.0f, 0.9f, 0.999f, 1e-8f, 0};
  expect(pal_update(p.get(), p.get(), p.get(), p.get(), 4, &bad_step, nullptr) == PAL_INVALID_ARGUMENT, "step 0");
  const pal_hyper adam{PAL_ADAM, 1.0f, 0.9f, 0.999f, 1e-8f, 1};
  expect(pal_update(p.get(), p.get(), p.get(), nullptr, 4, &adam, nullptr) == PAL_INVALID_ARGUMENT, "Adam without second");
  expect(pal_update(nullptr, nullptr, nullptr, nullptr, 0, &adam, nullptr) == PAL_OK, "no parameters");
  expect(pal_normalize_rows(nullptr, 0, 3, nullptr) == PAL_OK, "no rows");
  expect(pal_set_instruction_set("avx2") == PAL_UNSUPPORTED && pal_set_instruction_set("") == PAL_OK, "instruction set");
}

}  // namespace

std::vector<Case> update_cases() {
  return {{"update adam", adam}, {"update signum", signum}, {"update rows", rows}, {"update arguments", arguments}};
}

}  // namespace pal::test
