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

// Numbers that the loops over one row take at a time, whatever the width of a register.
constexpr int64_t kLanes = 16;

// Below every value of a running log-sum-exp, and far enough from the least float that differences stay finite.
constexpr float kLeast = -1e38f;

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

// Screening asks, for a tile of rows r and columns (latents) j, whether an upper bound of the activation reaches the
// row's threshold:  values[r][j] scale_r scale_j + bias_j + error_r norm_j + norm_r error_j  (see screen.hpp).
struct RowTerms {
  float scale[kTileRows], error[kTileRows], norm[kTileRows], threshold[kTileRows];
};
struct ColumnTerms {
  float scale[kTileColumns], error[kTileColumns], norm[kTileColumns], bias[kTileColumns];
};

// Bytes that a quantised vector of n numbers takes.
constexpr int64_t padded_bytes(int64_t n) { return (n + 63) / 64 * 64; }

// Some processors add up the byte products of sixteen neighbouring numbers in 16 bits, in two sums of eight. So of a row the
// magnitudes of eight that meet, q[16 n + i] with i % 4 < 2, or with i % 4 >= 2, add up to this at most: 258 * 127 < 2^15.
constexpr int kMostInWindow = 258;

// A vector v as step * q + residual, q whole numbers. The sums of squares are those of v and of the residual.
struct Quantized {
  float step, square, residual_square;
  int32_t sum; // of q
};

struct Kernels {
  const char* name;

  // out[i * stride + j] = sum_p rows[i][p * step] * columns[p][j] + bias[j], p ascending from 0, one fused multiply-add
  // each; bias NULL: none. rows: kTileRows pointers; columns [depth, kTileColumns] packed.
  void (*tile)(const float* const* rows, int64_t step, const float* columns, int64_t depth, const float* bias,
               float* out, int64_t stride);

  // Bit j of masks[i] is set where the bound above is > 0 and >= the row's threshold.
  void (*passing)(const float* values, const RowTerms& rows, const ColumnTerms& columns, uint32_t* masks);

  // 8-bit products, for processors that do several at once; else byte_levels is 0 and the three functions are NULL. Rows
  // are whole numbers in [-127, 127], those of tile_bytes within kMostInWindow where `windows` is set; columns are in
  // [-byte_levels, byte_levels], stored as themselves + byte_levels + 1.
  int byte_levels;
  bool windows;

  // out[i][j] = float(start[i] + sum_p rows[p][i] columns[p][j]), the sum exact; p runs over `groups` groups of four,
  // packed as rows [groups, kTileRows, 4] and columns [groups, kTileColumns, 4].
  void (*tile_bytes)(const int8_t* rows, const uint8_t* columns, int64_t groups, const int32_t* start, float* out);

  // sum_p row[p] column[p], exact; both padded to padded_bytes(n), the row with zeros.
  int32_t (*dot_bytes)(const int8_t* row, const uint8_t* column, int64_t n);

  // Quantises v_p factor_p (factors NULL: v_p) to whole numbers in [-levels, levels], stored as themselves + offset and
  // padded with offset to padded_bytes(n); windows: within kMostInWindow, unless the inverse of the step overflows. The
  // residuals, [n], are written unless NULL.
  Quantized (*quantize)(const float* v, const float* factors, int64_t n, int levels, bool windows, int offset, uint8_t* q,
                        float* residuals);

  // Packs `count` <= kTileColumns rows of w [*, depth] as columns [depth, kTileColumns], zero-padded.
  void (*pack_columns)(const float* w, int64_t depth, int64_t count, float* columns);

  // <a, b> with 64 running sums and a fixed tree at the end.
  float (*dot)(const float* a, const float* b, int64_t n);

  // y += alpha x, and y += alpha (x - c).
  void (*axpy)(float alpha, const float* x, float* y, int64_t n);
  void (*axpy_centred)(float alpha, const float* x, const float* c, float* y, int64_t n);

  // Softmax of scale s, scale > 0, over s[first, last), without the division: exponentials of the differences from the
  // largest there, zeros in the rest of s[begin, end); returns 1 / (their sum).
  float (*softmax)(float* s, int64_t begin, int64_t first, int64_t last, int64_t end, float scale);

  // Takes v[0, count), count <= kTileColumns, into sixteen running log-sum-exps: most[i] is the largest value that lane i
  // has seen and sum[i] that of e^(value - most[i]) over them; begin with most = kLeast, sum = 0. A value that is no
  // finite number makes its lane's sum NaN.
  void (*take_exponentials)(const float* v, int64_t count, float* most, float* sum);

  // w /= divisor.
  void (*divide)(float* w, float divisor, int64_t n);

  // 16-bit products (bf16, the upper half of a float). A pair is two neighbouring numbers, the first in the upper half of a
  // word; an odd one out stands with a zero. AMX packs rows in an order of its own and adds in another (amx_tiles.hpp).
  //
  // Rounds n numbers of each of `count` <= kTileRows rows, to the nearest, ties to even, subnormals to 0, and packs them as
  // pairs [ceil(n / 2)][count].
  void (*pack_pairs)(const float* const* rows, int64_t count, int64_t n, uint32_t* pairs);

  // out[i * stride + j] = sum_p rows[p][i] columns[p][j] + bias[j] for i < count <= kTileRows: one chain of fused
  // multiply-adds, of a pair the first before the second, that takes subnormals for 0 and leaves none; bias NULL: none. rows
  // [depth][count] and columns [depth][kTileColumns] of pairs.
  void (*tile_pairs)(const uint32_t* rows, int64_t count, const uint32_t* columns, int64_t depth, const float* bias,
                     float* out, int64_t stride);

  // One optimiser update; g NULL stands for zeros; second is unused by signum.
  void (*update)(float* p, const float* g, float* first, float* second, int64_t n, const UpdateConstants& constants);
};

const Kernels& portable_kernels();
#ifdef PAL_X86
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& avx512vnni_kernels();
const Kernels& avx512bf16_kernels();
#endif
#ifdef PAL_AMX
const Kernels& amx_kernels();
bool amx_is_lent(); // by the system to this process; asks for it
#endif

} // namespace palimpsest

#endif
