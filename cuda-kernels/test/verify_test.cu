/* verify_test.cu - what the bench verifies of itself (bench/verify.h) holds, and is told where it does not. */
#include "../bench/verify.h"

#include "palimpsest_cuda.h"
#include "training.h"

namespace pal::test {
namespace {

void finds_what_is_wrong() {
  Random random(131);
  const int64_t rows = 200, k = 7;
  for (const bool bf16 : {false, true}) {
    const CoderShape shape{40, 150, false, true, bf16};
    const TestCoder coder(shape, random);
    const Array<float> x(normal_floats(random, rows * shape.width)), y(normal_floats(random, rows * shape.width));
    Array<float> values(rows * k), grad(rows * shape.width);
    Array<int32_t> indices(rows * k);
    Array<double> sums(2);
    GradientArrays gradients(shape);
    const pal_gradients view = gradients.view(shape);
    const auto size = [](size_t bytes) { return static_cast<int64_t>(bytes); };
    const Workspace encode_space(size(pal_encode_workspace_bytes(shape.width, shape.latents, rows, k, PAL_TOPK)));
    const Workspace loss_space(size(pal_cuda_decode_loss_workspace_bytes(shape.width, shape.latents, rows, k)));
    const Workspace backward_space(size(pal_backward_workspace_bytes(shape.width, shape.latents, rows, k)));
    PAL_OK_OR_FAULT(pal_encode(&coder.coder, x.get(), rows, k, PAL_TOPK, values.get(), indices.get(), encode_space.get(), encode_space.bytes(), nullptr));
    PAL_OK_OR_FAULT(pal_cuda_decode_loss(&coder.coder, x.get(), y.get(), rows, k, values.get(), indices.get(), grad.get(), sums.get(),
                                         loss_space.get(), loss_space.bytes(), nullptr));
    PAL_OK_OR_FAULT(pal_backward(&coder.coder, x.get(), grad.get(), rows, k, values.get(), indices.get(), &view, 0, backward_space.get(),
                                 backward_space.bytes(), nullptr));
    const bench::Made made{&coder.coder, x.get(), y.get(), rows, k, values.get(), indices.get(), grad.get(), sums.get(), &view};
    const auto problem = [&] { return bench::problem_of(made); };
    expect(problem().empty(), "nothing is wrong, but: %s", problem().c_str());

    /* One number changed at a time, in the batch's last row and in the latent that is hit most. */
    const auto told = [&](const char* of) { expect(problem().find(of) != std::string::npos, "not told of '%s': '%s'", of, problem().c_str()); };
    const auto old_values = values.download();
    const auto old_indices = indices.download();
    const auto old_grad = grad.download();
    const auto at = static_cast<size_t>((rows - 1) * k);
    auto changed = old_values;
    changed[at] *= 1.02f;
    values.upload(changed);
    told("expected");
    values.upload(old_values);
    auto other = old_indices;
    std::swap(other[at], other[at + 1]);
    indices.upload(other);
    told("expected");
    other = old_indices;
    other[at] = other[at + 1];
    indices.upload(other);
    told("row 199");
    indices.upload(old_indices);
    changed = old_values; /* the largest is taken out, the others move up */
    other = old_indices;
    std::copy(old_values.begin() + static_cast<long>(at) + 1, old_values.end(), changed.begin() + static_cast<long>(at));
    std::copy(old_indices.begin() + static_cast<long>(at) + 1, old_indices.end(), other.begin() + static_cast<long>(at));
    changed.back() = 0.0f;
    values.upload(changed);
    indices.upload(other);
    told("left out");
    values.upload(old_values);
    indices.upload(old_indices);
    changed = old_grad;
    changed.back() += 1e-3f * std::fabs(changed.back());
    grad.upload(changed);
    told("grad at");
    grad.upload(old_grad);
    auto encoder = gradients.encoder.download();
    for (float& one : encoder) one *= 1.001f;
    gradients.encoder.upload(encoder);
    told("the encoder's gradient");
  }
}

}  // namespace

std::vector<Case> verify_cases() { return {{"verify finds what is wrong", finds_what_is_wrong}}; }

}  // namespace pal::test
