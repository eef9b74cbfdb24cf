/*
 * large_test.cu - arrays of more than 2^32 elements: an index that is computed in 32 bits goes astray. On the host alone, where the
 * arrays are addresses that take memory only where they are touched, and of grids of many blocks the first and the last run
 * (host::run_ends_of_grids); so the content is zero but for the last row and latent, whose results are looked at.
 */
#include "harness.h"

#if defined(__CUDACC__)

std::vector<pal::test::Case> pal::test::large_cases() { return {}; }

#else

#include <cmath>

#include "../host/space.h"
#include "operands.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "reference.h"

namespace pal::test {
namespace {

/* Zeros. */
template <class T>
class Vast {
 public:
  explicit Vast(int64_t count) : count_(count), memory_(static_cast<T*>(host::reserve(bytes()))) {}
  ~Vast() { host::give_back(memory_, bytes()); }
  Vast(const Vast&) = delete;
  Vast& operator=(const Vast&) = delete;
  T* get() const { return memory_; }
  T& operator[](int64_t at) const { return memory_[at]; }
  size_t bytes() const { return static_cast<size_t>(count_) * sizeof(T); }

 private:
  int64_t count_;
  T* memory_;
};

struct LargeShape {
  int64_t rows, width, latents;
  int64_t row() const { return rows - 1; }
  int64_t column() const { return width - 1; }
  int64_t latent() const { return latents - 1; }
  int64_t in_batch() const { return rows * width - 1; }
  int64_t in_weights() const { return latents * width - 1; }
};
/* Of a coder, and of a batch; rows in vectors and not. */
constexpr LargeShape kCoders[] = {{3, 2048, 2097153}, {3, 2047, 2098180}};
constexpr LargeShape kBatches[] = {{262145, 16384, 5}, {262150, 16383, 5}};

struct EndsOnly {
  EndsOnly() { host::run_ends_of_grids(true); }
  ~EndsOnly() { host::run_ends_of_grids(false); }
};

/* A coder of zeros but for the last latent's weights in the last column. */
struct VastCoder {
  Vast<float> encoder, encoder_bias, decoder, decoder_bias;
  Vast<unsigned char> operands;
  pal_coder coder;

  VastCoder(const LargeShape& s, bool bf16)
      : encoder(s.latents * s.width), encoder_bias(s.latents), decoder(s.latents * s.width), decoder_bias(s.width),
        operands(static_cast<int64_t>(pal_operands_bytes(s.width, s.latents))),
        coder{s.width, s.latents, encoder.get(), encoder_bias.get(), decoder.get(), decoder_bias.get(), nullptr, 0, bf16 ? operands.get() : nullptr} {
    encoder[s.in_weights()] = 4.0f;
    decoder[s.in_weights()] = 3.0f;
    PAL_OK_OR_FAULT(pal_refresh_operands(&coder, nullptr));
  }
};

void rows_of_weights() {
  const EndsOnly ends;
  for (const LargeShape& s : kCoders) {
    const int64_t last = s.in_weights();
    const Vast<float> w(last + 1), g(last + 1), first(last + 1), second(last + 1);
    w[last] = 5.0f;
    PAL_OK_OR_FAULT(pal_normalize_rows(w.get(), s.latents, s.width, nullptr));
    expect(std::fabs(w[last] - 1.0f) < 1e-5f, "width %ld: a row's norm is %g", long(s.width), w[last]);
    w[last] = 1.0f;
    g[last] = 7.0f;
    g[last - 1] = 2.0f;
    PAL_OK_OR_FAULT(pal_remove_parallel(w.get(), g.get(), s.latents, s.width, nullptr));
    expect(g[last] == 0.0f && g[last - 1] == 2.0f, "width %ld: what is left is %g and %g", long(s.width), g[last - 1], g[last]);
    const pal_hyper hyper{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
    g[last] = 8.0f;
    PAL_OK_OR_FAULT(pal_update(w.get(), g.get(), first.get(), second.get(), last + 1, &hyper, nullptr));
    expect(std::fabs(first[last] - 0.8f) < 1e-6f && w[last] < 1.0f, "width %ld: updated to %g, moment %g", long(s.width), w[last], first[last]);
  }
}

Vast<unsigned char> space_of(size_t bytes) { return Vast<unsigned char>(static_cast<int64_t>(bytes)); }

/* One row of x; the last latent alone fires. */
void encode() {
  const EndsOnly ends;
  for (const LargeShape& s : kCoders) {
    for (const bool bf16 : {false, true}) {
      const VastCoder c(s, bf16);
      if (bf16) {
        const Operands operands(c.coder);
        const int64_t at = s.latent() * operands.stride + s.column();
        expect(as_float(operands.encoder[at]) == 4.0f && as_float(operands.decoder[at]) == 3.0f, "width %ld: other copies", long(s.width));
      }
      const Vast<float> x(s.width);
      x[s.column()] = 2.0f;
      const Array<float> value(std::vector<float>{-1.0f});
      const Array<int32_t> index(std::vector<int32_t>{-1});
      for (const char* product : {"tiled", "mma"}) {
        if (!bf16 && std::strcmp(product, "mma") == 0) continue;
        PAL_OK_OR_FAULT(pal_cuda_set_product(product));
        const auto space = space_of(pal_encode_workspace_bytes(s.width, s.latents, 1, 1, PAL_TOPK));
        PAL_OK_OR_FAULT(pal_encode(&c.coder, x.get(), 1, 1, PAL_TOPK, value.get(), index.get(), space.get(), space.bytes(), nullptr));
        expect(value.download()[0] == 8.0f && index.download()[0] == s.latent(), "width %ld%s, %s: %g of latent %d", long(s.width),
               bf16 ? ", bf16" : "", product, value.download()[0], index.download()[0]);
        PAL_OK_OR_FAULT(pal_cuda_set_product(""));
      }
    }
  }
}

/* The last row alone has a latent, the last one. */
struct VastBatch {
  Vast<float> x, grad, values;
  Vast<int32_t> indices;

  explicit VastBatch(const LargeShape& s) : x(s.rows * s.width), grad(s.rows * s.width), values(s.rows), indices(s.rows) {
    x[s.in_batch()] = 0.5f;
    grad[s.in_batch()] = 2.0f;
    values[s.row()] = 1.5f;
    indices[s.row()] = static_cast<int32_t>(s.latent());
  }
};

void decode(const LargeShape& s, bool bf16) {
  const VastCoder c(s, bf16);
  const VastBatch batch(s);
  const Vast<float> out(s.rows * s.width), y(s.rows * s.width), grad(s.rows * s.width);
  PAL_OK_OR_FAULT(pal_decode(&c.coder, nullptr, s.rows, 1, batch.values.get(), batch.indices.get(), out.get(), nullptr, 0, nullptr));
  expect(out[s.in_batch()] == 4.5f, "width %ld%s: decoded to %g", long(s.width), bf16 ? ", bf16" : "", out[s.in_batch()]);
  y[s.in_batch()] = 6.0f;
  double sums[2] = {-1.0, -1.0};
  const auto expect_gradient = [&](const char* of) {
    const double variance = 36.0 * (1.0 - 1.0 / static_cast<double>(s.rows));
    expect_close(sums[0], 2.25, 1e-9, 0.0, of, 0);
    expect_close(sums[1], variance, 1e-9, 0.0, of, 1);
    expect_close(grad[s.in_batch()], -3.0 / variance, 1e-6, 0.0, of, long(s.in_batch()));
  };
  const auto space = space_of(pal_fvu_workspace_bytes(s.width, s.rows));
  PAL_OK_OR_FAULT(pal_fvu(out.get(), y.get(), s.rows, s.width, grad.get(), sums, space.get(), space.bytes(), nullptr));
  expect_gradient("fvu of a large batch");
  grad[s.in_batch()] = 0.0f;
  const auto loss_space = space_of(pal_cuda_decode_loss_workspace_bytes(s.width, s.latents, s.rows, 1));
  PAL_OK_OR_FAULT(pal_cuda_decode_loss(&c.coder, nullptr, y.get(), s.rows, 1, batch.values.get(), batch.indices.get(), grad.get(), sums,
                                       loss_space.get(), loss_space.bytes(), nullptr));
  expect_gradient("decode and loss of a large batch");
}

void backward(const LargeShape& s, bool bf16_rows) {
  PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(bf16_rows ? 1 : 0));
  const VastCoder c(s, bf16_rows);
  const VastBatch batch(s);
  const auto weights = [&] { return Vast<float>(s.latents * s.width); };
  const Vast<float> encoder[2] = {weights(), weights()}, decoder[2] = {weights(), weights()};
  const Vast<float> encoder_bias[2] = {Vast<float>(s.latents), Vast<float>(s.latents)};
  const Vast<float> decoder_bias[2] = {Vast<float>(s.width), Vast<float>(s.width)};
  const auto view = [&](int i) {
    return pal_gradients{encoder[i].get(), encoder_bias[i].get(), decoder[i].get(), decoder_bias[i].get(), nullptr};
  };
  const pal_gradients g = view(0), second = view(1);
  const auto space = space_of(std::max(pal_backward_workspace_bytes(s.width, s.latents, s.rows, 1),
                                       pal_step_workspace_bytes(s.width, s.latents, s.rows, 1)));
  PAL_OK_OR_FAULT(pal_backward(&c.coder, batch.x.get(), batch.grad.get(), s.rows, 1, batch.values.get(), batch.indices.get(), &g, 0,
                               space.get(), space.bytes(), nullptr));
  const int64_t last = s.in_weights();
  const auto is = [&](const char* what, double found, double wanted) {
    expect(std::fabs(found - wanted) <= 1e-4 * std::fabs(wanted), "width %ld%s: %s %g, expected %g", long(s.width),
           bf16_rows ? ", bf16 rows" : "", what, found, wanted);
  };
  is("gradient of the decoder", g.decoder[last], 1.5 * 2.0);
  is("gradient of the encoder", g.encoder[last], 2.0 * 3.0 * 0.5);
  is("gradient of the encoder's bias", g.encoder_bias[s.latent()], 2.0 * 3.0);
  is("gradient of the decoder's bias", g.decoder_bias[s.column()], 2.0);

  g.decoder[last] = 1.0f; /* as moments: other numbers than the gradients */
  g.encoder[last] = 2.0f;
  const pal_optimizer_state state{g, second};
  const pal_hyper hyper{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
  PAL_OK_OR_FAULT(pal_step(&c.coder, &state, batch.x.get(), batch.grad.get(), s.rows, 1, batch.values.get(), batch.indices.get(), &hyper, 0,
                           0, space.get(), space.bytes(), nullptr));
  is("moment of the decoder", g.decoder[last], 0.9 * 1.0 + 0.1 * 3.0);
  is("moment of the encoder", g.encoder[last], 0.9 * 2.0 + 0.1 * 3.0);
  is("second moment of the decoder", second.decoder[last], 0.001 * 9.0);
  is("second moment of the encoder", second.encoder[last], 0.001 * 9.0);
  expect(c.decoder[last] < 3.0f && c.encoder[last] < 4.0f, "width %ld: weights are %g and %g", long(s.width), c.decoder[last], c.encoder[last]);
  if (bf16_rows) {
    const Operands operands(c.coder);
    const float copy = as_float(operands.decoder[s.latent() * operands.stride + s.column()]);
    expect(copy == static_cast<float>(rounded_to_bf16(c.decoder[last])), "width %ld: a copy of %g is %g", long(s.width), c.decoder[last], copy);
  }
  PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(0));
}

void of_all(void (*play)(const LargeShape&, bool)) {
  const EndsOnly ends;
  for (const auto* shapes : {kCoders, kBatches}) {
    for (int i = 0; i < 2; ++i) {
      for (const bool bf16 : {false, true}) play(shapes[i], bf16);
    }
  }
}
void decode_all() { of_all(decode); }
void backward_all() { of_all(backward); }

/* A grid has 65535 blocks in y: the rows of the tiled product go in slices. Of many columns of what is multiplied, and of the product. */
void sliced_product() {
  const EndsOnly ends;
  const int64_t slice = 65535 * 64, rows = slice + 69; /* two slices */
  for (const auto& [inner, cols] : {std::pair<int64_t, int64_t>{1030, 8}, {8, 1030}}) {
    const Vast<float> a(rows * inner), b(cols * inner), d(rows * cols);
    a[rows * inner - 1] = 2.0f;
    a[slice * inner - 1] = 5.0f;
    b[cols * inner - 1] = 3.0f;
    PAL_OK_OR_FAULT(pal_cuda_set_product("tiled"));
    PAL_OK_OR_FAULT(product({Form::NT, rows, cols, inner, inner, inner, cols}, Arithmetic::FP32, a.get(), b.get(), nullptr, d.get(), false,
                            nullptr, nullptr));
    PAL_OK_OR_FAULT(pal_cuda_set_product(""));
    expect(d[rows * cols - 1] == 6.0f, "the last product of %ld columns is %g", long(cols), d[rows * cols - 1]);
    expect(d[slice * cols - 1] == 15.0f, "the first slice's last product of %ld columns is %g", long(cols), d[slice * cols - 1]);
  }
}

}  // namespace

std::vector<Case> large_cases() {
  return {{"large rows of weights", rows_of_weights}, {"large encode", encode}, {"large decode", decode_all}, {"large backward", backward_all}, {"large sliced product", sliced_product}};
}

}  // namespace pal::test

#endif
