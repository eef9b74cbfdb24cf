// W_enc is cut into items of a few packed panels that stay in the second-level cache. A thread takes an item, packs
// it, and multiplies all row blocks of the chunk with it, tile by tile. Each row keeps a running lower bound of its
// k-th largest value; the tile's epilogue adds the bias and lets through only what reaches the bound (about
// k ln(M/k) values of a row in all). Each thread keeps its own candidates; the exact selection over their union comes
// last, so which thread saw which latent cannot matter.
#include "encode.hpp"

#include <algorithm>
#include <limits>

#include "dense.hpp"
#include "select.hpp"

namespace palimpsest {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Shape {
  int64_t width, latents, rows, k; // rows of one chunk
  bool groups;
  int threads;

  int64_t panels() const { return ceil_div(latents, kTileColumns); }
  // Panels of an item: half a megabyte, but enough items for all threads.
  int64_t item_panels() const {
    const int64_t fitting = std::max<int64_t>(1, (int64_t{512} << 10) / (width * kTileColumns * 4));
    return std::min(std::min<int64_t>(fitting, 8), std::max<int64_t>(1, panels() / (4 * threads)));
  }
  int64_t padded_rows() const { return ceil_div(rows, kTileRows) * kTileRows; }
  // Candidates of a row and thread: room for k and for at least two panels more, or simply for every latent.
  int64_t capacity() const { return groups ? k : std::min(latents, k + std::max<int64_t>(k, 2 * kTileColumns)); }
};

// One thread's candidates for every row of the chunk.
struct Candidates {
  Key* keys;         // [rows, capacity]
  int64_t* counts;   // [rows]
  float* thresholds; // [padded rows]: nothing below it can be among the k best

  Candidates(Arena& arena, const Shape& s)
      : keys(arena.take<Key>(s.rows * s.capacity())), counts(arena.take<int64_t>(s.rows)),
        thresholds(arena.take<float>(s.padded_rows())) {}

  void clear(const Shape& s) const {
    std::fill_n(counts, s.rows, s.groups ? s.k : 0);
    std::fill_n(thresholds, s.padded_rows(), 0.0f);
    if (s.groups) std::fill_n(keys, s.rows * s.k, Key{0});
  }

  void add(const Shape& s, int64_t row, const float* values, uint32_t mask, int64_t latent) const {
    const int64_t capacity = s.capacity();
    Key* mine = keys + row * capacity;
    int64_t count = counts[row];
    for (; mask; mask &= mask - 1) {
      const int j = __builtin_ctz(mask);
      if (count == capacity) {
        thresholds[row] = key_value(keep_largest(mine, count, s.k));
        count = s.k;
      }
      mine[count++] = make_key(values[j], latent + j);
    }
    counts[row] = count;
  }

  void add_to_groups(const Shape& s, int64_t row, const float* values, uint32_t mask, int64_t latent) const {
    const int64_t group_size = s.latents / s.k;
    Key* best = keys + row * s.k;
    for (; mask; mask &= mask - 1) {
      const int j = __builtin_ctz(mask);
      Key& slot = best[(latent + j) / group_size];
      slot = std::max(slot, make_key(values[j], latent + j));
    }
  }

  // The bound of each row for a panel that lies within one group is that group's best so far.
  void load_group_thresholds(const Shape& s, int64_t first_row, int64_t count, int64_t latent) const {
    const int64_t group_size = s.latents / s.k, group = latent / group_size;
    const bool whole = (std::min(latent + kTileColumns, s.latents) - 1) / group_size == group;
    for (int64_t r = first_row; r < first_row + count; ++r) {
      thresholds[r] = whole ? key_value(keys[r * s.k + group]) : 0.0f;
    }
  }
};

struct Space {
  float* rows;    // packed x - c
  float* columns; // [threads][item panels][width, kTileColumns]
  Arena* arena;

  Space(Arena& a, const Shape& s)
      : rows(a.take<float>(packed_rows(s.rows, s.width))),
        columns(a.take<float>(s.threads * s.item_panels() * s.width * kTileColumns)), arena(&a) {}
};

class Encoder {
 public:
  Encoder(const EncodeJob& job, const Shape& shape, const Space& space, const Candidates* candidates)
      : job_(job), shape_(shape), space_(space), candidates_(candidates), kernel_(kernels()) {}

  void item(int thread, int64_t item) const {
    const int64_t panel_size = shape_.width * kTileColumns;
    float* columns = space_.columns + thread * shape_.item_panels() * panel_size;
    const int64_t first = item * shape_.item_panels();
    const int64_t count = std::min(shape_.item_panels(), shape_.panels() - first);
    for (int64_t n = 0; n < count; ++n) {
      const int64_t latent = (first + n) * kTileColumns;
      kernel_.pack_columns(job_.encoder + latent * shape_.width, shape_.width,
                           std::min(kTileColumns, shape_.latents - latent), columns + n * panel_size);
    }
    for (int64_t r = 0; r < shape_.rows; r += kTileRows) {
      for (int64_t n = 0; n < count; ++n) {
        tile(candidates_[thread], r, (first + n) * kTileColumns, columns + n * panel_size);
      }
    }
  }

 private:
  void tile(const Candidates& mine, int64_t row, int64_t latent, const float* columns) const {
    alignas(64) float values[kTileRows * kTileColumns];
    alignas(64) float bias[kTileColumns];
    uint32_t masks[kTileRows];
    const int64_t wide = std::min(kTileColumns, shape_.latents - latent);
    for (int64_t j = 0; j < kTileColumns; ++j) bias[j] = j < wide ? job_.encoder_bias[latent + j] : -kInfinity;
    const int64_t count = std::min(kTileRows, shape_.rows - row);
    kernel_.tile(space_.rows + row / kTileRows * packed_block(shape_.width), columns, shape_.width, values);
    if (shape_.groups) mine.load_group_thresholds(shape_, row, count, latent);
    kernel_.passing(values, bias, mine.thresholds + row, masks);
    for (int64_t i = 0; i < count; ++i) {
      if (!masks[i]) continue;
      const float* of_row = values + i * kTileColumns;
      if (shape_.groups) {
        mine.add_to_groups(shape_, row + i, of_row, masks[i], latent);
      } else {
        mine.add(shape_, row + i, of_row, masks[i], latent);
      }
    }
  }

  const EncodeJob& job_;
  const Shape& shape_;
  const Space& space_;
  const Candidates* candidates_;
  const Kernels& kernel_;
};

// The exact selection of one row over all threads' candidates, gathered in thread 0's place.
void finish_row(const EncodeJob& job, const Shape& s, const Candidates* candidates, int64_t row, int64_t out_row) {
  const int64_t capacity = s.capacity();
  Key* keys = candidates[0].keys + row * capacity;
  float* values = job.values + out_row * s.k;
  int32_t* indices = job.indices + out_row * s.k;
  if (s.groups) {
    for (int t = 1; t < s.threads; ++t) {
      const Key* other = candidates[t].keys + row * s.k;
      for (int64_t g = 0; g < s.k; ++g) keys[g] = std::max(keys[g], other[g]);
    }
    for (int64_t g = 0; g < s.k; ++g) {
      values[g] = keys[g] ? key_value(keys[g]) : 0.0f;
      indices[g] = keys[g] ? key_index(keys[g]) : 0;
    }
    return;
  }
  int64_t count = candidates[0].counts[row];
  for (int t = 1; t < s.threads; ++t) {
    const Key* other = candidates[t].keys + row * capacity;
    for (int64_t i = 0; i < candidates[t].counts[row]; ++i) {
      if (count == capacity) {
        keep_largest(keys, count, s.k);
        count = s.k;
      }
      keys[count++] = other[i];
    }
  }
  write_largest(keys, count, s.k, values, indices);
}

} // namespace

size_t encode_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, int thread_count) {
  const Shape shape = {width, latents, std::min(rows, kRowChunk), k, groups, thread_count};
  Arena arena(nullptr);
  Space space(arena, shape);
  arena.take<Candidates>(thread_count);
  for (int t = 0; t < thread_count; ++t) Candidates(arena, shape);
  return arena.used();
}

void encode(const EncodeJob& job, void* workspace, int thread_count) {
  for (int64_t first = 0; first < job.rows; first += kRowChunk) {
    const Shape shape = {job.width, job.latents, std::min(kRowChunk, job.rows - first), job.k, job.groups,
                         thread_count};
    Arena arena(workspace);
    const Space space(arena, shape);
    Candidates* candidates = arena.take<Candidates>(thread_count);
    for (int t = 0; t < thread_count; ++t) {
      candidates[t] = Candidates(arena, shape);
      candidates[t].clear(shape);
    }
    pack_rows(job.x + first * job.width, job.centre, shape.rows, job.width, space.rows);
    const Encoder encoder(job, shape, space, candidates);
    for_each_item(thread_count, ceil_div(shape.panels(), shape.item_panels()),
                  [&](int thread, int64_t item) { encoder.item(thread, item); });
    constexpr int64_t kRowsAtOnce = 32;
    for_each_item(thread_count, ceil_div(shape.rows, kRowsAtOnce), [&](int, int64_t block) {
      const int64_t end = std::min(shape.rows, (block + 1) * kRowsAtOnce);
      for (int64_t r = block * kRowsAtOnce; r < end; ++r) finish_row(job, shape, candidates, r, first + r);
    });
  }
}

} // namespace palimpsest
