/*
 * cublaslt_test.cu - how we ask cuBLASLt, what we do with its answers, and that our own kernels take over where it has none. On the
 * host, with the fake of fake_cublaslt.cu; the real one is tested by all other cases on a device.
 */
#include "harness.h"

#if defined(__CUDACC__)

std::vector<pal::test::Case> pal::test::cublaslt_cases() { return {}; }

#else

#include "cublaslt.h"
#include "fake_cublaslt.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "reference.h"

namespace pal::test {
namespace {

/* The fake in the place of the host's loops, answering well at first. */
struct Faked {
  Faked() {
    fake_cublaslt() = {};
    emulated_cublaslt() = true;
  }
  ~Faked() {
    expect(!fake_cublaslt().misused, "asked in a way that cuBLASLt does not allow");
    emulated_cublaslt() = false;
    PAL_OK_OR_FAULT(pal_cuda_set_product(""));
    PAL_OK_OR_FAULT(pal_cuda_set_candidates(1));
  }
};

/* Products of whole numbers, exact in any order. Each shape is used once: its plan is kept. */
pal_status multiply(const ProductShape& s, Random& random, bool accumulate, const char* what) {
  const bool nt = s.form == Form::NT;
  const auto a = integer_floats(random, (nt ? s.rows : s.inner) * s.a_stride, -3, 3);
  const auto b = integer_floats(random, (nt ? s.cols : s.inner) * s.b_stride, -3, 3);
  const auto bias = integer_floats(random, s.cols, -3, 3), before = integer_floats(random, s.rows * s.d_stride, -3, 3);
  const Array<float> device_a(a), device_b(b), device_bias(bias), d(before);
  const Workspace workspace(static_cast<int64_t>(product_workspace_bytes()));
  const pal_status status = product(s, Arithmetic::FP32, device_a.get(), device_b.get(), accumulate ? nullptr : device_bias.get(),
                                    d.get(), accumulate, workspace.get(), nullptr);
  if (status != PAL_OK) return status;
  const auto found = d.download();
  for (int64_t row = 0; row < s.rows; ++row) {
    for (int64_t col = 0; col < s.d_stride; ++col) {
      const int64_t at = row * s.d_stride + col;
      double wanted = before[at];
      if (col < s.cols) {
        wanted = accumulate ? before[at] : bias[col];
        for (int64_t c = 0; c < s.inner; ++c) {
          wanted += double{nt ? a[row * s.a_stride + c] : a[c * s.a_stride + row]} *
                    (nt ? b[col * s.b_stride + c] : b[c * s.b_stride + col]);
        }
      }
      expect(found[at] == wanted, "%s: %g at [%ld, %ld], expected %g", what, found[at], long(row), long(col), wanted);
    }
  }
  return status;
}

ProductShape shape_of(int64_t rows) { return {Form::NT, rows, 12, 8, 8, 8, 12}; }

void asks_rightly() {
  const Faked faked;
  Random random(111);
  const int64_t sizes[][3] = {{3, 5, 7}, {64, 16, 8}, {9, 40, 24}};
  for (const auto& size : sizes) {
    for (const Form form : {Form::NT, Form::TN}) {
      for (const bool accumulate : {false, true}) {
        const bool nt = form == Form::NT;
        const ProductShape s{form, size[0], size[1], size[2], (nt ? size[2] : size[0]) + 4, (nt ? size[2] : size[1]) + 3, size[1] + 1};
        expect(multiply(s, random, accumulate, "product") == PAL_OK, "%s", pal_last_error());
      }
    }
  }
  expect(fake_cublaslt().products == 12, "%d products by cuBLASLt", fake_cublaslt().products);

  /* The encoder's, in bf16 with its bias: whole numbers. */
  const auto before = fake_cublaslt().products;
  TestCoder coder({13, 200, false, true, true}, random);
  coder.encoder = integer_floats(random, 200 * 13, -3, 3);
  coder.encoder_bias = integer_floats(random, 200, -2, 2);
  coder.decoder_bias = integer_floats(random, 13, -1, 1);
  coder.upload();
  const auto x = integer_floats(random, 20 * 13, -3, 3);
  const Array<float> device_x(x), values(20 * 9);
  const Array<int32_t> indices(20 * 9);
  const Workspace workspace(static_cast<int64_t>(pal_encode_workspace_bytes(13, 200, 20, 9, PAL_TOPK)));
  PAL_OK_OR_FAULT(pal_encode(&coder.coder, device_x.get(), 20, 9, PAL_TOPK, values.get(), indices.get(), workspace.get(),
                             workspace.bytes(), nullptr));
  expect(fake_cublaslt().products == before + 1, "encoded by somebody else");
  const auto found = values.download();
  for (int64_t r = 0; r < 20; ++r) {
    double wanted[9];
    int32_t wanted_indices[9];
    reference_select(reference_preactivations(coder, x, r), 9, PAL_TOPK, wanted, wanted_indices);
    for (int64_t s = 0; s < 9; ++s) expect(found[r * 9 + s] == wanted[s], "row %ld slot %ld: %g, expected %g", long(r), long(s), found[r * 9 + s], wanted[s]);
  }
}

/* Every status of cublasStatus_t: our own kernel multiplies instead; where cuBLASLt was asked for by name, PAL_UNSUPPORTED says why. */
void heuristic_has_none() {
  Random random(112);
  int64_t rows = 1;
  for (const int status : {1, 3, 7, 8, 11, 13, 14, 15, 16}) {
    const Faked faked;
    fake_cublaslt().heuristic_status = status;
    const ProductShape s = shape_of(rows++);
    expect(multiply(s, random, false, "fallback") == PAL_OK, "status %d: %s", status, pal_last_error());
    expect(fake_cublaslt().heuristics == 1 && fake_cublaslt().products == 0, "status %d: multiplied without an algorithm", status);
    PAL_OK_OR_FAULT(pal_cuda_set_product("cublaslt"));
    expect(multiply(s, random, false, "asked for") == PAL_UNSUPPORTED, "status %d: not refused", status);
    expect(std::strstr(pal_last_error(), ("(status " + std::to_string(status) + ")").c_str()) != nullptr, "message '%s'", pal_last_error());
  }
  {
    const Faked faked;
    fake_cublaslt().proposals = 0;
    expect(multiply(shape_of(rows++), random, true, "no proposal") == PAL_OK, "%s", pal_last_error());
  }
  const Faked faked;
  fake_cublaslt().states[0] = 15;
  expect(multiply(shape_of(rows++), random, false, "a proposal that does not hold") == PAL_OK, "%s", pal_last_error());
  expect(fake_cublaslt().products == 0, "multiplied by a proposal that does not hold");
}

void product_refused() {
  Random random(113);
  int64_t rows = 101;
  for (const int status : {3, 7, 8, 15}) { /* nothing was queued */
    const Faked faked;
    fake_cublaslt().multiply_status = status;
    const ProductShape s = shape_of(rows++);
    expect(multiply(s, random, false, "fallback") == PAL_OK, "status %d: %s", status, pal_last_error());
    expect(multiply(s, random, false, "again") == PAL_OK && fake_cublaslt().products == 1, "status %d: asked again", status);
  }
  const Faked faked; /* what fails while it runs is an error */
  fake_cublaslt().multiply_status = 13;
  expect(multiply(shape_of(rows++), random, false, "failed") == PAL_DEVICE_ERROR, "status 13 is no error");
  expect(std::strstr(pal_last_error(), "status 13") != nullptr, "message '%s'", pal_last_error());
}

void candidates() {
  Random random(114);
  const Faked faked;
  FakeCublaslt& fake = fake_cublaslt();
  const float milliseconds[kFakeAlgorithms] = {3.0f, 2.0f, 0.25f, 0.5f, 1.0f};
  std::copy(milliseconds, milliseconds + kFakeAlgorithms, fake.milliseconds);
  expect(multiply(shape_of(201), random, false, "untimed") == PAL_OK && fake.last_algorithm == 0 && fake.products == 1,
         "algorithm %d, %d products", fake.last_algorithm, fake.products);
  PAL_OK_OR_FAULT(pal_cuda_set_candidates(16));
  expect(multiply(shape_of(202), random, false, "timed") == PAL_OK && fake.last_algorithm == 2, "algorithm %d", fake.last_algorithm);
  const int products = fake.products;
  expect(multiply(shape_of(202), random, false, "known") == PAL_OK && fake.products == products + 1, "timed again");
  fake.states[2] = 15;
  expect(multiply(shape_of(203), random, true, "one does not hold") == PAL_OK && fake.last_algorithm == 3, "algorithm %d",
         fake.last_algorithm);
  expect(pal_cuda_set_candidates(0) == PAL_INVALID_ARGUMENT && pal_cuda_set_candidates(17) == PAL_INVALID_ARGUMENT, "bounds");

  /* Within a capture too: what is timed is no part of the graph. */
  fake.states[2] = 0;
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
  const ProductShape s = shape_of(204);
  const Array<float> a(std::vector<float>(204 * 8, 1.0f)), b(std::vector<float>(12 * 8, 1.0f)), d(204 * 12);
  const Workspace workspace(static_cast<int64_t>(product_workspace_bytes()));
  expect(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess, "capture");
  PAL_OK_OR_FAULT(product(s, Arithmetic::FP32, a.get(), b.get(), nullptr, d.get(), false, workspace.get(), stream));
  expect(fake.last_algorithm == 2, "algorithm %d", fake.last_algorithm);
  expect(cudaStreamEndCapture(stream, &graph) == cudaSuccess, "the capture was broken");
  cudaGraphDestroy(graph);
  cudaStreamDestroy(stream);
}

}  // namespace

std::vector<Case> cublaslt_cases() {
  return {{"cublaslt asks rightly", asks_rightly},
          {"cublaslt heuristic has none", heuristic_has_none},
          {"cublaslt product refused", product_refused},
          {"cublaslt candidates", candidates}};
}

}  // namespace pal::test

#endif
