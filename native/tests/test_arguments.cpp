// What the library says to wrong arguments: a status, and a message that names function and argument.
#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

void check_refused(pal_status status, const std::string& message) {
  test::context = message;
  CHECK(status == PAL_INVALID_ARGUMENT);
  if (message != pal_last_error()) test::fault(__FILE__, __LINE__, std::string("said: ") + pal_last_error());
}

} // namespace

int main() {
  std::mt19937_64 random(3);
  Coder coder = random_coder(random, 4, 6, true, false);
  pal_coder view = coder.view();
  const Floats x(8, 1.0f);
  Floats values(4);
  Ints indices(4);
  const Scratch scratch(pal_encode_workspace_bytes(4, 6, 2, 2, PAL_TOPK));
  const auto encode = [&](int64_t rows, int64_t k, pal_activation activation, void* workspace, size_t bytes) {
    return pal_encode(&view, x.data(), rows, k, activation, values.data(), indices.data(), workspace, bytes, nullptr);
  };

  CHECK(pal_abi_version() == PAL_ABI_VERSION);
  CHECK(std::string(pal_describe()).rfind("cpu ", 0) == 0);
  CHECK_OK(encode(2, 2, PAL_TOPK, scratch.get(), scratch.bytes()));
  check_refused(encode(2, 7, PAL_TOPK, scratch.get(), scratch.bytes()), "pal_encode: k is 7, expected 1 to 6");
  check_refused(encode(-1, 2, PAL_TOPK, scratch.get(), scratch.bytes()),
                "pal_encode: rows is -1, expected 0 to 2147483647");
  check_refused(encode(2, 4, PAL_GROUPMAX, scratch.get(), scratch.bytes()),
                "pal_encode: 6 latents do not divide into k = 4 groups");
  check_refused(encode(2, 2, 9, scratch.get(), scratch.bytes()), "pal_encode: activation is 9, expected 0 to 1");
  check_refused(encode(2, 2, PAL_TOPK, nullptr, 0), "pal_encode: workspace is NULL");
  check_refused(encode(2, 2, PAL_TOPK, static_cast<char*>(scratch.get()) + 4, scratch.bytes() - 4),
                "pal_encode: workspace is not aligned to 64 bytes");
  CHECK(encode(2, 2, PAL_TOPK, scratch.get(), 64) == PAL_INVALID_ARGUMENT);
  check_refused(pal_encode(nullptr, x.data(), 2, 2, PAL_TOPK, values.data(), indices.data(), scratch.get(),
                           scratch.bytes(), nullptr),
                "pal_encode: coder is NULL");
  view.encoder = nullptr;
  check_refused(encode(2, 2, PAL_TOPK, scratch.get(), scratch.bytes()), "pal_encode: coder.encoder is NULL");
  view = coder.view();

  indices = {0, 1, 6, 0};
  Floats out(8);
  check_refused(pal_decode(&view, x.data(), 2, 2, values.data(), indices.data(), out.data(), scratch.get(),
                           scratch.bytes(), nullptr),
                "pal_decode: indices[1, 0] is 6, expected 0 to 5");
  std::vector<int64_t> counts(6);
  check_refused(pal_count_firings(values.data(), indices.data(), 2, 2, 6, counts.data(), nullptr),
                "pal_count_firings: indices[1, 0] is 6, expected 0 to 5");

  Floats p(3), g(3), m(3);
  pal_hyper hyper = {PAL_ADAM, 0.1f, 0.9f, 0.999f, 1e-8f, 0};
  check_refused(pal_update(p.data(), g.data(), m.data(), m.data(), 3, &hyper, nullptr),
                "pal_update: hyper.step is 0, expected 1 or more");
  hyper.step = 1;
  check_refused(pal_update(p.data(), g.data(), m.data(), nullptr, 3, &hyper, nullptr), "pal_update: second is NULL");
  hyper.epsilon = 1e-11f;
  check_refused(pal_update(p.data(), g.data(), m.data(), m.data(), 3, &hyper, nullptr),
                "pal_update: hyper.epsilon is 1e-11, expected 1e-10 or more");
  hyper.epsilon = std::nanf("");
  CHECK(pal_update(p.data(), g.data(), m.data(), m.data(), 3, &hyper, nullptr) == PAL_INVALID_ARGUMENT);
  hyper.epsilon = 1e-8f;
  hyper.optimizer = 5;
  check_refused(pal_update(p.data(), g.data(), m.data(), m.data(), 3, &hyper, nullptr),
                "pal_update: hyper.optimizer is 5, expected 0 or 1");
  check_refused(pal_set_instruction_set("sse9"),
                "pal_set_instruction_set: \"sse9\", expected portable, avx2, avx512, avx512vnni, avx512bf16, amx or nothing");
  CHECK(pal_encode_workspace_bytes(0, 1, 1, 1, PAL_TOPK) == 0);
  return test::verdict("arguments");
}
