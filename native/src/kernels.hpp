// The inner loops that exist once per instruction set. Everything above them (threads, workspaces, selection) is
// compiled once for the baseline processor, so that no template instantiated with wide instructions can leak into
// code that runs everywhere.
#ifndef PALIMPSEST_KERNELS_HPP
#define PALIMPSEST_KERNELS_HPP

#include <cstdint>

namespace palimpsest {

// One tile of the dense product: kTileRows rows by kTileColumns columns, all accumulators in registers (AVX-512).
constexpr int64_t kTileRows = 12;
constexpr int64_t kTileColumns = 32;

// What an update needs to know, already reduced to the constants of the inner loop.
struct UpdateConstants {
  bool signum;
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float step_size;         // Adam: lr / (1 - b1^t); signum: lr
  float inverse_root_bias; // Adam: 1 / sqrt(1 - b2^t)
  float epsilon;
  float average_weight;    // signum: 1 / t
};

struct Kernels {
  const char* name;

  // out[i][j] = sum_p rows[p][i] * columns[p][j], p ascending, one fused multiply-add each, starting from 0.
  // rows [depth, kTileRows] and columns [depth, kTileColumns] are packed; out [kTileRows, kTileColumns].
  void (*tile)(const float* rows, const float* columns, int64_t depth, float* out);

  // values[i][j] += bias[j]; bit j of masks[i] is set where values[i][j] > 0 and values[i][j] >= thresholds[i].
  void (*passing)(float* values, const float* bias, const float* thresholds, uint32_t* masks);

  // Packs `count` <= kTileColumns rows of w [*, depth] as columns [depth, kTileColumns], zero-padded.
  void (*pack_columns)(const float* w, int64_t depth, int64_t count, float* columns);

  // <a, b> with 64 running sums and a fixed tree at the end.
  float (*dot)(const float* a, const float* b, int64_t n);

  // y += alpha x, and y += alpha (x - c).
  void (*axpy)(float alpha, const float* x, float* y, int64_t n);
  void (*axpy_centred)(float alpha, const float* x, const float* c, float* y, int64_t n);

  // w /= divisor.
  void (*divide)(float* w, float divisor, int64_t n);

  // One optimiser update; g NULL stands for zeros; second is unused by signum.
  void (*update)(float* p, const float* g, float* first, float* second, int64_t n, const UpdateConstants& constants);
};

const Kernels& portable_kernels();
#ifdef PAL_X86
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
#endif

} // namespace palimpsest

#endif
