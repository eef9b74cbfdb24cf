// W_enc is cut into items of a few panels of latents that stay in the second-level cache. A thread takes an item and
// screens all row blocks of the chunk with it, tile by tile (screen.hpp); what may reach a row's threshold is computed
// by the exact dot product. The threshold is the k-th largest activation seen so far, by any thread.
//
// That alone would compute about k ln(M / k) latents a row and several times as many that the screen cannot exclude,
// most of them early on, while thresholds are low. So each row starts from a guess, taken from the screen's own
// estimates for a sample of the latents: a rank in the sample that lies, but for a few rows in a hundred thousand, below
// the k-th of all. When the pass is over, a row with k activations at or above its guess has proved it right; the few
// others are encoded once more without one. (Single-precision tiles screen so well that the sample would cost more than
// it saves.)
//
// The exact selection over the candidates comes last, so which thread found which, and when, cannot matter.
#include "encode.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "candidates.hpp"
#include "screen.hpp"

namespace palimpsest {
namespace {

// Rows are taken in chunks of this many, so that the workspace stays small however long a batch is.
constexpr int64_t kRowChunk = 256 * kTileRows;
// The sample for the guess: so many panels, where they are at most an eighth of all.
constexpr int64_t kSamplePanels = 64;

// How a workspace is divided, for chunks of up to shape.rows rows.
struct Space {
  float* own_x; // [rows, width]: x - c where there is a centre; the rows to be done again
  RowScreen rows;
  Candidates candidates;
  float* guesses; // [padded rows], 0 for none
  int64_t* again; // [rows]
  ColumnScreen* columns; // [threads]

  Space(Arena& arena, const EncodeShape& s)
      : own_x(arena.take<float>(s.rows * s.width)), rows(arena, s.rows, s.width, s.bytes), candidates(arena, s),
        guesses(arena.take<float>(s.padded_rows())), again(arena.take<int64_t>(s.rows)),
        columns(arena.take<ColumnScreen>(s.threads)) {
    for (int t = 0; t < s.threads; ++t) {
      const ColumnScreen own(arena, s.item_panels(), s.width, s.bytes);
      if (columns) new (columns + t) ColumnScreen(own);
    }
  }
};

// One pass over all latents for some rows.
class Pass {
 public:
  // x [rows, width], centred.
  Pass(const EncodeJob& job, const EncodeShape& shape, const Space& space, const float* x, int64_t rows)
      : job_(job), shape_(shape), space_(space), x_(x), rows_(rows), candidates_(space.candidates), kernel_(kernels()) {}

  void run(bool guess) const {
    std::fill_n(space_.guesses, shape_.padded_rows(), 0.0f);
    if (guess && shape_.bytes && !shape_.groups && shape_.panels() >= 8 * kSamplePanels) guess_thresholds();
    candidates_.clear(shape_, space_.guesses);
    for_each_item(shape_.threads, ceil_div(shape_.panels(), shape_.item_panels()),
                  [&](int thread, int64_t item) { run_item(space_.columns[thread], item); });
  }

  // Writes the selection of a row to place `out_row` of the result; false where its guess was too high.
  bool finish(int64_t row, int64_t out_row) const {
    if (space_.guesses[row] > 0.0f && candidates_.counts[row] < shape_.k) return false;
    candidates_.write(shape_, row, job_.values + out_row * shape_.k, job_.indices + out_row * shape_.k);
    return true;
  }

 private:
  void prepare(ColumnScreen& mine, int64_t slot, int64_t panel) const {
    const int64_t latent = panel * kTileColumns;
    mine.prepare(space_.rows, slot, job_.encoder + latent * shape_.width, job_.encoder_bias + latent,
                 std::min(kTileColumns, shape_.latents - latent));
  }

  // The rank in a sample of `share` of the latents that is almost surely no better than rank k of all: the number of
  // the k best that fall into the sample is nearly Poisson.
  int64_t guess_rank(double share) const {
    const double expected = share * static_cast<double>(shape_.k);
    return static_cast<int64_t>(std::ceil(expected + 5.0 * std::sqrt(expected)));
  }

  void guess_thresholds() const {
    const int64_t stride = shape_.panels() / kSamplePanels;
    const int64_t rank = guess_rank(1.0 / static_cast<double>(stride));
    if (rank > shape_.capacity()) return;
    std::fill_n(candidates_.counts, rows_, int64_t{0});
    // Row blocks are dealt out by thread, each of which packs the sample's panels for itself.
    for_each_item(shape_.threads, shape_.threads, [&](int thread, int64_t part) {
      ColumnScreen& mine = space_.columns[thread];
      const int64_t blocks = ceil_div(rows_, kTileRows);
      const int64_t begin = blocks * part / shape_.threads, end = blocks * (part + 1) / shape_.threads;
      for (int64_t n = 0; n < kSamplePanels && begin < end; ++n) {
        prepare(mine, 0, n * stride);
        for (int64_t block = begin; block < end; ++block) sample(mine, block, rank);
      }
    });
  }

  // Updates the guesses of a block's rows, each the rank-th largest estimate, from the panel in slot 0. The best
  // estimates are kept, in descending order, where the candidates will be.
  void sample(const ColumnScreen& mine, int64_t block, int64_t rank) const {
    const int64_t row = block * kTileRows, count = std::min(kTileRows, rows_ - row);
    alignas(64) float tile[kTileRows * kTileColumns];
    uint32_t masks[kTileRows];
    mine.screen(space_.rows, block, count, space_.guesses + row, 0, tile, masks);
    for (int64_t i = 0; i < count; ++i) {
      Key* best = candidates_.keys + (row + i) * shape_.capacity();
      int64_t& kept = candidates_.counts[row + i];
      for (uint32_t mask = masks[i]; mask; mask &= mask - 1) {
        const float value = mine.estimate(space_.rows, block, 0, tile, i, __builtin_ctz(mask));
        if (!(value > space_.guesses[row + i])) continue;
        int64_t at = kept < rank ? kept++ : rank - 1;
        for (; at > 0 && key_value(best[at - 1]) < value; --at) best[at] = best[at - 1];
        best[at] = make_key(value, 0);
        if (kept == rank) space_.guesses[row + i] = key_value(best[rank - 1]);
      }
    }
  }

  static constexpr int64_t kRowsAtOnce = ColumnScreen::kBlocks * kTileRows;

  void run_item(ColumnScreen& mine, int64_t item) const {
    const int64_t first = item * shape_.item_panels();
    const int64_t count = std::min(shape_.item_panels(), shape_.panels() - first);
    for (int64_t n = 0; n < count; ++n) prepare(mine, n, first + n);
    for (int64_t row = 0; row < rows_; row += kRowsAtOnce) run_rows(mine, row, first * kTileColumns, count);
  }

  void run_rows(const ColumnScreen& mine, int64_t row, int64_t latent, int64_t panels) const {
    const int64_t count = std::min(kRowsAtOnce, rows_ - row);
    float thresholds[kRowsAtOnce];
    alignas(64) float tiles[EncodeShape::kMaxItemPanels][kRowsAtOnce * kTileColumns];
    uint32_t masks[EncodeShape::kMaxItemPanels][kRowsAtOnce];
    for (int64_t n = 0; n < panels; ++n) {
      if (n == 0 || shape_.groups) load_thresholds(row, count, latent + n * kTileColumns, thresholds);
      mine.screen(space_.rows, row / kTileRows, count, thresholds, n, tiles[n], masks[n]);
    }
    for (int64_t i = 0; i <= count; ++i) {
      // One row ahead, so that what it needs has time to arrive.
      if (i < count) refine(mine, row, i, latent, panels, tiles, masks);
      for (int64_t n = 0; i > 0 && n < panels; ++n) compute(row + i - 1, latent + n * kTileColumns, masks[n][i - 1]);
    }
  }

  // For `count` rows, padded to whole blocks, and the panel that begins with `latent`.
  void load_thresholds(int64_t row, int64_t count, int64_t latent, float* thresholds) const {
    for (int64_t i = 0; i < ceil_div(count, kTileRows) * kTileRows; ++i) {
      const bool group = shape_.groups && i < count;
      thresholds[i] = group ? candidates_.group_threshold(shape_, row + i, latent) : candidates_.threshold(row + i);
    }
  }

  // Judges the latents of row + i once more, and asks for the weights of those that remain, and for the row.
  void refine(const ColumnScreen& mine, int64_t row, int64_t i, int64_t latent, int64_t panels,
              const float (*tiles)[kRowsAtOnce * kTileColumns], uint32_t (*masks)[kRowsAtOnce]) const {
    uint32_t any = 0;
    for (int64_t n = 0; n < panels; ++n) {
      uint32_t& mask = masks[n][i];
      if (!mask) continue;
      const float* tile = tiles[n] + i / kTileRows * kTileRows * kTileColumns;
      mask = mine.refine(space_.rows, (row + i) / kTileRows, i % kTileRows, n, tile, candidates_.threshold(row + i),
                         mask);
      any |= mask;
      for (uint32_t left = mask; left; left &= left - 1) {
        prefetch(job_.encoder + (latent + n * kTileColumns + __builtin_ctz(left)) * shape_.width);
      }
    }
    if (any) prefetch(x_ + (row + i) * shape_.width);
  }

  void prefetch(const float* v) const {
    constexpr int64_t kLine = 64 / sizeof(float);
    for (int64_t p = 0; p < shape_.width; p += kLine) __builtin_prefetch(v + p, 0, 3);
  }

  // The exact activations of the latents that the mask names.
  void compute(int64_t row, int64_t latent, uint32_t mask) const {
    const float* x = x_ + row * shape_.width;
    for (; mask; mask &= mask - 1) {
      const int64_t i = latent + __builtin_ctz(mask);
      const float value = kernel_.dot(x, job_.encoder + i * shape_.width, shape_.width) + job_.encoder_bias[i];
      if (value > 0.0f) candidates_.add(shape_, row, value, i);
    }
  }

  const EncodeJob& job_;
  const EncodeShape& shape_;
  const Space& space_;
  const float* x_;
  int64_t rows_;
  const Candidates& candidates_;
  const Kernels& kernel_;
};

// The chunk's rows less the centre, in memory of ours; or the caller's rows themselves.
const float* centred(const EncodeJob& job, const EncodeShape& shape, const Space& space, const float* x,
                     int64_t rows) {
  if (!job.centre) return x;
  for_each_item(shape.threads, rows, [&](int, int64_t r) {
    float* own = space.own_x + r * job.width;
    for (int64_t p = 0; p < job.width; ++p) own[p] = x[r * job.width + p] - job.centre[p];
  });
  return space.own_x;
}

void encode_chunk(const EncodeJob& job, const EncodeShape& shape, Space& space, int64_t first, int64_t rows) {
  const float* x = centred(job, shape, space, job.x + first * job.width, rows);
  space.rows.prepare(x, rows, shape.threads);
  const Pass pass(job, shape, space, x, rows);
  pass.run(true);
  constexpr int64_t kRowsAtOnce = 32;
  for_each_item(shape.threads, ceil_div(rows, kRowsAtOnce), [&](int, int64_t block) {
    for (int64_t r = block * kRowsAtOnce; r < std::min(rows, (block + 1) * kRowsAtOnce); ++r) {
      space.again[r] = !pass.finish(r, first + r);
    }
  });
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) {
    if (!space.again[r]) continue;
    std::memmove(space.own_x + count * job.width, x + r * job.width, static_cast<size_t>(job.width) * sizeof(float));
    space.again[count++] = first + r;
  }
  if (count == 0) return;
  space.rows.prepare(space.own_x, count, shape.threads);
  const Pass second(job, shape, space, space.own_x, count);
  second.run(false);
  for (int64_t r = 0; r < count; ++r) second.finish(r, space.again[r]);
}

EncodeShape shape_of(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, int thread_count) {
  return {width, latents, k, std::min(rows, kRowChunk), groups, screens_by_bytes(kernels(), width), thread_count};
}

} // namespace

size_t encode_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, int thread_count) {
  Arena arena(nullptr);
  const Space space(arena, shape_of(width, latents, rows, k, groups, thread_count));
  return arena.used();
}

void encode(const EncodeJob& job, void* workspace, int thread_count) {
  const EncodeShape shape = shape_of(job.width, job.latents, job.rows, job.k, job.groups, thread_count);
  Arena arena(workspace);
  Space space(arena, shape);
  for (int64_t first = 0; first < job.rows; first += shape.rows) {
    encode_chunk(job, shape, space, first, std::min(shape.rows, job.rows - first));
  }
}

} // namespace palimpsest
