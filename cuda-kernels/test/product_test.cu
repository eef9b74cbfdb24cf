/* product_test.cu - the matrix product of every backend against three loops in double precision. */
#include "palimpsest_cuda.h"
#include "product.h"
#include "reference.h"

namespace pal::test {
namespace {

double reference(const ProductShape& s, const std::vector<float>& a, const std::vector<float>& b, int64_t row, int64_t col) {
  double sum = 0.0;
  for (int64_t c = 0; c < s.inner; ++c) {
    const double x = s.form == Form::NT ? a[row * s.a_stride + c] : a[c * s.a_stride + row];
    const double y = s.form == Form::NT ? b[col * s.b_stride + c] : b[c * s.b_stride + col];
    sum += x * y;
  }
  return sum;
}

void floats(const char* backend) {
  if (pal_cuda_set_product(backend) != PAL_OK) return;
  Random random(11);
  const int64_t sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {64, 64, 16}, {65, 130, 33}, {7, 200, 96}};
  for (const auto& size : sizes) {
    for (const Form form : {Form::NT, Form::TN}) {
      const int64_t rows = size[0], cols = size[1], inner = size[2];
      const bool nt = form == Form::NT;
      const ProductShape s{form, rows, cols, inner, (nt ? inner : rows) + 3, (nt ? inner : cols) + 1, cols + 5};
      const auto a = normal_floats(random, (nt ? rows : inner) * s.a_stride);
      const auto b = normal_floats(random, (nt ? cols : inner) * s.b_stride);
      const auto bias = normal_floats(random, cols);
      const auto before = normal_floats(random, rows * s.d_stride);
      const Array<float> device_a(a), device_b(b), device_bias(bias);
      Array<float> d(before);
      Workspace workspace(static_cast<int64_t>(product_workspace_bytes()));
      for (const bool accumulate : {false, true}) {
        d.upload(before);
        PAL_OK_OR_FAULT(product(s, Arithmetic::FP32, device_a.get(), device_b.get(), accumulate ? nullptr : device_bias.get(),
                                d.get(), accumulate, workspace.get(), nullptr));
        const auto found = d.download();
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t col = 0; col < s.d_stride; ++col) {
            const int64_t at = row * s.d_stride + col;
            if (col >= cols) {
              expect(found[at] == before[at], "wrote between the rows at %ld", long(at));
              continue;
            }
            const double wanted = reference(s, a, b, row, col) + (accumulate ? before[at] : bias[col]);
            expect_close(found[at], wanted, 1e-5, 1e-5, "product", at);
          }
        }
      }
    }
  }
  PAL_OK_OR_FAULT(pal_cuda_set_product(""));
}

void best() { floats(""); }
void tiled() { floats("tiled"); }

/* The encoder's bf16 product through our own kernels: whole numbers come out exactly. */
void encode_by(const char* backend) {
  PAL_OK_OR_FAULT(pal_cuda_set_product(backend));
  Random random(12);
  for (const bool bf16 : {false, true}) {
    TestCoder coder({13, 200, false, true, bf16}, random);
    coder.encoder = integer_floats(random, 200 * 13, -3, 3);
    coder.encoder_bias = integer_floats(random, 200, -2, 2);
    coder.decoder_bias = integer_floats(random, 13, -1, 1);
    coder.upload();
    const auto x = integer_floats(random, 70 * 13, -3, 3);
    const Array<float> device_x(x);
    const Array<float> values(70 * 9);
    const Array<int32_t> indices(70 * 9);
    const size_t bytes = pal_encode_workspace_bytes(13, 200, 70, 9, PAL_TOPK);
    const Workspace workspace(static_cast<int64_t>(bytes));
    PAL_OK_OR_FAULT(pal_encode(&coder.coder, device_x.get(), 70, 9, PAL_TOPK, values.get(), indices.get(), workspace.get(),
                               bytes, nullptr));
    const auto found_values = values.download();
    const auto found_indices = indices.download();
    for (int64_t r = 0; r < 70; ++r) {
      double wanted[9];
      int32_t wanted_indices[9];
      reference_select(reference_preactivations(coder, x, r), 9, PAL_TOPK, wanted, wanted_indices);
      for (int64_t s = 0; s < 9; ++s) {
        expect(found_values[r * 9 + s] == wanted[s] && found_indices[r * 9 + s] == wanted_indices[s],
               "row %ld slot %ld: found %g at %d, expected %g at %d", long(r), long(s), found_values[r * 9 + s],
               found_indices[r * 9 + s], wanted[s], wanted_indices[s]);
      }
    }
  }
  PAL_OK_OR_FAULT(pal_cuda_set_product(""));
}

void tiled_encode() { encode_by("tiled"); }
void mma_encode() { encode_by("mma"); }

std::vector<float> as_floats(const std::vector<bf16>& numbers) {
  std::vector<float> content;
  for (const bf16 number : numbers) content.push_back(as_float(number));
  return content;
}

/*
 * The bf16 product on the matrix unit at shapes off every edge of its tiles and stages. On the host it adds as plain loops
 * do, so the bits are theirs; on the device the sums are the unit's, within rounding.
 */
void mma() {
  Random random(13);
  const int64_t sizes[][3] = {{1, 1, 8}, {130, 70, 24}, {64, 257, 136}, {129, 128, 200}};
  for (const auto& size : sizes) {
    const int64_t rows = size[0], cols = size[1], inner = size[2];
    for (const int64_t d_stride : {cols + cols % 2, cols + 1 - cols % 2}) {
      const ProductShape s{Form::NT, rows, cols, inner, inner + 8, inner, d_stride};
      const auto numbers = [&](int64_t count) { return as_bf16(normal_floats(random, count)); };
      const auto a = numbers(rows * s.a_stride), b = numbers(cols * inner), bias = numbers(cols);
      const auto float_a = as_floats(a), float_b = as_floats(b);
      const Array<bf16> device_a(a), device_b(b), device_bias(bias);
      expect_repeatable("product by mma", [&] {
        const Array<bf16> d(rows * d_stride);
        PAL_OK_OR_FAULT(pal_cuda_set_product("mma"));
        PAL_OK_OR_FAULT(product(s, device_a.get(), device_b.get(), device_bias.get(), d.get(), nullptr, nullptr));
        const auto found = d.download();
        for (int64_t row = 0; row < rows; ++row) {
          for (int64_t col = 0; col < d_stride; ++col) {
            const int64_t at = row * d_stride + col;
            if (col >= cols) {
              expect(found[at].bits == 0xffff, "wrote between the rows at %ld", long(at));
              continue;
            }
            expect_close(as_float(found[at]), reference(s, float_a, float_b, row, col) + as_float(bias[col]), 0x1p-8, 1e-5, "product", at);
          }
        }
#if !defined(__CUDACC__)
        PAL_OK_OR_FAULT(pal_cuda_set_product(""));
        const Array<bf16> plain(rows * d_stride);
        PAL_OK_OR_FAULT(product(s, device_a.get(), device_b.get(), device_bias.get(), plain.get(), nullptr, nullptr));
        const auto wanted = plain.download();
        expect(std::memcmp(wanted.data(), found.data(), found.size() * sizeof(bf16)) == 0, "other bits than plain loops");
#endif
        std::vector<unsigned char> bytes;
        append_bytes(bytes, found);
        return bytes;
      });
    }
  }
  PAL_OK_OR_FAULT(pal_cuda_set_product(""));
}

}  // namespace

std::vector<Case> product_cases() {
  return {{"product best backend", best}, {"product tiled", tiled}, {"product tiled encode", tiled_encode},
          {"product mma", mma}, {"product mma encode", mma_encode}};
}

}  // namespace pal::test
