// What all threads have found so far: for every row, the candidates for its k best activations.
#ifndef PALIMPSEST_CANDIDATES_HPP
#define PALIMPSEST_CANDIDATES_HPP

#include <algorithm>
#include <mutex>
#include <new>

#include "runtime.hpp"
#include "select.hpp"
#include "spin_lock.hpp"

namespace palimpsest {

// The problem of one chunk of rows, as all parts of encode see it.
struct EncodeShape {
  int64_t width, latents, k;
  int64_t rows; // the most that a chunk has
  bool groups;  // groupmax
  bool bytes;   // 8-bit screening
  int threads;

  int64_t panels() const { return ceil_div(latents, kTileColumns); }
  // Panels of an item: their weights take about a quarter of a megabyte, but there are enough items for all threads.
  int64_t item_panels() const {
    const int64_t fitting = std::max<int64_t>(1, (int64_t{256} << 10) / (width * kTileColumns * 4));
    return std::min(std::min(fitting, kMaxItemPanels), std::max<int64_t>(1, panels() / (4 * threads)));
  }
  int64_t padded_rows() const { return ceil_div(rows, kTileRows) * kTileRows; }
  // Candidates of a row: room for k and some more, or simply for every latent. The threshold rises when it is full.
  int64_t capacity() const { return groups ? k : std::min(latents, k + std::max<int64_t>(k / 2, kTileColumns)); }
  int64_t group_size() const { return latents / k; }

  static constexpr int64_t kMaxItemPanels = 4;
};

struct Candidates {
  Key* keys;                      // [rows, capacity]; groupmax: [rows, k], each group's best or 0
  int64_t* counts;                // [rows]
  std::atomic<float>* thresholds; // [padded rows]: what lies below is of no interest; they only rise
  SpinLock* locks;                // [rows], of a row's keys and count

  Candidates(Arena& arena, const EncodeShape& s)
      : keys(arena.take<Key>(s.rows * s.capacity())), counts(arena.take<int64_t>(s.rows)),
        thresholds(arena.take<std::atomic<float>>(s.padded_rows())), locks(arena.take<SpinLock>(s.rows)) {}

  void clear(const EncodeShape& s, const float* first_thresholds) const {
    std::fill_n(counts, s.rows, int64_t{0});
    for (int64_t r = 0; r < s.rows; ++r) new (locks + r) SpinLock();
    for (int64_t r = 0; r < s.padded_rows(); ++r) new (thresholds + r) std::atomic<float>(first_thresholds[r]);
    if (s.groups) std::fill_n(keys, s.rows * s.k, Key{0});
  }

  float threshold(int64_t row) const { return thresholds[row].load(std::memory_order_relaxed); }

  // Keeps an activation > 0, if it is any good.
  void add(const EncodeShape& s, int64_t row, float value, int64_t latent) const {
    if (value < threshold(row)) return;
    const Key key = make_key(value, latent);
    const std::lock_guard<SpinLock> held(locks[row]);
    if (s.groups) {
      Key& slot = keys[row * s.k + latent / s.group_size()];
      slot = std::max(slot, key);
    } else {
      const int64_t capacity = s.capacity();
      Key* mine = keys + row * capacity;
      if (counts[row] == capacity) {
        const float kth = key_value(keep_largest(mine, capacity, s.k));
        thresholds[row].store(std::max(threshold(row), kth), std::memory_order_relaxed);
        counts[row] = s.k;
      }
      mine[counts[row]++] = key;
    }
  }

  // Groupmax: the threshold of a row for a panel that lies within one group is that group's best so far, as far as it
  // can be seen without waiting.
  float group_threshold(const EncodeShape& s, int64_t row, int64_t latent) const {
    const int64_t group = latent / s.group_size();
    const bool whole = (std::min(latent + kTileColumns, s.latents) - 1) / s.group_size() == group;
    if (!whole) return 0.0f;
    const std::unique_lock<SpinLock> held(locks[row], std::try_to_lock);
    return held ? key_value(keys[row * s.k + group]) : 0.0f;
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
