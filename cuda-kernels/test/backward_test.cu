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

/* Latents of as many hits as a piece has, and of one more and one fewer. */
void whole_pieces() {
  Random random(54);
  const TrainingShape s{1300, 4, 3, 1, false, true, false};
  const TestCoder coder({s.width, s.latents, s.skip, s.centre, false}, random);
  for (const int64_t most : {511, 512, 513}) {
    TestBatch batch(s, random);
    for (int64_t r = 0; r < s.rows; ++r) {
      batch.sparse.values[static_cast<size_t>(r)] = 1.0f + static_cast<float>(r % 3);
      batch.sparse.indices[static_cast<size_t>(r)] = static_cast<int32_t>(r / most);
    }
    batch.values.upload(batch.sparse.values);
    batch.indices.upload(batch.sparse.indices);
    const Gradients wanted = reference_backward(coder, batch.host_x, batch.host_grad, batch.sparse, s.rows, s.k);
    const GradientArrays gradients(coder.shape);
    const Workspace workspace(static_cast<int64_t>(pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k)));
    const pal_gradients view = gradients.view(coder.shape);
    PAL_OK_OR_FAULT(pal_backward(&coder.coder, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(), batch.indices.get(), &view,
                                 0, workspace.get(), workspace.bytes(), nullptr));
    compare(gradients.encoder, wanted.encoder, {}, 3e-3, "encoder");
    compare(gradients.decoder, wanted.decoder, {}, 3e-3, "decoder");
  }
}

/* A slot of an index outside [0, M) is as one of value 0. */
void outside() {
  Random random(53);
  const TrainingShape s{30, 20, 9, 4, false, true, false};
  for (const bool bf16 : {false, true}) {
    const TestCoder coder({s.width, s.latents, s.skip, s.centre, bf16}, random);
    TestBatch batch(s, random);
    const GradientArrays gradients(coder.shape);
    const Workspace workspace(static_cast<int64_t>(pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k)));
    const pal_gradients view = gradients.view(coder.shape);
    const auto bits = [&] {
      batch.values.upload(batch.sparse.values);
      batch.indices.upload(batch.sparse.indices);
      PAL_OK_OR_FAULT(pal_backward(&coder.coder, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(), batch.indices.get(),
                                   &view, 0, workspace.get(), workspace.bytes(), nullptr));
      std::vector<unsigned char> all;
      gradients.append(all);
      return all;
    };
    const size_t slots[] = {0, 7, 50, 119};
    const int32_t elsewhere[] = {9, -1, 1 << 30, 10};
    for (const size_t slot : slots) batch.sparse.values[slot] = 0.0f;
    const auto wanted = bits();
    for (size_t i = 0; i < 4; ++i) {
      batch.sparse.values[slots[i]] = 1.0f;
      batch.sparse.indices[slots[i]] = elsewhere[i];
    }
    expect(bits() == wanted, "a latent that is none counts");
  }
}

}  // namespace

std::vector<Case> backward_cases() {
  return {{"backward against reference", against_reference}, {"backward repeatable", repeatable}, {"backward whole pieces", whole_pieces}, {"backward slots outside", outside}};
}

}  // namespace pal::test
