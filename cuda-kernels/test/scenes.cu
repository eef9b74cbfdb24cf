/* scenes.cu - see scenes.h. */
#include "scenes.h"

#include "operands.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "tile.cuh"

namespace pal::test {
namespace {

/* Settings of the library for the length of a scene. */
struct Settings {
  const char* encode = "e0";
  const char* product = "tiled";
  int stages = 0;
  int bf16_rows = 0;
};
class With {
 public:
  explicit With(const Settings& s) { set(s); }
  ~With() { set({"", "", 0, 0}); }
  With(const With&) = delete;
  With& operator=(const With&) = delete;

 private:
  static void set(const Settings& s) {
    PAL_OK_OR_FAULT(pal_cuda_set_encode(s.encode));
    PAL_OK_OR_FAULT(pal_cuda_set_product(s.product));
    PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(s.bf16_rows));
    asked_tile_stages() = s.stages;
  }
};

struct Sizes {
  int64_t rows, width, latents, k;
};

/* A coder with all that it may have. Its bf16 copies are made by the library. */
pal_coder coder_of(Arrays& arrays, const Sizes& s, bool skip, bool bf16, Random& random) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.width));
  pal_coder coder{s.width, s.latents, nullptr, nullptr, nullptr, nullptr, nullptr, 1, nullptr};
  coder.encoder = arrays.make("encoder", normal_floats(random, s.latents * s.width, scale));
  coder.encoder_bias = arrays.make("encoder_bias", normal_floats(random, s.latents, 0.1));
  coder.decoder = arrays.make("decoder", normal_floats(random, s.latents * s.width, scale));
  coder.decoder_bias = arrays.make("decoder_bias", normal_floats(random, s.width, 0.1));
  if (skip) coder.skip = arrays.make("skip", normal_floats(random, s.width * s.width, scale));
  if (bf16) coder.operands = arrays.space(pal_operands_bytes(s.width, s.latents));
  PAL_OK_OR_FAULT(pal_refresh_operands(&coder, nullptr));
  return coder;
}

struct Selected {
  float* values;
  int32_t* indices;
};
Selected selected_of(Arrays& arrays, const Sizes& s, Random& random) {
  const Sparse sparse = random_sparse(random, s.rows, s.k, s.latents, true);
  return {arrays.make("values", sparse.values), arrays.make("indices", sparse.indices)};
}
float* floats(Arrays& arrays, const char* name, int64_t count, Random& random, double scale = 1.0) {
  return arrays.make(name, normal_floats(random, count, scale));
}

pal_gradients gradients_of(Arrays& arrays, const std::string& prefix, const Sizes& s, bool skip, bool positive, Random& random) {
  const auto make = [&](const char* name, int64_t count) {
    auto content = normal_floats(random, count, 0.01);
    for (float& value : content) value = positive ? std::fabs(value) : value;
    return arrays.make(prefix + name, content);
  };
  return {make(".encoder", s.latents * s.width), make(".encoder_bias", s.latents), make(".decoder", s.latents * s.width),
          make(".decoder_bias", s.width), skip ? make(".skip", s.width * s.width) : nullptr};
}

/* Sums over bf16 copies of rows are for aligned arrays alone; signum makes much of little. */
double tolerance_of(int bf16_rows, pal_optimizer optimizer) { return bf16_rows == 0 ? 2e-5 : optimizer == PAL_ADAM ? 1e-2 : 0.2; }

Scene encode(const std::string& name, const Sizes& s, bool bf16, pal_activation activation, const Settings& settings) {
  return {"encode, " + name, [=](Arrays& arrays) {
            const With with(settings);
            Random random(141);
            const pal_coder coder = coder_of(arrays, s, false, bf16, random);
            const float* x = floats(arrays, "x", s.rows * s.width, random);
            const size_t bytes = pal_encode_workspace_bytes(s.width, s.latents, s.rows, s.k, activation);
            PAL_OK_OR_FAULT(pal_encode(&coder, x, s.rows, s.k, activation, arrays.room<float>("selected", s.rows * s.k),
                                       arrays.room<int32_t>("of latents", s.rows * s.k), arrays.space(bytes), bytes, nullptr));
          }};
}

Scene decode(const Sizes& s, bool bf16) {
  return {bf16 ? "decode, bf16" : "decode, floats", [=](Arrays& arrays) {
            const With with({});
            Random random(142);
            const pal_coder coder = coder_of(arrays, s, true, bf16, random);
            const Selected of = selected_of(arrays, s, random);
            const float* x = floats(arrays, "x", s.rows * s.width, random);
            const size_t bytes = pal_decode_workspace_bytes(s.width, s.latents, s.rows, s.k);
            PAL_OK_OR_FAULT(pal_decode(&coder, x, s.rows, s.k, of.values, of.indices, arrays.room<float>("y_hat", s.rows * s.width),
                                       arrays.space(bytes), bytes, nullptr));
            pal_coder without = coder;
            without.skip = nullptr;
            PAL_OK_OR_FAULT(pal_decode(&without, nullptr, s.rows, s.k, of.values, of.indices,
                                       arrays.room<float>("y_hat without", s.rows * s.width), nullptr, 0, nullptr));
          }};
}

Scene decode_loss(const Sizes& s, bool bf16) {
  return {bf16 ? "decode and loss, bf16" : "decode and loss, floats", [=](Arrays& arrays) {
            const With with({});
            Random random(143);
            const pal_coder coder = coder_of(arrays, s, true, bf16, random);
            const Selected of = selected_of(arrays, s, random);
            const float* x = floats(arrays, "x", s.rows * s.width, random);
            const float* y = floats(arrays, "y", s.rows * s.width, random);
            const size_t bytes = pal_cuda_decode_loss_workspace_bytes(s.width, s.latents, s.rows, s.k);
            PAL_OK_OR_FAULT(pal_cuda_decode_loss(&coder, x, y, s.rows, s.k, of.values, of.indices,
                                                 arrays.room<float>("grad", s.rows * s.width), arrays.room<double>("sums", 2),
                                                 arrays.space(bytes), bytes, nullptr));
          }};
}

Scene fvu(const Sizes& s) {
  return {"fvu", [=](Arrays& arrays) {
            Random random(144);
            const float* y_hat = floats(arrays, "y_hat", s.rows * s.width, random);
            const float* y = floats(arrays, "y", s.rows * s.width, random);
            const size_t bytes = pal_fvu_workspace_bytes(s.width, s.rows);
            void* space = arrays.space(bytes);
            PAL_OK_OR_FAULT(pal_fvu(y_hat, y, s.rows, s.width, arrays.room<float>("grad", s.rows * s.width), arrays.room<double>("sums", 2),
                                    space, bytes, nullptr));
          }};
}

Scene backward(const Sizes& s, bool bf16, int bf16_rows) {
  return {std::string("backward, ") + (bf16_rows != 0 ? "bf16 rows" : bf16 ? "bf16" : "floats"), [=](Arrays& arrays) {
            const With with({"e0", "tiled", 0, bf16_rows});
            Random random(145);
            const pal_coder coder = coder_of(arrays, s, true, bf16, random);
            const Selected of = selected_of(arrays, s, random);
            const float* x = floats(arrays, "x", s.rows * s.width, random);
            const float* grad = floats(arrays, "grad", s.rows * s.width, random);
            const pal_gradients gradients = gradients_of(arrays, "gradients", s, true, false, random);
            const size_t bytes = pal_backward_workspace_bytes(s.width, s.latents, s.rows, s.k);
            void* space = arrays.space(bytes);
            for (const int32_t accumulate : {0, 1}) {
              PAL_OK_OR_FAULT(pal_backward(&coder, x, grad, s.rows, s.k, of.values, of.indices, &gradients, accumulate, space, bytes,
                                           nullptr));
            }
          },
          tolerance_of(bf16_rows, PAL_ADAM)};
}

Scene step(const Sizes& s, bool bf16, int bf16_rows, pal_optimizer optimizer, bool from_device) {
  std::string name = bf16_rows != 0 ? "bf16 rows" : bf16 ? "bf16" : "floats";
  name += optimizer == PAL_ADAM ? ", Adam" : ", signum";
  if (from_device) name += ", constants on the device";
  return {"step, " + name, [=](Arrays& arrays) {
            const With with({"e0", "tiled", 0, bf16_rows});
            Random random(146);
            const pal_coder coder = coder_of(arrays, s, true, bf16, random);
            const Selected of = selected_of(arrays, s, random);
            const float* x = floats(arrays, "x", s.rows * s.width, random);
            const float* grad = floats(arrays, "grad", s.rows * s.width, random);
            pal_optimizer_state state{gradients_of(arrays, "first", s, true, false, random), {}};
            if (optimizer == PAL_ADAM) state.second = gradients_of(arrays, "second", s, true, true, random);
            const pal_hyper hyper{optimizer, 1e-3f, 0.9f, 0.999f, 1e-8f, 3};
            const size_t bytes = pal_step_workspace_bytes(s.width, s.latents, s.rows, s.k);
            void* space = arrays.space(bytes);
            if (from_device) {
              void* constants = arrays.space(pal_cuda_hyper_bytes());
              PAL_OK_OR_FAULT(pal_cuda_write_hyper(&hyper, constants, nullptr));
              PAL_OK_OR_FAULT(pal_cuda_step(&coder, &state, x, grad, s.rows, s.k, of.values, of.indices, constants, optimizer, 1, 1, space,
                                            bytes, nullptr));
            } else {
              PAL_OK_OR_FAULT(pal_step(&coder, &state, x, grad, s.rows, s.k, of.values, of.indices, &hyper, 1, 1, space, bytes, nullptr));
            }
          },
          tolerance_of(bf16_rows, optimizer)};
}

Scene update(pal_optimizer optimizer) {
  return {optimizer == PAL_ADAM ? "update, Adam" : "update, signum", [=](Arrays& arrays) {
            Random random(147);
            const int64_t n = 1100;
            float* p = floats(arrays, "p", n, random);
            const float* g = floats(arrays, "g", n, random);
            float* first = floats(arrays, "first", n, random, 0.1);
            std::vector<float> squares = normal_floats(random, n, 0.1);
            for (float& one : squares) one *= one;
            float* second = optimizer == PAL_ADAM ? arrays.make("second", squares) : nullptr;
            const pal_hyper hyper{optimizer, 1e-3f, 0.9f, 0.999f, 1e-8f, 3};
            PAL_OK_OR_FAULT(pal_update(p, g, first, second, n, &hyper, nullptr));
          }};
}

Scene rows() {
  return {"rows", [](Arrays& arrays) {
            Random random(148);
            const int64_t count = 7, width = 72;
            float* w = floats(arrays, "w", count * width, random);
            float* g = floats(arrays, "g", count * width, random);
            PAL_OK_OR_FAULT(pal_normalize_rows(w, count, width, nullptr));
            PAL_OK_OR_FAULT(pal_remove_parallel(w, g, count, width, nullptr));
          }};
}

Scene record(const Sizes& s) {
  return {"record", [=](Arrays& arrays) {
            Random random(149);
            const Selected of = selected_of(arrays, s, random);
            const auto zeros = [&](const char* name, int64_t count) {
              return arrays.make(name, std::vector<int64_t>(static_cast<size_t>(count), 0));
            };
            pal_cuda_record to{s.latents, 10, 3, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr};
            to.counts = zeros("counts", s.latents);
            to.last = zeros("last", s.latents);
            to.batch = zeros("batch", s.latents);
            to.progress = zeros("progress", 2);
            to.firings = zeros("firings", 6);
            to.sums = arrays.make("log of sums", std::vector<double>(6, 0.0));
            const double* sums = arrays.make("sums", std::vector<double>{1.0, 2.0});
            PAL_OK_OR_FAULT(pal_cuda_record_batch(&to, of.values, of.indices, s.rows, s.k, sums, nullptr));
          }};
}

/* One product by a kernel of our own. */
template <class T>
Scene product_scene(const char* name, const ProductShape& shape, const Settings& settings) {
  return {std::string("product, ") + name, [=](Arrays& arrays) {
            const With with(settings);
            Random random(150);
            const bool nt = shape.form == Form::NT;
            const auto make = [&](const char* array, int64_t count) {
              if constexpr (sizeof(T) == sizeof(bf16)) {
                return arrays.make(array, as_bf16(normal_floats(random, count)));
              } else {
                return arrays.make(array, normal_floats(random, count));
              }
            };
            const T* a = make("a", (nt ? shape.rows : shape.inner) * shape.a_stride);
            const T* b = make("b", (nt ? shape.cols : shape.inner) * shape.b_stride);
            const T* const bias = nt ? make("bias", shape.cols) : nullptr;
            T* d = make("d", shape.rows * shape.d_stride);
            if constexpr (sizeof(T) == sizeof(bf16)) {
              PAL_OK_OR_FAULT(product(shape, a, b, bias, d, nullptr, nullptr));
            } else {
              PAL_OK_OR_FAULT(product(shape, Arithmetic::FP32, a, b, bias, d, !nt, nullptr, nullptr));
            }
          }};
}

}  // namespace

std::vector<Scene> tile_scenes() {
  const Sizes small{20, 72, 205, 7};
  const ProductShape product{Form::NT, 20, 90, 136, 136, 136, 90};
  std::vector<Scene> scenes;
  for (const int stages : {2, 3}) {
    const std::string with = std::to_string(stages) + " stages";
    scenes.push_back(encode("product by tiles of " + with, small, true, PAL_TOPK, {"e0", "mma", stages, 0}));
    scenes.push_back(encode("fused, tiles of " + with, small, true, PAL_TOPK, {"e2", "mma", stages, 0}));
    scenes.push_back(product_scene<bf16>("tiles", product, {"e0", "mma", stages, 0}));
  }
  return scenes;
}

namespace {

/* Backward pass and step, in every way there is. */
void add_training(std::vector<Scene>& scenes, const Sizes& s) {
  for (const bool bf16 : {false, true}) {
    for (const int bf16_rows : {0, 1}) {
      if (bf16_rows != 0 && !bf16) continue;
      scenes.push_back(backward(s, bf16, bf16_rows));
      for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) {
        scenes.push_back(step(s, bf16, bf16_rows, optimizer, bf16 && bf16_rows == 0));
      }
    }
  }
}

}  // namespace

std::vector<Scene> other_scenes() {
  /* Widths that bf16 rows pad and not; latents of one and of two 8-bit digits. */
  const Sizes padded{30, 20, 42, 6}, whole{9, 24, 312, 8};
  std::vector<Scene> scenes;
  for (const bool bf16 : {false, true}) {
    const std::string kind = bf16 ? "bf16" : "floats";
    for (const Sizes& s : {padded, whole}) {
      scenes.push_back(encode("top k, " + kind, s, bf16, PAL_TOPK, {}));
      scenes.push_back(encode("groupmax, " + kind, {s.rows, s.width, s.latents, s.latents == 42 ? 7 : 13}, bf16, PAL_GROUPMAX, {}));
      scenes.push_back(decode(s, bf16));
      scenes.push_back(decode_loss(s, bf16));
    }
  }
  add_training(scenes, whole);
  scenes.push_back(fvu(padded));
  for (const pal_optimizer optimizer : {PAL_ADAM, PAL_SIGNUM}) scenes.push_back(update(optimizer));
  scenes.push_back(rows());
  scenes.push_back(record(padded));
  scenes.push_back(product_scene<float>("tiled, floats", {Form::NT, 20, 90, 33, 33, 33, 90}, {}));
  scenes.push_back(product_scene<float>("tiled, floats, first transposed", {Form::TN, 20, 90, 33, 20, 90, 90}, {}));
  scenes.push_back(product_scene<bf16>("tiled, bf16", {Form::NT, 20, 90, 33, 33, 33, 90}, {}));
  return scenes;
}

std::vector<Scene> larger_scenes() {
  std::vector<Scene> scenes;
  /* More than 4 x 16 bytes a thread: 16 of them, or several rounds. */
  for (const bool bf16 : {false, true}) {
    scenes.push_back(encode(bf16 ? "long rows, bf16" : "long rows, floats", {2, 8, 9000, 20}, bf16, PAL_TOPK, {}));
  }
  scenes.push_back(encode("longer rows, bf16", {1, 8, 33000, 20}, true, PAL_TOPK, {}));
  add_training(scenes, {200, 24, 40, 6}); /* latents with more than 512 hits */
  return scenes;
}

}  // namespace pal::test
