// What one thread has found so far: for every row, the candidates for its k best activations.
#ifndef PALIMPSEST_CANDIDATES_HPP
#define PALIMPSEST_CANDIDATES_HPP

#include <algorithm>

#include "runtime.hpp"
#include "select.hpp"

namespace palimpsest {

// The problem of one chunk of rows, as all parts of encode see it.
struct EncodeShape {
  int64_t width, latents, k;
  int64_t rows; // the most that a chunk has
  bool groups;  // groupmax
  bool bytes;   // 8-bit screening
  int threads;

  int64_t panels() const { return ceil_div(latents, kTileColumns); }
  // Panels of an item: their weights take about half a megabyte, but there are enough items for all threads.
  int64_t item_panels() const {
    const int64_t fitting = std::max<int64_t>(1, (int64_t{512} << 10) / (width * kTileColumns * 4));
    return std::min(std::min(fitting, kMaxItemPanels), std::max<int64_t>(1, panels() / (4 * threads)));
  }
  int64_t padded_rows() const { return ceil_div(rows, kTileRows) * kTileRows; }
  // Candidates of a row and thread: room for k and a good deal more, or simply for every latent.
  int64_t capacity() const { return groups ? k : std::min(latents, k + std::max<int64_t>(k, 2 * kTileColumns)); }
  int64_t group_size() const { return latents / k; }

  static constexpr int64_t kMaxItemPanels = 8;
};

struct Candidates {
  Key* keys;         // [rows, capacity]; groupmax: [rows, k], each group's best or 0
  int64_t* counts;   // [rows]
  float* thresholds; // [padded rows]: what lies below is of no interest

  Candidates(Arena& arena, const EncodeShape& s)
      : keys(arena.take<Key>(s.rows * s.capacity())), counts(arena.take<int64_t>(s.rows)),
        thresholds(arena.take<float>(s.padded_rows())) {}

  void clear(const EncodeShape& s) const {
    std::fill_n(counts, s.rows, int64_t{0});
    std::fill_n(thresholds, s.padded_rows(), 0.0f);
    if (s.groups) std::fill_n(keys, s.rows * s.k, Key{0});
  }

  // Keeps an activation > 0, if it is any good; thresholds[row] is then the k-th best kept, at times.
  void add(const EncodeShape& s, int64_t row, float value, int64_t latent) const {
    const Key key = make_key(value, latent);
    if (s.groups) {
      Key& slot = keys[row * s.k + latent / s.group_size()];
      slot = std::max(slot, key);
      return;
    }
    if (value < thresholds[row]) return;
    const int64_t capacity = s.capacity();
    Key* mine = keys + row * capacity;
    if (counts[row] == capacity) {
      thresholds[row] = std::max(thresholds[row], key_value(keep_largest(mine, capacity, s.k)));
      counts[row] = s.k;
    }
    mine[counts[row]++] = key;
  }

  // Groupmax: the threshold of each row for a panel that lies within one group is that group's best so far.
  void load_group_thresholds(const EncodeShape& s, int64_t first_row, int64_t count, int64_t latent) const {
    const int64_t group = latent / s.group_size();
    const bool whole = (std::min(latent + kTileColumns, s.latents) - 1) / s.group_size() == group;
    for (int64_t r = first_row; r < first_row + count; ++r) {
      thresholds[r] = whole ? key_value(keys[r * s.k + group]) : 0.0f;
    }
  }

  // Takes another thread's candidates of a row into this one's.
  void absorb(const EncodeShape& s, const Candidates& other, int64_t row) const {
    const int64_t capacity = s.capacity();
    Key* mine = keys + row * capacity;
    const Key* theirs = other.keys + row * capacity;
    if (s.groups) {
      for (int64_t g = 0; g < s.k; ++g) mine[g] = std::max(mine[g], theirs[g]);
      return;
    }
    for (int64_t i = 0; i < other.counts[row]; ++i) {
      if (counts[row] == capacity) {
        keep_largest(mine, capacity, s.k);
        counts[row] = s.k;
      }
      mine[counts[row]++] = theirs[i];
    }
  }

  // Writes a row's selection, [k] each.
  void write(const EncodeShape& s, int64_t row, float* values, int32_t* indices) const {
    Key* mine = keys + row * s.capacity();
    if (!s.groups) {
      write_largest(mine, counts[row], s.k, values, indices);
      return;
    }
    for (int64_t g = 0; g < s.k; ++g) {
      values[g] = mine[g] ? key_value(mine[g]) : 0.0f;
      indices[g] = mine[g] ? key_index(mine[g]) : 0;
    }
  }
};

} // namespace palimpsest

#endif
