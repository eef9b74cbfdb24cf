/*
 * memory_test.cu - the promised bounds of scratch memory, at sizes that only a GPU could hold: nothing of B x M but one chunk
 * of pre-activations of at most 512 MiB, nothing of B x k x d.
 */
#include "harness.h"
#include "palimpsest_cuda.h"
#include "product.h"

namespace pal::test {
namespace {

constexpr double kMib = 1048576.0;

struct LargeShape {
  double width, latents, rows, k;
};

void expect_below(size_t bytes, double bound, const char* what, const LargeShape& s) {
  expect(static_cast<double>(bytes) <= bound, "%s wants %.1f MiB at B %.0f d %.0f M %.0f k %.0f, expected at most %.1f", what,
         static_cast<double>(bytes) / kMib, s.rows, s.width, s.latents, s.k, bound / kMib);
}

void bounds() {
  const LargeShape shapes[] = {{768, 131072, 65536, 32}, {768, 32768, 65536, 32}, {768, 32768, 8192, 32}, {4096, 131072, 65536, 64}};
  for (const LargeShape& s : shapes) {
    const auto d = static_cast<int64_t>(s.width), m = static_cast<int64_t>(s.latents);
    const auto rows = static_cast<int64_t>(s.rows), k = static_cast<int64_t>(s.k);
    const double product = static_cast<double>(product_workspace_bytes()), slack = kMib;
    for (const double chunk : {512 * kMib, 32 * kMib}) {
      PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(static_cast<int64_t>(chunk)));
      for (const pal_activation activation : {PAL_TOPK, PAL_GROUPMAX}) {
        /* The chunk, its rows of input (d columns to M of pre-activations, at either precision), cuBLASLt's own. */
        expect_below(pal_encode_workspace_bytes(d, m, rows, k, activation), chunk * (1.0 + s.width / s.latents) + product + slack,
                     "pal_encode", s);
      }
    }
    PAL_OK_OR_FAULT(pal_cuda_set_chunk_bytes(0));
    /* 37 bytes a hit, the sums of much-hit latents, a few numbers a latent, column sums in at most 512 chunks, W_skip's gradient. */
    const double hits = s.rows * s.k * (37.0 + s.width / 32.0) + 16.0 * s.latents + 512.0 * 8.0 * s.width + 4.0 * s.width * s.width;
    expect_below(pal_step_workspace_bytes(d, m, rows, k), hits + product + slack, "pal_step", s);
    expect_below(pal_backward_workspace_bytes(d, m, rows, k), hits + product + slack, "pal_backward", s);
    expect_below(pal_step_workspace_bytes(d, m, rows, k), 0.1 * s.rows * s.k * s.width * 4.0 + 4.0 * s.width * s.width + product,
                 "pal_step, against a tenth of B x k x d floats,", s);
    const double loss = 8.0 * s.rows + 3.0 * 256.0 * 8.0 * s.width;
    expect_below(pal_cuda_decode_loss_workspace_bytes(d, m, rows, k), loss + product + slack, "pal_cuda_decode_loss", s);
    expect_below(pal_fvu_workspace_bytes(d, rows), loss + slack, "pal_fvu", s);
    expect_below(pal_decode_workspace_bytes(d, m, rows, k), product + slack, "pal_decode", s);
  }
}

}  // namespace

std::vector<Case> memory_cases() { return {{"memory bounds", bounds}}; }

}  // namespace pal::test
