/*
 * fused_test.cu - the fused encoder (E2) gives the bits of the plain one (E0) on the same product, and on whole numbers those
 * of the reference: ties, groups that hide more than they keep, NaN and infinities, sizes off every edge of the tiles.
 */
#include <cmath>
#include <limits>

#include "palimpsest_cuda.h"
#include "reference.h"
#include "tile.cuh"

namespace pal::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

struct FusedShape {
  int64_t rows, width, latents, k;
};

Sparse encode(const char* variant, const TestCoder& coder, const std::vector<float>& x, const FusedShape& s) {
  PAL_OK_OR_FAULT(pal_cuda_set_encode(variant));
  PAL_OK_OR_FAULT(pal_cuda_set_product("mma"));
  const Array<float> device_x(x);
  const size_t bytes = pal_encode_workspace_bytes(s.width, s.latents, s.rows, s.k, PAL_TOPK);
  Workspace workspace(static_cast<int64_t>(bytes));
  Sparse result;
  const auto run = [&] {
    const Array<float> values(s.rows * s.k);
    const Array<int32_t> indices(s.rows * s.k);
    workspace.poison();
    PAL_OK_OR_FAULT(pal_encode(&coder.coder, device_x.get(), s.rows, s.k, PAL_TOPK, values.get(), indices.get(), workspace.get(),
                               bytes, nullptr));
    result.values = values.download();
    result.indices = indices.download();
    std::vector<unsigned char> all;
    append_bytes(all, result.values);
    append_bytes(all, result.indices);
    return all;
  };
  if (std::strcmp(variant, "e2") == 0) {
    expect_repeatable("pal_encode by e2", run);
  } else {
    run();
  }
  PAL_OK_OR_FAULT(pal_cuda_set_product(""));
  PAL_OK_OR_FAULT(pal_cuda_set_encode(""));
  return result;
}

/* The same bits as E0. */
Sparse expect_as_e0(const TestCoder& coder, const std::vector<float>& x, const FusedShape& s) {
  const Sparse found = encode("e2", coder, x, s), wanted = encode("e0", coder, x, s);
  for (size_t at = 0; at < wanted.values.size(); ++at) {
    const bool good = found.values[at] == wanted.values[at] && found.indices[at] == wanted.indices[at];
    expect(good, "slot %zu of [%ld, %ld] x %ld, k %ld: found %g at %d, E0 has %g at %d", at, long(s.rows), long(s.width),
           long(s.latents), long(s.k), found.values[at], found.indices[at], wanted.values[at], wanted.indices[at]);
  }
  return found;
}

/* And those of the reference, which whole numbers allow to ask for. */
void expect_exact(const TestCoder& coder, const std::vector<float>& x, const FusedShape& s) {
  const Sparse found = expect_as_e0(coder, x, s);
  std::vector<double> values(static_cast<size_t>(s.k));
  std::vector<int32_t> indices(static_cast<size_t>(s.k));
  for (int64_t r = 0; r < s.rows; ++r) {
    reference_select(reference_preactivations(coder, x, r), s.k, PAL_TOPK, values.data(), indices.data());
    for (int64_t slot = 0; slot < s.k; ++slot) {
      const auto at = static_cast<size_t>(r * s.k + slot);
      expect(found.values[at] == values[slot] && found.indices[at] == indices[slot],
             "row %ld slot %ld of [%ld, %ld] x %ld, k %ld: found %g at %d, expected %g at %d", long(r), long(slot), long(s.rows),
             long(s.width), long(s.latents), long(s.k), found.values[at], found.indices[at], values[slot], indices[slot]);
    }
  }
}

TestCoder whole_number_coder(const FusedShape& s, bool centre, Random& random) {
  TestCoder coder({s.width, s.latents, false, centre, true}, random);
  coder.encoder = integer_floats(random, s.latents * s.width, -3, 3);
  coder.encoder_bias = integer_floats(random, s.latents, -2, 2);
  coder.decoder_bias = integer_floats(random, s.width, -1, 1);
  coder.upload();
  return coder;
}

/* Few different values: many ties, and groups whose best four are not all that count. Also k above what groups keep. */
void whole_numbers() {
  Random random(31);
  const FusedShape shapes[] = {{1, 1, 1, 1},      {3, 5, 7, 1},     {3, 5, 7, 7},      {2, 16, 64, 64},   {5, 13, 100, 10},
                               {130, 8, 200, 3},  {2, 9, 1000, 32}, {1, 4, 1024, 256}, {1, 2, 300, 256},  {2, 70, 513, 33},
                               {129, 15, 129, 5}, {1, 3, 65, 65},   {1, 12, 1500, 40}};
  for (const FusedShape& s : shapes) {
    const TestCoder coder = whole_number_coder(s, s.latents % 2 == 1, random);
    expect_exact(coder, integer_floats(random, s.rows * s.width, -3, 3), s);
  }
}

void normal_numbers() {
  Random random(32);
  const FusedShape shapes[] = {{9, 64, 512, 16}, {133, 33, 300, 20}, {2, 136, 1100, 1}, {3, 200, 700, 200}};
  for (const FusedShape& s : shapes) {
    const TestCoder coder({s.width, s.latents, false, true, true}, random);
    expect_as_e0(coder, normal_floats(random, s.rows * s.width), s);
  }
}

/* All that counts lies in few groups, which are computed anew. */
void crowded_groups() {
  Random random(33);
  for (const int64_t k : {1, 4, 5, 32, 64, 100}) {
    const FusedShape s{3, 40, 640, k};
    TestCoder coder({s.width, s.latents, false, false, true}, random);
    for (int64_t i = 0; i < s.latents; ++i) {
      coder.encoder_bias[i] = i / 64 == 3 || i / 64 == 9 ? 20.0f : i / 64 == 5 ? 18.0f : 0.0f;
    }
    coder.upload();
    expect_as_e0(coder, normal_floats(random, s.rows * s.width), s);
  }
}

void equal_values() {
  Random random(34);
  for (const int64_t latents : {50, 64, 1025, 2500}) {
    for (const int64_t k : {1, 17, 32}) {
      const FusedShape s{2, 2, latents, k};
      TestCoder coder = whole_number_coder(s, false, random);
      coder.encoder.assign(coder.encoder.size(), 1.0f);
      coder.encoder_bias.assign(coder.encoder_bias.size(), 1.0f);
      coder.upload();
      expect_exact(coder, {1.0f, 2.0f, 3.0f, 4.0f}, s);
    }
  }
}

void nothing_positive() {
  Random random(35);
  for (const int64_t k : {3, 8, 200}) {
    const FusedShape s{3, 4, 300, k};
    TestCoder coder = whole_number_coder(s, false, random);
    coder.encoder_bias.assign(coder.encoder_bias.size(), -200.0f);
    for (int64_t i = 128; i < 134; ++i) coder.encoder_bias[i] = 100.0f; /* six of one group alone */
    coder.encoder_bias[211] = 100.0f;
    coder.upload();
    expect_exact(coder, integer_floats(random, s.rows * s.width, -3, 3), s);
  }
}

void special_values() {
  Random random(36);
  const FusedShape s{5, 4, 500, 25};
  TestCoder coder = whole_number_coder(s, false, random);
  for (int64_t i = 0; i < s.latents; ++i) {
    const int64_t kind = random.integer(0, 20);
    if (kind == 0) coder.encoder_bias[i] = kNan;
    if (kind == 1) coder.encoder_bias[i] = -kInfinity;
    if (kind == 2 && i > 250) coder.encoder_bias[i] = kInfinity;
    if (kind == 3) coder.encoder[i * s.width] = kInfinity;
  }
  coder.upload();
  auto x = integer_floats(random, s.rows * s.width, -3, 3);
  x[0] = kNan;
  x[s.width] = kInfinity;
  expect_exact(coder, x, s);
}

/* Values that round to the smallest numbers of bf16, and to nothing. */
void tiny_values() {
  Random random(37);
  const FusedShape s{1, 2, 200, 30};
  TestCoder coder = whole_number_coder(s, false, random);
  for (int64_t i = 0; i < s.latents; ++i) {
    coder.encoder[i * 2] = 0.0f;
    coder.encoder[i * 2 + 1] = i % 3 == 0 ? 0x1p-70f : -0x1p-70f;
    coder.encoder_bias[i] = i % 40 == 0 ? 0x1p-126f : 0.0f;
  }
  coder.upload();
  expect_as_e0(coder, {1.0f, 0x1.8p-66f}, s); /* products of 1.5 x 2^-136, below half of bf16's least, 2^-133 */
  expect_as_e0(coder, {1.0f, 0x1.8p-62f}, s);
}

/* On a device like an A100 two stages, so that two blocks share a multiprocessor: the same bits. */
void fewer_stages() {
  Random random(39);
  const FusedShape s{30, 150, 300, 20}; /* three stages of columns */
  const TestCoder coder({s.width, s.latents, false, true, true}, random);
  const auto x = normal_floats(random, s.rows * s.width);
  const Sparse three = encode("e2", coder, x, s);
  asked_tile_stages() = 2;
  const Sparse two = expect_as_e0(coder, x, s);
  asked_tile_stages() = 0;
  expect(two.values == three.values && two.indices == three.indices, "other bits with two stages");
#if !defined(__CUDACC__)
  const size_t sizes[][2] = {{228, 3}, {164, 2}, {100, 3}};
  for (const auto& [kilobytes, stages] : sizes) {
    host::set_shared_per_multiprocessor(kilobytes << 10);
    expect(tile_stages() == static_cast<int>(stages), "%d stages with %zu KB", tile_stages(), kilobytes);
  }
  host::set_shared_per_multiprocessor(228 << 10);
#endif
}

void chunks_and_limits() {
  Random random(38);
  const FusedShape s{300, 3, 96, 5};
  const TestCoder coder = whole_number_coder(s, false, random);
  const auto x = integer_floats(random, s.rows * s.width, -3, 3);
  PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(256 * 32)); /* 256 rows of two groups, then the rest */
  expect_exact(coder, x, s);
  PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(0));

  const FusedShape beyond{2, 3, 600, 257}; /* too large a k: by E0, with its workspace */
  expect_exact(whole_number_coder(beyond, false, random), integer_floats(random, beyond.rows * beyond.width, -3, 3), beyond);

  PAL_OK_OR_FAULT(pal_cuda_set_encode("e2"));
  /* No buffer of pre-activations: a sixteenth of their number in words, and never more than 64 MiB and the input. */
  const double bytes = static_cast<double>(pal_encode_workspace_bytes(768, 131072, 65536, 32, PAL_TOPK));
  expect(bytes <= 0x1p26 * (1.0 + 2.0 * 768 / 32768) + 0x1p25 + 0x1p20, "%.0f bytes of workspace", bytes);
  PAL_OK_OR_FAULT(pal_cuda_set_encode(""));
  expect(pal_cuda_set_encode("e1") == PAL_INVALID_ARGUMENT && pal_cuda_set_encode(nullptr) == PAL_INVALID_ARGUMENT, "unknown names");
}

}  // namespace

std::vector<Case> fused_cases() {
  return {{"fused encode whole numbers", whole_numbers},     {"fused encode normal numbers", normal_numbers},
          {"fused encode crowded groups", crowded_groups},   {"fused encode equal values", equal_values},
          {"fused encode nothing positive", nothing_positive}, {"fused encode special values", special_values},
          {"fused encode fewer stages", fewer_stages},
          {"fused encode tiny values", tiny_values},         {"fused encode chunks and limits", chunks_and_limits}};
}

}  // namespace pal::test
