/* fvu_test.cu - pal_fvu against the two-pass formula. */
#include "reference.h"

namespace pal::test {
namespace {

struct Result {
  std::vector<double> sums;
  std::vector<float> grad;
};

Result fvu(const std::vector<float>& y_hat, const std::vector<float>& y, int64_t rows, int64_t width, bool in_place) {
  const Array<float> device_y(y), grad(rows * width);
  Array<float> device_y_hat(y_hat);
  const Workspace workspace(static_cast<int64_t>(pal_fvu_workspace_bytes(width, rows)));
  Result result;
  expect_repeatable("pal_fvu", [&] {
    const Array<double> sums(2);
    device_y_hat.upload(y_hat);
    float* to = in_place ? device_y_hat.get() : grad.get();
    PAL_OK_OR_FAULT(pal_fvu(device_y_hat.get(), device_y.get(), rows, width, to, sums.get(), workspace.get(),
                            workspace.bytes(), nullptr));
    result = {sums.download(), in_place ? device_y_hat.download() : grad.download()};
    std::vector<unsigned char> all;
    append_bytes(all, result.sums);
    append_bytes(all, result.grad);
    return all;
  });
  return result;
}

void against_reference() {
  Random random(31);
  const int64_t shapes[][2] = {{1, 1}, {2, 3}, {7, 129}, {33, 64}, {100, 31}, {9000, 5}};
  for (const auto& shape : shapes) {
    const int64_t rows = shape[0], width = shape[1];
    auto y = normal_floats(random, rows * width);
    const auto y_hat = normal_floats(random, rows * width);
    for (int64_t r = 0; r < rows; ++r) y[r * width] += 3000.0f; /* a column whose mean is large beside its spread */
    if (rows > 4) y[width - 1] = -5000.0f;                        /* and one whose first row lies far off */
    double error = 0.0, variance = 0.0;
    for (int64_t c = 0; c < width; ++c) {
      double mean = 0.0;
      for (int64_t r = 0; r < rows; ++r) mean += y[r * width + c] / static_cast<double>(rows);
      for (int64_t r = 0; r < rows; ++r) {
        const double e = double{y[r * width + c]} - y_hat[r * width + c], v = y[r * width + c] - mean;
        error += e * e;
        variance += v * v;
      }
    }
    for (const bool in_place : {false, true}) {
      const Result found = fvu(y_hat, y, rows, width, in_place);
      expect_close(found.sums[0], error, 1e-12, 0.0, "sums", 0);
      expect_close(found.sums[1], variance, 1e-9, 1e-9, "sums", 1);
      for (size_t i = 0; i < y.size(); ++i) {
        const double wanted = found.sums[1] > 0.0 ? 2.0 * (double{y_hat[i]} - y[i]) / found.sums[1] : 0.0;
        expect_close(found.grad[i], wanted, 1e-6, 0.0, "grad", long(i));
      }
    }
  }
}

void constant_target() {
  const Result found = fvu(std::vector<float>(40, 1.0f), std::vector<float>(40, 0.1f), 8, 5, false);
  expect(found.sums[1] == 0.0, "variance %g of a constant", found.sums[1]);
  for (const float g : found.grad) expect(g == 0.0f, "gradient %g", g);
}

void no_rows_and_sums_alone() {
  const Array<double> sums(2);
  PAL_OK_OR_FAULT(pal_fvu(nullptr, nullptr, 0, 5, nullptr, sums.get(), nullptr, 0, nullptr));
  expect(sums.download() == std::vector<double>({0.0, 0.0}), "sums of no rows");
  const Array<float> y(std::vector<float>{1.0f, 3.0f}), y_hat(std::vector<float>{1.0f, 2.0f});
  const Workspace workspace(static_cast<int64_t>(pal_fvu_workspace_bytes(1, 2)));
  PAL_OK_OR_FAULT(pal_fvu(y_hat.get(), y.get(), 2, 1, nullptr, sums.get(), workspace.get(), workspace.bytes(), nullptr));
  expect(sums.download() == std::vector<double>({1.0, 2.0}), "sums of two rows");
}

}  // namespace

std::vector<Case> fvu_cases() {
  return {{"fvu against reference", against_reference},
          {"fvu constant target", constant_target},
          {"fvu no rows, sums alone", no_rows_and_sums_alone}};
}

}  // namespace pal::test
