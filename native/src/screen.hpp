// Certified screening: a cheap product says which latents of a row could reach its threshold, and only those are
// computed by the exact dot product. A latent is passed over only if a rigorous upper bound of its activation, rounding
// included, lies below the threshold; so the result is that of computing all of them.
//
// The proof. Vertical bars are Euclidean norms. u = 2^-24: an operation errs by at most u of its result or, where a
// product is subnormal, by 2^-150 (rounding to nearest, subnormals kept; sums never underflow). g(n) = n u / (1 - n u)
// bounds n roundings in a row (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
//
// What is bounded: A = D + b, rounded, with D the exact dot product of x and w as computed. On any path of its sum lie at
// most n = ceil(d / 64) + 6 roundings, so |D - x w| <= g(n) sum |x_p w_p| + d 2^-150.
//
// Norms. A sum of squares S loses at most g(d / 16 + 4) of itself when quantising, g(n) as a dot product, and 2^-150 for
// every square that vanishes. What stands below for |v| is sqrt(S) + a, rounded, with the allowance a = sqrt(d) 2^-72,
// eight times what vanishing squares can take: it lacks at most a share h = (d / 32 + 4) u, or (n / 2 + 2) u, of the true
// norm, and where that is nothing it has 0.8 a more.
//
// Single-precision tiles. |tile - x w| <= g(d) |x| |w| + d 2^-150. The bound is computed as
//     tile + b' + |x| (g(2 d + 16) |w| + a),       b' = b + 6 u |b|, rounded.
//   - d + n of the 2 d + 16 are for tile and D, three for two sums of the bound and that of A; what the norms lack, and
//     the roundings of their product, are a thousandth of that. Four of the 6 are for b in the same sums and b' itself.
//   - Underflow: 2 d + 4 times 2^-150 in tile, D and the bound; the two allowances multiplied, 0.8 a^2, are 51 d 2^-150.
//
// 8-bit tiles. Columns are shifted and scaled first, x' = (x - mean) / t and w' = t w, with t a power of two, so that
// no outlying column spoils the others; x w = mean w + x' w' (the sum over columns). With x' = s q + e (e the residual)
// and w' = v p + f:
//     |x' w' - s v q p| = |e (v p) + x' f| <= |e| |v p| + |x'| |f|           (Cauchy-Schwarz)
// q p is computed exactly in integers; the norms of the residuals are measured, not estimated. (Where sums of eight products
// are taken in 16 bits, s is so large that they fit, kMostInWindow.) The bound is computed as
//     s v q p + b' + |e| (|w'| + |f|) + |x'| (|f| + g(d / 4 + 113) |w'|),
//     b' = b + 6 u |b| + mean w + 2 g(n + 3) |mean / t| |w'|, rounded.
//   - In D, sum |x_p w_p| <= (|x'| + |mean / t|) |w'|. So g(n) |mean / t| |w'| is for D, as much for the sum mean w, and
//     6 u for its part in b', in the sums of the bound, three at most, and in that of A. Five of the 6 u |b| are for b in
//     the same.
//   - n of d / 4 + 113 are for D, 1 for A, 1 for x - mean.
//   - Rounding to the nearest whole number makes |e| <= (1 + 5 u) |x'| and |f| likewise, so |s q| |v p| <= 4.1 |x'| |w'|:
//     seven roundings of that product, and seven of the second digits' (below), come to 58. (Where the inverse of a step
//     overflows, whole numbers are not the nearest; but there |e| < 2^-119 sqrt(d), and u of it is far below a. Sums in 16
//     bits may wrap there, by 2^17 for eight products: d 2^14 s v with s < 2^-128, which is less than d 2^-119 |w'|.) e is
//     stored rounded: 2.1 for u |e| |v p|.
//   - |e| (|w'| + |f|) + |x'| |f| < 3.1 |x'| |w'|: what their norms lack, 2 h of it, comes to d / 5 + 25; five roundings
//     of each product of norms to 16; lesser orders to 2. In all, with n <= d / 64 + 7, less than d / 4 + 113.
//   - Underflow: 2 d + 7 times 2^-150 in D, mean w and the bound, and one in each number of x', w' and e, which costs
//     sqrt(d) 2^-150 (|x'| + |w'| + |v p|): all far below 0.8 a (|x'| + |w'|) + a^2, by which the products of norms are
//     larger for their allowances.
//
// Heavy-tailed rows leave large residuals e. So e is quantised too, e = s2 q2 + e2, and a latent that the tile could not
// exclude is judged again by s v q p + s2 v q2 p, with |e2| in the place of |e|: a byte product of one row and one
// latent, a third of the work of the exact one.
//
// Overflow. With |x'|, |w'| <= 10^15, and |mean / t| < 10^14 by its choice, nothing above does, but b' may become an
// infinity, as may A. Rows and latents beyond that, or with a NaN, are not judged but computed. If b is a NaN or
// -infinity, b' is a NaN, which reaches no threshold, and A is not positive.
//
// native/tests/test_screen.cpp has problems that come so close to the bound that it fails without any one of its terms.
#ifndef PALIMPSEST_SCREEN_HPP
#define PALIMPSEST_SCREEN_HPP

#include "runtime.hpp"

namespace palimpsest {

// Screening data of a chunk of rows, shared by all threads.
class RowScreen {
 public:
  RowScreen(Arena& arena, int64_t rows, int64_t width, bool bytes);

  // x [rows, width] is centred already.
  void prepare(const float* x, int64_t rows, int thread_count);

  bool bytes() const { return bytes_; }
  // One bit a row: its numbers are so large or broken that no bound holds, and all latents must be computed.
  uint32_t unbounded(int64_t block) const { return unbounded_[block]; }

 private:
  friend class ColumnScreen;
  void choose_shift_and_scale(const float* x, int64_t rows);
  void prepare_row(const float* x, int64_t row, uint8_t* q, float* shifted);

  // The second digits of a block's rows.
  struct FineTerms {
    float scale[kTileRows], error[kTileRows];
    int32_t start[kTileRows];
  };

  int64_t width_;
  bool bytes_;
  const float* x_;       // [rows, width], the caller's
  int64_t row_count_;
  int8_t* packed_bytes_; // [blocks][groups, kTileRows, 4]
  int8_t* fine_bytes_;   // [rows][padded_bytes(width)], the second digits
  int32_t* start_;       // [blocks][kTileRows]: minus the columns' offset times sum(q)
  RowTerms* terms_;      // [blocks]; thresholds are the caller's
  FineTerms* fine_;      // [blocks]
  uint32_t* unbounded_;  // [blocks]
  float* mean_;          // [width]
  float* shrink_;        // [width], 1 / t
  float* grow_;          // [width], t
  float mean_norm_;      // of mean / t
};

// Screening data of the latents of one item, one thread's own.
class ColumnScreen {
 public:
  ColumnScreen(Arena& arena, int64_t panels, int64_t width, bool bytes);

  // Latents [first, first + count) of one panel; w and bias are those of the first.
  void prepare(const RowScreen& rows, int64_t panel, const float* w, const float* bias, int64_t count);

  // For `count` rows from `block` on, at most kBlocks blocks: bit j of masks[i] says that latent j of the panel may
  // reach thresholds[i], or cannot be judged. Latents beyond the panel's are never set. tiles, [kTileRows, kTileColumns]
  // for each block, are filled for estimate().
  void screen(const RowScreen& rows, int64_t block, int64_t count, const float* thresholds, int64_t panel, float* tiles,
              uint32_t* masks) const;

  // Of the latents in `mask`, those that still may reach the threshold by the finer bound; the tile is that of the
  // block, and `i` the row in it.
  uint32_t refine(const RowScreen& rows, int64_t block, int64_t i, int64_t panel, const float* tile, float threshold,
                  uint32_t mask) const;

  // Blocks screened at once: while they pass by, a piece of the panel stays in the first-level cache.
  static constexpr int64_t kBlocks = 8;

  // The activation of row i and latent j of a tile as the screen saw it: near the true one, without any guarantee.
  float estimate(const RowScreen& rows, int64_t block, int64_t panel, const float* tile, int64_t i, int64_t j) const {
    return tile[i * kTileColumns + j] * rows.terms_[block].scale[i] * terms_[panel].scale[j] + terms_[panel].bias[j];
  }

 private:
  void multiply(const RowScreen& rows, int64_t block, int64_t blocks, int64_t panel, float* tiles) const;

  int64_t width_;
  float* packed_;
  uint8_t* packed_bytes_; // [panels][groups, kTileColumns, 4]
  uint8_t* plain_bytes_;  // the same, [panels][kTileColumns, padded_bytes(width)]
  ColumnTerms* terms_;    // [panels]
  uint32_t* unbounded_;   // [panels]
  uint32_t* present_;     // [panels]
};

// Whether this processor and this width allow 8-bit tiles.
bool screens_by_bytes(const Kernels& kernel, int64_t width);

} // namespace palimpsest

#endif
