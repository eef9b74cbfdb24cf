/* decode_test.cu - pal_decode, pal_cuda_decode_loss and pal_count_firings against the reference. */
#include <cmath>
#include <limits>

#include "palimpsest_cuda.h"
#include "reference.h"

namespace pal::test {
namespace {

struct DecodeShape {
  int64_t rows, width, latents, k;
  bool skip;
};
constexpr DecodeShape kShapes[] = {{1, 1, 1, 1, false},      {3, 5, 7, 1, true},     {4, 5, 7, 7, false},
                                   {6, 24, 50, 9, true},     {2, 768, 40, 32, false}, {3, 1100, 60, 20, true},
                                   {2, 2056, 300, 150, false}, {5, 63, 64, 33, true}};

std::vector<float> decode(const TestCoder& coder, const std::vector<float>& x, const Sparse& sparse, int64_t rows, int64_t k) {
  const int64_t d = coder.shape.width;
  const Array<float> device_x(x), values(sparse.values);
  const Array<int32_t> indices(sparse.indices);
  const size_t bytes = pal_decode_workspace_bytes(d, coder.shape.latents, rows, k);
  const Workspace workspace(static_cast<int64_t>(bytes));
  std::vector<float> result;
  expect_repeatable("pal_decode", [&] {
    const Array<float> out(rows * d);
    PAL_OK_OR_FAULT(pal_decode(&coder.coder, device_x.get(), rows, k, values.get(), indices.get(), out.get(), workspace.get(),
                               bytes, nullptr));
    result = out.download();
    std::vector<unsigned char> all;
    append_bytes(all, result);
    return all;
  });
  return result;
}

void against_reference() {
  Random random(21);
  for (const DecodeShape& s : kShapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder({s.width, s.latents, s.skip, false, bf16}, random);
      const auto x = normal_floats(random, s.rows * s.width);
      const Sparse sparse = random_sparse(random, s.rows, s.k, s.latents, false);
      const auto found = decode(coder, x, sparse, s.rows, s.k);
      const auto wanted = reference_decode(coder, x, sparse, s.rows, s.k);
      /* The skip product of a coder with operands is tf32: 11 bits of its inputs. */
      const double absolute = bf16 && s.skip ? 5e-3 : 2e-5;
      for (size_t i = 0; i < found.size(); ++i) expect_close(found[i], wanted[i], 1e-5, absolute, "out", long(i));
    }
  }
}

/* A slot of value 0 touches nothing, even where the weights are not numbers; an index outside the decoder reads nothing. */
void skipped_slots() {
  Random random(22);
  for (const bool bf16 : {false, true}) {
    TestCoder coder({12, 6, false, false, bf16}, random);
    for (int c = 0; c < 12; ++c) coder.decoder[c] = std::numeric_limits<float>::quiet_NaN();
    coder.upload();
    const Sparse sparse{{1.0f, 0.0f, 2.0f, 0.0f, 3.0f}, {2, 0, 5, 0, 3}};
    const auto found = decode(coder, std::vector<float>(12), sparse, 1, 5);
    const auto wanted = reference_decode(coder, std::vector<float>(12), sparse, 1, 5);
    for (size_t i = 0; i < found.size(); ++i) expect_close(found[i], wanted[i], 1e-5, 1e-6, "out", long(i));
    const auto outside = decode(coder, std::vector<float>(12), {{1.0f, 1.0f}, {6, -1}}, 1, 2);
    for (size_t i = 0; i < outside.size(); ++i) expect(outside[i] == coder.decoder_bias[i], "column %zu: %g", i, outside[i]);
  }
}

void fused_loss() {
  Random random(23);
  for (const DecodeShape& s : kShapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder({s.width, s.latents, s.skip, false, bf16}, random);
      const auto x = normal_floats(random, s.rows * s.width);
      const Array<float> device_x(x), y(normal_floats(random, s.rows * s.width));
      const Sparse sparse = random_sparse(random, s.rows, s.k, s.latents, false);
      const Array<float> values(sparse.values), out(s.rows * s.width), grad(s.rows * s.width);
      const Array<int32_t> indices(sparse.indices);
      const Array<double> sums(2), fused_sums(2);
      const auto size = [](size_t bytes) { return static_cast<int64_t>(bytes); };
      const Workspace decode_space(size(pal_decode_workspace_bytes(s.width, s.latents, s.rows, s.k)));
      const Workspace fvu_space(size(pal_fvu_workspace_bytes(s.width, s.rows)));
      const Workspace fused_space(size(pal_cuda_decode_loss_workspace_bytes(s.width, s.latents, s.rows, s.k)));
      PAL_OK_OR_FAULT(pal_decode(&coder.coder, device_x.get(), s.rows, s.k, values.get(), indices.get(), out.get(),
                                 decode_space.get(), decode_space.bytes(), nullptr));
      PAL_OK_OR_FAULT(pal_fvu(out.get(), y.get(), s.rows, s.width, out.get(), sums.get(), fvu_space.get(), fvu_space.bytes(),
                              nullptr));
      PAL_OK_OR_FAULT(pal_cuda_decode_loss(&coder.coder, device_x.get(), y.get(), s.rows, s.k, values.get(), indices.get(),
                                           grad.get(), fused_sums.get(), fused_space.get(), fused_space.bytes(), nullptr));
      expect(out.download() == grad.download(), "other gradient bits than pal_decode and pal_fvu, width %ld", long(s.width));
      const auto wanted = sums.download(), found = fused_sums.download();
      expect(found[1] == wanted[1], "sums[1] %.17g, expected %.17g", found[1], wanted[1]);
      expect_close(found[0], wanted[0], 1e-12, 0.0, "sums", 0);
    }
  }
}

void firings() {
  Random random(24);
  const int64_t rows = 700, k = 5, latents = 37;
  Sparse sparse = random_sparse(random, rows, k, latents, true);
  sparse.values[3] = -1.0f;
  sparse.values[9] = std::numeric_limits<float>::quiet_NaN();
  std::vector<int64_t> wanted(static_cast<size_t>(latents), 5);
  for (size_t i = 0; i < sparse.values.size(); ++i) {
    if (sparse.values[i] > 0.0f && i != 11 && i != 12) ++wanted[static_cast<size_t>(sparse.indices[i])];
  }
  sparse.indices[11] = static_cast<int32_t>(latents); /* of no latent */
  sparse.indices[12] = -1;
  sparse.values[11] = sparse.values[12] = 1.0f;
  const Array<float> values(sparse.values);
  const Array<int32_t> indices(sparse.indices);
  const Array<int64_t> counts(std::vector<int64_t>(static_cast<size_t>(latents), 5));
  PAL_OK_OR_FAULT(pal_count_firings(values.get(), indices.get(), rows, k, latents, counts.get(), nullptr));
  expect(counts.download() == wanted, "counts differ");
  PAL_OK_OR_FAULT(pal_count_firings(nullptr, nullptr, 0, k, latents, counts.get(), nullptr));
}

}  // namespace

std::vector<Case> decode_cases() {
  return {{"decode against reference", against_reference},
          {"decode skipped slots", skipped_slots},
          {"decode fused loss", fused_loss},
          {"firings", firings}};
}

}  // namespace pal::test
