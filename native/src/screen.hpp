// Certified screening: a cheap product says which latents of a row could reach its threshold, and only those are
// computed by the exact dot product. A latent is passed over only if a rigorous upper bound of its activation, rounding
// included, lies below the threshold; so the result is that of computing all of them.
//
// Single-precision tiles. |tile - dot| <= 2 g |x| |w| with g = n u / (1 - n u), n = d + a few, u = 2^-24, because both
// are sums of d rounded products in some order (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
//
// 8-bit tiles. Columns are shifted and scaled first, x' = (x - mean) / t and w' = t w, with t a power of two, so that
// no outlying column spoils the others; x w = mean w + x' w' (the sum over columns). With x' = s q + e (e the residual)
// and w' = v p + f:
//     |x' w' - s v q p| = |e (v p) + x' f| <= |e| |v p| + |x'| |f|           (Cauchy-Schwarz)
// q p is computed exactly in integers; the norms of the residuals are measured, not estimated. To this come g |x'| |w'|
// for the rounding of the exact dot product and a few u for that of the bound itself.
//
// Heavy-tailed rows leave large residuals e. So e is quantised too, e = s2 q2 + e2, and a latent that the tile could not
// exclude is judged again by s v q p + s2 v q2 p, with |e2| in the place of |e|: a byte product of one row and one
// latent, a third of the work of the exact one.
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
  // One bit a row: its numbers are so large, small or broken that no bound holds, and all latents must be computed.
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
