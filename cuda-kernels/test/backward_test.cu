/* backward_test.cu - pal_backward against the reference, overwriting and accumulating. */
#include "training.h"

namespace pal::test {
namespace {

void compare(const Array<float>& found_array, const std::vector<double>& wanted, const std::vector<float>& before, double scale,
             const char* what) {
  const auto found = found_array.download();
  expect(found.size() == wanted.size(), "%s: %zu elements, expected %zu", what, found.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double expected = wanted[i] + (before.empty() ? 0.0 : before[i]);
    expect_close(found[i], expected, 1e-5, scale, what, long(i));
  }
}

void against_reference() {
  Random random(51);
  for (const TrainingShape& s : kTrainingShapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder({s.width, s.latents, s.skip, s.centre, bf16}, random);
      const TestBatch batch(s, random);
      const Gradients wanted = reference_backward(coder, batch.host_x, batch.host_grad, batch.sparse, s.rows, s.k);
      GradientArrays gradients(coder.shape);
      gradients.fill(coder.shape, random, 1.0, false);
      const auto old_encoder = gradients.encoder.download(), old_encoder_bias = gradients.encoder_bias.download();
      const auto old_decoder = gradients.decoder.download(), old_decoder_bias = gradients.decoder_bias.download();
      const auto old_skip = gradients.skip.download();
      const size_t bytes = pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k);
      Workspace workspace(static_cast<int64_t>(bytes));
      const pal_gradients view = gradients.view(coder.shape);
      /* Sums of up to `rows` terms of size 1, in fp32. tf32 for the skip matrix of a coder with operands. */
      const double scale = 2e-6 * (10.0 + static_cast<double>(s.rows));
      const double skip_scale = bf16 ? 5e-3 * std::sqrt(10.0 + static_cast<double>(s.rows)) : scale;
      for (const int accumulate : {1, 0}) {
        workspace.poison();
        PAL_OK_OR_FAULT(pal_backward(&coder.coder, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(),
                                     batch.indices.get(), &view, accumulate, workspace.get(), bytes, nullptr));
        const std::vector<float> none;
        compare(gradients.encoder, wanted.encoder, accumulate ? old_encoder : none, scale, "encoder");
        compare(gradients.encoder_bias, wanted.encoder_bias, accumulate ? old_encoder_bias : none, scale, "encoder_bias");
        compare(gradients.decoder, wanted.decoder, accumulate ? old_decoder : none, scale, "decoder");
        compare(gradients.decoder_bias, wanted.decoder_bias, accumulate ? old_decoder_bias : none, scale, "decoder_bias");
        if (s.skip) compare(gradients.skip, wanted.skip, accumulate ? old_skip : none, skip_scale, "skip");
      }
    }
  }
}

void repeatable() {
  Random random(52);
  const TrainingShape s{620, 12, 20, 4, true, true, true};
  const TestCoder coder({s.width, s.latents, s.skip, s.centre, true}, random);
  const TestBatch batch(s, random);
  const GradientArrays gradients(coder.shape);
  const size_t bytes = pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k);
  Workspace workspace(static_cast<int64_t>(bytes));
  const pal_gradients view = gradients.view(coder.shape);
  expect_repeatable("pal_backward", [&] {
    workspace.poison();
    PAL_OK_OR_FAULT(pal_backward(&coder.coder, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(),
                                 batch.indices.get(), &view, 0, workspace.get(), bytes, nullptr));
    std::vector<unsigned char> all;
    gradients.append(all);
    return all;
  });
}

}  // namespace

std::vector<Case> backward_cases() {
  return {{"backward against reference", against_reference}, {"backward repeatable", repeatable}};
}

}  // namespace pal::test
