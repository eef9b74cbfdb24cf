/*
 * twin_test.cu - every function against its CPU twin: the CPU library, loaded from PALIMPSEST_CPU_LIBRARY, gets the same
 * arrays. Both compute in fp32, so they agree to rounding; which latents are selected, and their order, agree but for ties
 * that rounding makes. On the host alone, where both take ordinary memory; without the library it is left out.
 */
#include "training.h"

#if defined(__CUDACC__)

std::vector<pal::test::Case> pal::test::twin_cases() { return {}; }

#else

#include "palimpsest_table.h"

namespace pal::test {
namespace {

/* This library's own functions. */
pal_table ours() {
  pal_table table{};
#define PAL_OURS(name) table.name = &pal_##name;
  PAL_FUNCTIONS(PAL_OURS)
#undef PAL_OURS
  return table;
}

/* The five parameter arrays, their state and what a step computes; 64-byte aligned, in ordinary memory. */
class Host {
 public:
  Host(const TestCoder& coder, const TrainingShape& s, pal_optimizer optimizer)
      : shape_(s), encoder_(coder.encoder), encoder_bias_(coder.encoder_bias), decoder_(coder.decoder),
        decoder_bias_(coder.decoder_bias), skip_(coder.skip) {
    for (auto* state : {&first_, &second_}) {
      const bool start = optimizer == PAL_SIGNUM && state == &first_; /* signum's z starts at the parameters */
      for (const auto* array : {&encoder_, &encoder_bias_, &decoder_, &decoder_bias_, &skip_}) {
        state->push_back(start ? *array : std::vector<float>(array->size()));
      }
    }
  }

  void run(const pal_table& table, const std::vector<float>& x, const std::vector<float>& y, pal_activation activation,
           pal_optimizer optimizer, bool sae) {
    const TrainingShape& s = shape_;
    const pal_coder coder{s.width, s.latents, encoder_.data(), encoder_bias_.data(), decoder_.data(), decoder_bias_.data(),
                          s.skip ? skip_.data() : nullptr, s.centre ? 1 : 0, nullptr};
    values.assign(static_cast<size_t>(s.rows * s.k), -1.0f);
    indices.assign(values.size(), -1);
    y_hat.assign(x.size(), -1.0f);
    grad = y_hat;
    const auto ok = [&](pal_status status, const char* what) { expect(status == PAL_OK, "%s: %s", what, table.last_error()); };
    const auto space = [&](size_t bytes) {
      space_.resize(bytes + 256);
      return reinterpret_cast<void*>((reinterpret_cast<uintptr_t>(space_.data()) + 255) / 256 * 256);
    };
    size_t bytes = table.encode_workspace_bytes(s.width, s.latents, s.rows, s.k, activation);
    ok(table.encode(&coder, x.data(), s.rows, s.k, activation, values.data(), indices.data(), space(bytes), bytes, nullptr), "encode");
    bytes = table.decode_workspace_bytes(s.width, s.latents, s.rows, s.k);
    ok(table.decode(&coder, x.data(), s.rows, s.k, values.data(), indices.data(), y_hat.data(), space(bytes), bytes, nullptr), "decode");
    bytes = table.fvu_workspace_bytes(s.width, s.rows);
    ok(table.fvu(y_hat.data(), y.data(), s.rows, s.width, grad.data(), sums, space(bytes), bytes, nullptr), "fvu");
    const pal_optimizer_state state{view(first_), optimizer == PAL_SIGNUM ? pal_gradients{} : view(second_)};
    bytes = table.step_workspace_bytes(s.width, s.latents, s.rows, s.k);
    for (int64_t t = 1; t <= 2; ++t) {
      const pal_hyper hyper{optimizer, 1e-3f, optimizer == PAL_ADAM ? 0.9f : 0.95f, 0.999f, 1e-8f, t};
      ok(table.step(&coder, &state, x.data(), grad.data(), s.rows, s.k, values.data(), indices.data(), &hyper, sae, sae,
                        space(bytes), bytes, nullptr),
         "step");
    }
  }

  std::vector<float> values, y_hat, grad;
  std::vector<int32_t> indices;
  double sums[2] = {};
  const std::vector<float>& encoder() const { return encoder_; }
  const std::vector<float>& encoder_bias() const { return encoder_bias_; }
  const std::vector<float>& decoder() const { return decoder_; }
  const std::vector<float>& decoder_bias() const { return decoder_bias_; }
  const std::vector<float>& skip() const { return skip_; }

 private:
  pal_gradients view(std::vector<std::vector<float>>& state) const {
    return {state[0].data(), state[1].data(), state[2].data(), state[3].data(), shape_.skip ? state[4].data() : nullptr};
  }

  TrainingShape shape_;
  std::vector<float> encoder_, encoder_bias_, decoder_, decoder_bias_, skip_;
  std::vector<std::vector<float>> first_, second_;
  std::vector<unsigned char> space_;
};

void compare(const std::vector<float>& found, const std::vector<float>& wanted, const char* what) {
  double largest = 1e-30;
  for (const float value : wanted) largest = std::max(largest, std::fabs(double{value}));
  for (size_t i = 0; i < wanted.size(); ++i) expect_close(found[i], wanted[i], 0.0, 3e-6 * largest, what, long(i));
}

void missing_library() {
  pal_table table;
  char why[512] = "";
  expect(pal_table_open(&table, "/nowhere/libpalimpsest_cuda.so", why, sizeof(why)) == PAL_UNSUPPORTED, "opened a missing library");
  expect(std::strstr(why, "/nowhere/libpalimpsest_cuda.so") != nullptr, "message '%s'", why);
}

void same_as_cpu() {
  pal_table cpu;
  char why[512] = "";
  const pal_status opened = pal_table_open(&cpu, std::getenv("PALIMPSEST_CPU_LIBRARY"), why, sizeof(why));
  expect(opened == PAL_OK, "%s", why);
  if (opened != PAL_OK) return;
  Random random(101);
  for (int i = 0; i < 16; ++i) {
    const int64_t k = random.integer(1, 10);
    const TrainingShape s{random.integer(1, 60), random.integer(2, 70), k * random.integer(1, 40), k, i % 2 == 0, i % 3 == 0, false};
    const TestCoder coder({s.width, s.latents, s.skip, s.centre, false}, random);
    const auto x = normal_floats(random, s.rows * s.width), y = normal_floats(random, s.rows * s.width);
    const pal_optimizer optimizer = i % 4 < 2 ? PAL_ADAM : PAL_SIGNUM;
    Host found(coder, s, optimizer), wanted(coder, s, optimizer);
    found.run(ours(), x, y, i % 5 < 3 ? PAL_TOPK : PAL_GROUPMAX, optimizer, i % 8 < 4);
    wanted.run(cpu, x, y, i % 5 < 3 ? PAL_TOPK : PAL_GROUPMAX, optimizer, i % 8 < 4);
    expect(found.indices == wanted.indices, "shape %d: other latents than the CPU library selects", i);
    compare(found.values, wanted.values, "values");
    compare(found.y_hat, wanted.y_hat, "y_hat");
    compare(found.grad, wanted.grad, "grad");
    expect_close(found.sums[0], wanted.sums[0], 1e-5, 0.0, "sums", 0);
    expect_close(found.sums[1], wanted.sums[1], 1e-9, 0.0, "sums", 1);
    compare(found.encoder(), wanted.encoder(), "encoder");
    compare(found.encoder_bias(), wanted.encoder_bias(), "encoder_bias");
    compare(found.decoder(), wanted.decoder(), "decoder");
    compare(found.decoder_bias(), wanted.decoder_bias(), "decoder_bias");
    compare(found.skip(), wanted.skip(), "skip");
  }
}

}  // namespace

std::vector<Case> twin_cases() {
  if (std::getenv("PALIMPSEST_CPU_LIBRARY") == nullptr) return {{"twin missing library", missing_library}};
  return {{"twin missing library", missing_library}, {"twin same as cpu", same_as_cpu}};
}

}  // namespace pal::test

#endif
