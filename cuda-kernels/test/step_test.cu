/*
 * step_test.cu - pal_step gives the same bits as the functions it replaces, one after the other, and as itself again;
 * and a coder trained with it from the reference's own problem gets better.
 */
#include "operands.h"
#include "palimpsest_cuda.h"
#include "training.h"

namespace pal::test {
namespace {

/* Weights and state of one coder, so that the two ways start from the same numbers. */
struct Trained {
  TestCoder coder;
  GradientArrays first, second;

  Trained(const CoderShape& shape, uint64_t seed) : coder(make(shape, seed)), first(shape), second(shape) {
    Random random(seed + 1);
    first.fill(shape, random, 0.01, false);
    second.fill(shape, random, 0.01, true);
  }
  static TestCoder make(const CoderShape& shape, uint64_t seed) {
    Random random(seed);
    return TestCoder(shape, random);
  }
  pal_optimizer_state state(pal_optimizer optimizer) const {
    return {first.view(coder.shape), optimizer == PAL_SIGNUM ? pal_gradients{} : second.view(coder.shape)};
  }
  std::vector<unsigned char> bytes() const {
    std::vector<unsigned char> all;
    for (const auto* array : {coder.device_encoder.get(), coder.device_encoder_bias.get(), coder.device_decoder.get(),
                              coder.device_decoder_bias.get(), coder.device_skip.get()}) {
      if (array != nullptr) append_bytes(all, array->download());
    }
    if (coder.operands != nullptr) append_bytes(all, used_operands());
    first.append(all);
    second.append(all);
    return all;
  }

 private:
  /* Without the padding between the arrays, which nobody writes. */
  std::vector<unsigned char> used_operands() const {
    const auto all = coder.operands->download();
    const Operands operands(coder.coder);
    const auto* begin = coder.operands->get();
    std::vector<unsigned char> used;
    const auto append = [&](const bf16* array, int64_t elements) {
      const auto first = all.begin() + (reinterpret_cast<const unsigned char*>(array) - begin);
      used.insert(used.end(), first, first + 2 * elements);
    };
    append(operands.encoder, coder.shape.latents * operands.stride);
    append(operands.decoder, coder.shape.latents * operands.stride);
    append(operands.encoder_bias, coder.shape.latents);
    return used;
  }
};

void fused(const Trained& t, const TestBatch& batch, const TrainingShape& s, const pal_hyper& hyper, bool unit, bool normalize) {
  const size_t bytes = pal_step_workspace_bytes(s.width, s.latents, s.rows, s.k);
  const Workspace workspace(static_cast<int64_t>(bytes));
  const pal_optimizer_state state = t.state(hyper.optimizer);
  PAL_OK_OR_FAULT(pal_step(&t.coder.coder, &state, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(),
                           batch.indices.get(), &hyper, unit, normalize, workspace.get(), bytes, nullptr));
}

void unfused(const Trained& t, const TestBatch& batch, const TrainingShape& s, const pal_hyper& hyper, bool unit, bool normalize) {
  const size_t bytes = pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k);
  const Workspace workspace(static_cast<int64_t>(bytes));
  const GradientArrays gradients(t.coder.shape);
  const pal_gradients g = gradients.view(t.coder.shape);
  const pal_coder& c = t.coder.coder;
  PAL_OK_OR_FAULT(pal_backward(&c, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(), batch.indices.get(), &g, 0,
                               workspace.get(), bytes, nullptr));
  if (unit) PAL_OK_OR_FAULT(pal_remove_parallel(c.decoder, g.decoder, s.latents, s.width, nullptr));
  const pal_optimizer_state state = t.state(hyper.optimizer);
  const auto update = [&](float* p, float* gradient, float* first, float* second, int64_t n) {
    PAL_OK_OR_FAULT(pal_update(p, gradient, first, second, n, &hyper, nullptr));
  };
  update(c.encoder, g.encoder, state.first.encoder, state.second.encoder, s.latents * s.width);
  update(c.encoder_bias, g.encoder_bias, state.first.encoder_bias, state.second.encoder_bias, s.latents);
  update(c.decoder, g.decoder, state.first.decoder, state.second.decoder, s.latents * s.width);
  update(c.decoder_bias, g.decoder_bias, state.first.decoder_bias, state.second.decoder_bias, s.width);
  if (s.skip) update(c.skip, g.skip, state.first.skip, state.second.skip, s.width * s.width);
  if (normalize) PAL_OK_OR_FAULT(pal_normalize_rows(c.decoder, s.latents, s.width, nullptr));
  PAL_OK_OR_FAULT(pal_refresh_operands(&c, nullptr));
}

void same_bits_as_unfused() {
  uint64_t seed = 70;
  for (const TrainingShape& s : kTrainingShapes) {
    const bool large = s.rows > 500 || s.width > 5000; /* the slow ones under emulation: every option still, not every pair of them */
    for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) {
      for (const bool bf16 : {false, true}) {
        for (const bool sae : {false, true}) {
          if (large && ((optimizer == PAL_ADAM) != bf16 || sae != s.centre)) continue;
          seed += 10;
          Random random(seed);
          const CoderShape shape{s.width, s.latents, s.skip, s.centre, bf16};
          const Trained one(shape, seed), other(shape, seed);
          expect(one.bytes() == other.bytes(), "the two start alike");
          const pal_hyper hyper{optimizer, 1e-3f, optimizer == PAL_ADAM ? 0.9f : 0.95f, 0.999f, 1e-8f, 3};
          for (int step = 0; step < (large ? 1 : 2); ++step) {
            const TestBatch batch(s, random);
            fused(one, batch, s, hyper, sae, sae);
            unfused(other, batch, s, hyper, sae, sae);
          }
          expect(one.bytes() == other.bytes(), "other bits than unfused: [%ld, %ld] x %ld, k %ld, optimizer %d%s%s", long(s.rows),
                 long(s.width), long(s.latents), long(s.k), optimizer, bf16 ? ", bf16" : "", sae ? ", unit norm" : "");
        }
      }
    }
  }
}

/* pal_cuda_step, its constants written to device memory before each step: the bits of pal_step. */
void from_device_memory() {
  const TrainingShape s{30, 12, 40, 6, true, true, true};
  for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) {
    Random random(95);
    const CoderShape shape{s.width, s.latents, s.skip, s.centre, true};
    const Trained one(shape, 96), other(shape, 96);
    const Workspace device_hyper(static_cast<int64_t>(pal_cuda_hyper_bytes()));
    const Workspace workspace(static_cast<int64_t>(pal_step_workspace_bytes(s.width, s.latents, s.rows, s.k)));
    const pal_optimizer_state state = other.state(optimizer);
    for (int64_t t = 1; t <= 4; ++t) {
      const TestBatch batch(s, random);
      const pal_hyper hyper{optimizer, 1e-3f / static_cast<float>(t), optimizer == PAL_ADAM ? 0.9f : 0.95f, 0.999f, 1e-8f, t};
      fused(one, batch, s, hyper, true, true);
      PAL_OK_OR_FAULT(pal_cuda_write_hyper(&hyper, device_hyper.get(), nullptr));
      PAL_OK_OR_FAULT(pal_cuda_step(&other.coder.coder, &state, batch.x.get(), batch.grad.get(), s.rows, s.k, batch.values.get(),
                                    batch.indices.get(), device_hyper.get(), optimizer, 1, 1, workspace.get(), workspace.bytes(),
                                    nullptr));
    }
    expect(one.bytes() == other.bytes(), "other bits than pal_step, optimizer %d", optimizer);
  }
  expect(pal_cuda_write_hyper(nullptr, nullptr, nullptr) == PAL_INVALID_ARGUMENT, "no hyper");
}

void repeatable() {
  const TrainingShape s{620, 12, 20, 4, true, true, true};
  expect_repeatable("pal_step", [&] {
    Random random(81);
    const Trained trained({s.width, s.latents, s.skip, s.centre, true}, 80);
    const TestBatch batch(s, random);
    fused(trained, batch, s, {PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1}, true, true);
    return trained.bytes();
  });
}

/* Encode, decode, loss and step together: the FVU of a fixed batch falls. */
void learns() {
  Random random(90);
  const int64_t rows = 32, d = 16, m = 96, k = 8;
  for (const bool bf16 : {false, true}) {
    const CoderShape shape{d, m, true, false, bf16};
    const Trained trained(shape, 91);
    for (const GradientArrays* arrays : {&trained.first, &trained.second}) {
      for (const auto* array : {&arrays->encoder, &arrays->encoder_bias, &arrays->decoder, &arrays->decoder_bias, &arrays->skip}) {
        cudaMemset(array->get(), 0, array->bytes());
      }
    }
    const Array<float> x(normal_floats(random, rows * d)), y(normal_floats(random, rows * d));
    const Array<float> values(rows * k), y_hat(rows * d);
    const Array<int32_t> indices(rows * k);
    const Array<double> sums(2);
    const auto space = [](size_t bytes) { return static_cast<int64_t>(bytes); };
    const Workspace encode_space(space(pal_encode_workspace_bytes(d, m, rows, k, PAL_TOPK)));
    const Workspace decode_space(space(pal_decode_workspace_bytes(d, m, rows, k)));
    const Workspace fvu_space(space(pal_fvu_workspace_bytes(d, rows)));
    const Workspace step_space(space(pal_step_workspace_bytes(d, m, rows, k)));
    const pal_coder& c = trained.coder.coder;
    const pal_optimizer_state state = trained.state(PAL_ADAM);
    double first = 0.0, last = 0.0;
    for (int64_t t = 1; t <= 8; ++t) {
      const pal_hyper hyper{PAL_ADAM, 1e-2f, 0.9f, 0.999f, 1e-8f, t};
      PAL_OK_OR_FAULT(pal_encode(&c, x.get(), rows, k, PAL_TOPK, values.get(), indices.get(), encode_space.get(),
                                 encode_space.bytes(), nullptr));
      PAL_OK_OR_FAULT(pal_decode(&c, x.get(), rows, k, values.get(), indices.get(), y_hat.get(), decode_space.get(),
                                 decode_space.bytes(), nullptr));
      PAL_OK_OR_FAULT(pal_fvu(y_hat.get(), y.get(), rows, d, y_hat.get(), sums.get(), fvu_space.get(), fvu_space.bytes(), nullptr));
      PAL_OK_OR_FAULT(pal_step(&c, &state, x.get(), y_hat.get(), rows, k, values.get(), indices.get(), &hyper, 0, 0,
                               step_space.get(), step_space.bytes(), nullptr));
      const auto s = sums.download();
      last = s[0] / s[1];
      if (t == 1) first = last;
    }
    expect(last < 0.8 * first, "FVU %.4f after 8 steps, %.4f before", last, first);
  }
}

/* Numbers that bf16 holds exactly. */
std::vector<float> rounded(std::vector<float> values) {
  for (float& value : values) value = static_cast<float>(rounded_to_bf16(value));
  return values;
}

/*
 * Hits summed over bf16 copies of x - c and grad: the bits of the plain step where these are bf16 already, and close to it where not;
 * the fused step has the bits of the unfused functions. Latents of few hits and of many, widths that are padded and not.
 */
void of_bf16_rows() {
  const TrainingShape shapes[] = {{40, 12, 9, 9, false, true, true}, {650, 64, 40, 5, true, false, true}, {30, 20, 50, 6, true, true, false},
                                  {12, 7, 20, 3, false, false, false} /* not in vectors: as ever */};
  for (const TrainingShape& s : shapes) {
    for (const bool exact : {true, false}) {
      if (exact && s.centre) continue; /* x - c is rounded once more */
      const CoderShape shape{s.width, s.latents, s.skip, s.centre, true};
      const Trained plain(shape, 55), one(shape, 55), other(shape, 55);
      Random random(56);
      TestBatch batch(s, random);
      if (exact) {
        batch.x.upload(rounded(batch.host_x));
        batch.grad.upload(rounded(batch.host_grad));
      }
      const pal_hyper hyper{PAL_SIGNUM, 1e-3f, 0.95f, 0.0f, 0.0f, 1};
      const pal_hyper adam{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
      fused(plain, batch, s, exact ? hyper : adam, s.centre, s.centre);
      PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(1));
      fused(one, batch, s, exact ? hyper : adam, s.centre, s.centre);
      unfused(other, batch, s, exact ? hyper : adam, s.centre, s.centre);
      PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(0));
      expect(one.bytes() == other.bytes(), "other bits than unfused, width %ld", long(s.width));
      if (exact || s.width % 4 != 0) {
        expect(one.bytes() == plain.bytes(), "other bits than of floats, width %ld", long(s.width));
        continue;
      }
      expect(one.bytes() != plain.bytes(), "the copies are not read, width %ld", long(s.width));
      const auto wanted = plain.first.encoder.download(), found = one.first.encoder.download();
      double error = 0.0, size = 0.0;
      for (size_t i = 0; i < wanted.size(); ++i) {
        error += (found[i] - wanted[i]) * (found[i] - wanted[i]);
        size += wanted[i] * wanted[i];
      }
      expect(error < 1e-5 * size, "moments differ by %g of their size, width %ld", std::sqrt(error / size), long(s.width));
    }
  }
  expect(pal_cuda_set_bf16_rows(2) == PAL_INVALID_ARGUMENT, "neither on nor off");
}

}  // namespace

std::vector<Case> step_cases() {
  return {{"step same bits as unfused", same_bits_as_unfused},
          {"step from device memory", from_device_memory},
          {"step of bf16 rows", of_bf16_rows},
          {"step repeatable", repeatable},
          {"step learns", learns}};
}

}  // namespace pal::test
