/*
 * encode_test.cu - pal_encode against the reference: exactly on small whole numbers (every product and sum is exact in
 * bf16, so ties, NaN and infinities must come out to the letter), within rounding on normally distributed numbers.
 */
#include <cmath>
#include <limits>

#include "palimpsest_cuda.h"
#include "reference.h"

namespace pal::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct EncodeShape {
  int64_t rows, width, latents, k;
};

Sparse encode(const TestCoder& coder, const std::vector<float>& x, int64_t rows, int64_t k, pal_activation activation) {
  const Array<float> device_x(x);
  const size_t bytes = pal_encode_workspace_bytes(coder.shape.width, coder.shape.latents, rows, k, activation);
  Workspace workspace(static_cast<int64_t>(bytes));
  Sparse result;
  expect_repeatable("pal_encode", [&] {
    const Array<float> values(rows * k);
    const Array<int32_t> indices(rows * k);
    workspace.poison();
    PAL_OK_OR_FAULT(pal_encode(&coder.coder, device_x.get(), rows, k, activation, values.get(), indices.get(), workspace.get(),
                               bytes, nullptr));
    result.values = values.download();
    result.indices = indices.download();
    std::vector<unsigned char> all;
    append_bytes(all, result.values);
    append_bytes(all, result.indices);
    return all;
  });
  return result;
}

void expect_exact(const TestCoder& coder, const std::vector<float>& x, const EncodeShape& s, pal_activation activation) {
  const Sparse found = encode(coder, x, s.rows, s.k, activation);
  std::vector<double> values(static_cast<size_t>(s.k));
  std::vector<int32_t> indices(static_cast<size_t>(s.k));
  for (int64_t r = 0; r < s.rows; ++r) {
    reference_select(reference_preactivations(coder, x, r), s.k, activation, values.data(), indices.data());
    for (int64_t slot = 0; slot < s.k; ++slot) {
      const auto at = static_cast<size_t>(r * s.k + slot);
      const bool good = found.values[at] == values[slot] && found.indices[at] == indices[slot];
      expect(good, "row %ld slot %ld of [%ld, %ld] x %ld, k %ld%s: found %g at %d, expected %g at %d", long(r), long(slot),
             long(s.rows), long(s.width), long(s.latents), long(s.k), coder.shape.bf16 ? ", bf16" : "", found.values[at],
             found.indices[at], values[slot], indices[slot]);
    }
  }
}

/* Whole numbers: with bias at most 15 x 16 + 2 = 242 < 256, exact in bf16. */
TestCoder whole_number_coder(const CoderShape& shape, Random& random) {
  TestCoder coder(shape, random);
  coder.encoder = integer_floats(random, shape.latents * shape.width, -3, 3);
  coder.encoder_bias = integer_floats(random, shape.latents, -2, 2);
  coder.decoder_bias = integer_floats(random, shape.width, -1, 1);
  coder.upload();
  return coder;
}

void whole_numbers() {
  Random random(1);
  const EncodeShape shapes[] = {{1, 1, 1, 1},      {3, 5, 7, 1},        {3, 5, 7, 7},         {2, 16, 64, 64},
                                {5, 13, 100, 10},  {4, 8, 2048, 32},    {3, 9, 8192, 32},     {2, 9, 8193, 33},
                                {2, 8, 16391, 64}, {2, 4, 32768, 32},   {1, 4, 33000, 256},   {1, 3, 3000, 1500},
                                {1, 2, 2048, 2048}, {2, 4, 4096, 1024}, {1, 6, 9000, 1025}};
  for (const EncodeShape& s : shapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder = whole_number_coder({s.width, s.latents, false, s.latents % 2 == 1, bf16}, random);
      expect_exact(coder, integer_floats(random, s.rows * s.width, -3, 3), s, PAL_TOPK);
    }
  }
}

void special_values() {
  Random random(2);
  const EncodeShape s{6, 4, 900, 25};
  for (const bool bf16 : {false, true}) {
    TestCoder coder = whole_number_coder({s.width, s.latents, false, false, bf16}, random);
    for (int64_t i = 0; i < s.latents; ++i) {
      const int64_t kind = random.integer(0, 40);
      if (kind == 0) coder.encoder_bias[i] = kNan;
      if (kind == 1) coder.encoder_bias[i] = -kInfinity;
      if (kind == 2 && i > 450) coder.encoder_bias[i] = kInfinity;
      if (kind == 3) coder.encoder[i * s.width] = kInfinity;
    }
    coder.upload();
    auto x = integer_floats(random, s.rows * s.width, -3, 3);
    x[0] = kNan;         /* row 0: nothing can be selected */
    x[s.width] = kInfinity; /* row 1: infinities of either sign, and NaN */
    expect_exact(coder, x, s, PAL_TOPK);
    expect_exact(coder, x, s, PAL_GROUPMAX);
  }
}

void nothing_positive() {
  Random random(3);
  const EncodeShape s{3, 4, 300, 8};
  for (const bool bf16 : {false, true}) {
    TestCoder coder = whole_number_coder({s.width, s.latents, false, false, bf16}, random);
    coder.encoder_bias.assign(coder.encoder_bias.size(), -200.0f);
    coder.encoder_bias[211] = 100.0f; /* one latent alone: seven slots of padding */
    coder.upload();
    const auto x = integer_floats(random, s.rows * s.width, -3, 3);
    expect_exact(coder, x, s, PAL_TOPK);
    expect_exact(coder, x, {3, 4, 300, 300}, PAL_TOPK);
    expect_exact(coder, x, {3, 4, 300, 10}, PAL_GROUPMAX);
  }
}

void all_equal() {
  Random random(4);
  for (const int64_t latents : {50, 1024, 1025, 9000, 34000}) {
    for (const bool bf16 : {false, true}) {
      TestCoder coder = whole_number_coder({2, latents, false, false, bf16}, random);
      coder.encoder.assign(coder.encoder.size(), 1.0f);
      coder.encoder_bias.assign(coder.encoder_bias.size(), 1.0f);
      coder.upload();
      expect_exact(coder, {1.0f, 2.0f, 3.0f, 4.0f}, {2, 2, latents, 17}, PAL_TOPK);
    }
  }
}

void groupmax() {
  Random random(5);
  const EncodeShape shapes[] = {{3, 5, 7, 1}, {3, 5, 7, 7}, {2, 8, 96, 4}, {5, 13, 100, 10}, {2, 8, 4096, 32}, {3, 3, 999, 27}};
  for (const EncodeShape& s : shapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder = whole_number_coder({s.width, s.latents, false, true, bf16}, random);
      expect_exact(coder, integer_floats(random, s.rows * s.width, -3, 3), s, PAL_GROUPMAX);
    }
  }
}

/* Normally distributed numbers: what is selected, and its order, within the rounding of the arithmetic. */
void within_rounding() {
  Random random(6);
  const EncodeShape shapes[] = {{9, 64, 512, 16}, {5, 33, 1000, 20}, {3, 96, 4100, 32}};
  for (const EncodeShape& s : shapes) {
    for (const bool bf16 : {false, true}) {
      const TestCoder coder({s.width, s.latents, false, true, bf16}, random);
      const auto x = normal_floats(random, s.rows * s.width);
      const Sparse found = encode(coder, x, s.rows, s.k, PAL_TOPK);
      /* fp32 sums: about sqrt(d) 2^-24; bf16 rounds the result once more, by 2^-9 of it at most. */
      const double relative = bf16 ? 0x1p-8 : 1e-5;
      for (int64_t r = 0; r < s.rows; ++r) {
        const auto a = reference_preactivations(coder, x, r);
        std::vector<bool> selected(a.size());
        double last = kInfinity;
        for (int64_t slot = 0; slot < s.k; ++slot) {
          const double value = found.values[static_cast<size_t>(r * s.k + slot)];
          const auto index = static_cast<size_t>(found.indices[static_cast<size_t>(r * s.k + slot)]);
          expect(value <= last, "row %ld slot %ld: %g after %g", long(r), long(slot), value, last);
          expect(index < a.size() && !selected[index], "row %ld slot %ld: index %zu again or outside", long(r), long(slot), index);
          selected[index] = true;
          expect_close(value, a[index], relative, 1e-5, "value", r * s.k + slot);
          last = value;
        }
        for (size_t i = 0; i < a.size(); ++i) {
          expect(selected[i] || a[i] <= last * (1.0 + relative) + 1e-5, "row %ld: latent %zu of %g left out, %g selected", long(r),
                 i, a[i], last);
        }
      }
    }
  }
}

void chunks() {
  Random random(7);
  for (const bool bf16 : {false, true}) {
    const TestCoder coder = whole_number_coder({3, 96, false, false, bf16}, random);
    const auto x = integer_floats(random, 300 * 3, -3, 3);
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(1)); /* a row at a time */
    expect_exact(coder, x, {7, 3, 96, 5}, PAL_TOPK);
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(2000)); /* a few rows, the last chunk not full */
    expect_exact(coder, x, {12, 3, 96, 5}, PAL_TOPK);
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(110000)); /* 256 rows, then the rest */
    expect_exact(coder, x, {300, 3, 96, 4}, PAL_GROUPMAX);
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(0));
  }
}

/* Two streams, two buffers: the bits of one. The detector sees whether the events order them. */
void overlap() {
  Random random(9);
  const EncodeShape s{1300, 8, 203, 6};
  const TestCoder coder = whole_number_coder({s.width, s.latents, false, true, true}, random);
  const auto x = integer_floats(random, s.rows * s.width, -3, 3);
  const Sparse plain = encode(coder, x, s.rows, s.k, PAL_TOPK);
  PAL_OK_OR_FAULT(pal_cuda_set_overlap(1));
  for (const int64_t bytes : {int64_t{0}, int64_t{2} * 256 * 208 * 2}) { /* two chunks; six, of 256 rows */
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(bytes));
    const Sparse both = encode(coder, x, s.rows, s.k, PAL_TOPK);
    expect(both.values == plain.values && both.indices == plain.indices, "other bits on two streams");
  }
  PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(0));
  PAL_OK_OR_FAULT(pal_cuda_set_overlap(0));
  expect(pal_cuda_set_overlap(2) == PAL_INVALID_ARGUMENT, "2 is neither on nor off");
}

void arguments() {
  Random random(8);
  const TestCoder coder({4, 12}, random);
  const Array<float> x(4), values(8);
  const Array<int32_t> indices(8);
  const size_t bytes = pal_encode_workspace_bytes(4, 12, 1, 5, PAL_TOPK);
  const Workspace workspace(static_cast<int64_t>(bytes));
  const auto status = [&](int64_t rows, int64_t k, pal_activation activation, size_t given) {
    return pal_encode(&coder.coder, x.get(), rows, k, activation, values.get(), indices.get(), workspace.get(), given, nullptr);
  };
  expect(status(0, 5, PAL_TOPK, 0) == PAL_OK, "rows 0: %s", pal_last_error());
  expect(status(1, 0, PAL_TOPK, bytes) == PAL_INVALID_ARGUMENT, "k 0");
  expect(status(1, 13, PAL_TOPK, bytes) == PAL_INVALID_ARGUMENT, "k > M");
  expect(status(1, 5, PAL_GROUPMAX, bytes) == PAL_INVALID_ARGUMENT, "12 latents in 5 groups");
  expect(status(1, 5, 2, bytes) == PAL_INVALID_ARGUMENT, "activation 2");
  expect(status(1, 5, PAL_TOPK, bytes - 1) == PAL_INVALID_ARGUMENT, "workspace one byte short");
  expect(std::string(pal_last_error()).find("workspace") != std::string::npos, "message '%s'", pal_last_error());
}

}  // namespace

std::vector<Case> encode_cases() {
  return {{"encode whole numbers", whole_numbers},
          {"encode special values", special_values},
          {"encode nothing positive", nothing_positive},
          {"encode all equal", all_equal},
          {"encode groupmax", groupmax},
          {"encode within rounding", within_rounding},
          {"encode chunks", chunks},
          {"encode overlap", overlap},
          {"encode arguments", arguments}};
}

}  // namespace pal::test
