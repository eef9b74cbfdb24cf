// W_enc is cut into items of a few panels of latents that stay in the second-level cache. A thread takes an item and
// screens all row blocks of the chunk with it, tile by tile (screen.hpp); what may reach a row's threshold, the k-th
// largest activation it has seen, is computed by the exact dot product: about k ln(M/k) latents a row and a few more.
// Threads keep their own candidates and exchange thresholds; the exact selection over the union of the candidates comes
// last, so which thread saw which latent cannot matter.
#include "encode.hpp"

#include <algorithm>

#include "screen.hpp"
#include "select.hpp"

namespace palimpsest {
namespace {

// Rows are taken in chunks of this many, so that the workspace stays small however long a batch is.
constexpr int64_t kRowChunk = 256 * kTileRows;

struct Shape {
  int64_t width, latents, rows, k; // rows of one chunk
  bool groups, bytes, centred;
  int threads;

  int64_t panels() const { return ceil_div(latents, kTileColumns); }
  // Panels of an item: their weights take about half a megabyte, but there are enough items for all threads.
  int64_t item_panels() const {
    const int64_t fitting = std::max<int64_t>(1, (int64_t{512} << 10) / (width * kTileColumns * 4));
    return std::min(std::min<int64_t>(fitting, 8), std::max<int64_t>(1, panels() / (4 * threads)));
  }
  int64_t padded_rows() const { return ceil_div(rows, kTileRows) * kTileRows; }
  // Candidates of a row and thread: room for k and a good deal more, or simply for every latent.
  int64_t capacity() const { return groups ? k : std::min(latents, k + std::max<int64_t>(k, 2 * kTileColumns)); }
  int64_t group_size() const { return latents / k; }
};

// One thread's candidates for every row of the chunk.
struct Candidates {
  Key* keys;         // [rows, capacity]; groupmax: [rows, k], each group's best
  int64_t* counts;   // [rows]
  float* thresholds; // [padded rows]: nothing below it can be among the k best

  Candidates(Arena& arena, const Shape& s)
      : keys(arena.take<Key>(s.rows * s.capacity())), counts(arena.take<int64_t>(s.rows)),
        thresholds(arena.take<float>(s.padded_rows())) {}

  void clear(const Shape& s) const {
    std::fill_n(counts, s.rows, int64_t{0});
    std::fill_n(thresholds, s.padded_rows(), 0.0f);
    if (s.groups) std::fill_n(keys, s.rows * s.k, Key{0});
  }

  void add(const Shape& s, int64_t row, float value, int64_t latent) const {
    if (s.groups) {
      Key& slot = keys[row * s.k + latent / s.group_size()];
      slot = std::max(slot, make_key(value, latent));
      return;
    }
    const int64_t capacity = s.capacity();
    Key* mine = keys + row * capacity;
    if (counts[row] == capacity) {
      thresholds[row] = std::max(thresholds[row], key_value(keep_largest(mine, capacity, s.k)));
      counts[row] = s.k;
    }
    mine[counts[row]++] = make_key(value, latent);
  }

  // Groupmax: the bound of each row for a panel that lies within one group is that group's best so far.
  void load_group_thresholds(const Shape& s, int64_t first_row, int64_t count, int64_t latent) const {
    const int64_t group = latent / s.group_size();
    const bool whole = (std::min(latent + kTileColumns, s.latents) - 1) / s.group_size() == group;
    for (int64_t r = first_row; r < first_row + count; ++r) {
      thresholds[r] = whole ? key_value(keys[r * s.k + group]) : 0.0f;
    }
  }
};

// How a workspace is divided.
struct Space {
  float* centred; // [rows, width]: x - c, where there is a centre
  RowScreen rows;
  std::atomic<float>* shared; // [padded rows]: the best threshold any thread has published

  Space(Arena& arena, const Shape& s)
      : centred(arena.take<float>(s.centred ? s.rows * s.width : 0)), rows(arena, s.rows, s.width, s.bytes),
        shared(arena.take<std::atomic<float>>(s.padded_rows())) {}
};

struct Worker {
  ColumnScreen columns;
  Candidates candidates;

  Worker(Arena& arena, const Shape& s)
      : columns(arena, s.item_panels(), s.width, s.bytes), candidates(arena, s) {}
};

class Encoder {
 public:
  Encoder(const EncodeJob& job, const Shape& shape, const Space& space, const float* x, Worker* workers)
      : job_(job), shape_(shape), space_(space), x_(x), workers_(workers), kernel_(kernels()) {}

  void item(int thread, int64_t item) const {
    Worker& mine = workers_[thread];
    const int64_t first = item * shape_.item_panels();
    const int64_t count = std::min(shape_.item_panels(), shape_.panels() - first);
    for (int64_t n = 0; n < count; ++n) {
      const int64_t latent = (first + n) * kTileColumns;
      mine.columns.prepare(space_.rows, n, job_.encoder + latent * shape_.width, job_.encoder_bias + latent,
                           std::min(kTileColumns, shape_.latents - latent));
    }
    for (int64_t row = 0; row < shape_.rows; row += kTileRows) block(mine, row, first * kTileColumns, count);
  }

 private:
  void block(Worker& mine, int64_t row, int64_t latent, int64_t panels) const {
    const int64_t count = std::min(kTileRows, shape_.rows - row);
    float* thresholds = mine.candidates.thresholds + row;
    if (!shape_.groups) {
      for (int64_t i = 0; i < count; ++i) {
        thresholds[i] = std::max(thresholds[i], space_.shared[row + i].load(std::memory_order_relaxed));
      }
    }
    uint32_t masks[8][kTileRows];
    for (int64_t n = 0; n < panels; ++n) {
      if (shape_.groups) mine.candidates.load_group_thresholds(shape_, row, count, latent + n * kTileColumns);
      mine.columns.screen(space_.rows, row / kTileRows, thresholds, n, count, masks[n]);
    }
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t n = 0; n < panels; ++n) {
        if (masks[n][i]) compute(mine.candidates, row + i, latent + n * kTileColumns, masks[n][i]);
      }
      publish(row + i, thresholds[i]);
    }
  }

  // The exact activations of the latents that the mask names.
  void compute(const Candidates& mine, int64_t row, int64_t latent, uint32_t mask) const {
    const float* x = x_ + row * shape_.width;
    for (; mask; mask &= mask - 1) {
      const int64_t i = latent + __builtin_ctz(mask);
      const float value = kernel_.dot(x, job_.encoder + i * shape_.width, shape_.width) + job_.encoder_bias[i];
      if (value > 0.0f && (shape_.groups || value >= mine.thresholds[row])) mine.add(shape_, row, value, i);
    }
  }

  void publish(int64_t row, float threshold) const {
    std::atomic<float>& best = space_.shared[row];
    float seen = best.load(std::memory_order_relaxed);
    while (seen < threshold && !best.compare_exchange_weak(seen, threshold, std::memory_order_relaxed)) {
    }
  }

  const EncodeJob& job_;
  const Shape& shape_;
  const Space& space_;
  const float* x_;
  Worker* workers_;
  const Kernels& kernel_;
};

// The exact selection of one row over all threads' candidates, gathered in thread 0's place.
void finish_row(const EncodeJob& job, const Shape& s, const Worker* workers, int64_t row, int64_t out_row) {
  const int64_t capacity = s.capacity();
  Key* keys = workers[0].candidates.keys + row * capacity;
  float* values = job.values + out_row * s.k;
  int32_t* indices = job.indices + out_row * s.k;
  if (s.groups) {
    for (int t = 1; t < s.threads; ++t) {
      const Key* other = workers[t].candidates.keys + row * s.k;
      for (int64_t g = 0; g < s.k; ++g) keys[g] = std::max(keys[g], other[g]);
    }
    for (int64_t g = 0; g < s.k; ++g) {
      values[g] = keys[g] ? key_value(keys[g]) : 0.0f;
      indices[g] = keys[g] ? key_index(keys[g]) : 0;
    }
    return;
  }
  int64_t count = workers[0].candidates.counts[row];
  for (int t = 1; t < s.threads; ++t) {
    const Key* other = workers[t].candidates.keys + row * capacity;
    for (int64_t i = 0; i < workers[t].candidates.counts[row]; ++i) {
      if (count == capacity) {
        keep_largest(keys, count, s.k);
        count = s.k;
      }
      keys[count++] = other[i];
    }
  }
  write_largest(keys, count, s.k, values, indices);
}

void subtract_centre(const float* x, const float* centre, int64_t rows, int64_t width, float* out, int thread_count) {
  for_each_item(thread_count, rows, [&](int, int64_t r) {
    for (int64_t p = 0; p < width; ++p) out[r * width + p] = x[r * width + p] - centre[p];
  });
}

void encode_chunk(const EncodeJob& job, const Shape& shape, int64_t first, void* workspace) {
  Arena arena(workspace);
  Space space(arena, shape);
  Worker* workers = arena.take<Worker>(shape.threads);
  for (int t = 0; t < shape.threads; ++t) {
    new (workers + t) Worker(arena, shape);
    workers[t].candidates.clear(shape);
  }
  for (int64_t r = 0; r < shape.padded_rows(); ++r) new (space.shared + r) std::atomic<float>(0.0f);
  const float* x = job.x + first * job.width;
  if (job.centre) {
    subtract_centre(x, job.centre, shape.rows, job.width, space.centred, shape.threads);
    x = space.centred;
  }
  space.rows.prepare(x, shape.rows, shape.threads);
  const Encoder encoder(job, shape, space, x, workers);
  for_each_item(shape.threads, ceil_div(shape.panels(), shape.item_panels()),
                [&](int thread, int64_t item) { encoder.item(thread, item); });
  constexpr int64_t kRowsAtOnce = 32;
  for_each_item(shape.threads, ceil_div(shape.rows, kRowsAtOnce), [&](int, int64_t block) {
    const int64_t end = std::min(shape.rows, (block + 1) * kRowsAtOnce);
    for (int64_t r = block * kRowsAtOnce; r < end; ++r) finish_row(job, shape, workers, r, first + r);
  });
}

Shape shape_of(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, bool centred, int thread_count) {
  return {width, latents, std::min(rows, kRowChunk), k, groups, screens_by_bytes(kernels(), width), centred,
          thread_count};
}

} // namespace

size_t encode_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, bool groups, bool centred,
                        int thread_count) {
  const Shape shape = shape_of(width, latents, rows, k, groups, centred, thread_count);
  Arena arena(nullptr);
  Space space(arena, shape);
  arena.take<Worker>(thread_count);
  for (int t = 0; t < thread_count; ++t) Worker(arena, shape);
  return arena.used();
}

void encode(const EncodeJob& job, void* workspace, int thread_count) {
  for (int64_t first = 0; first < job.rows; first += kRowChunk) {
    encode_chunk(job,
                 shape_of(job.width, job.latents, job.rows - first, job.k, job.groups, job.centre != nullptr,
                          thread_count),
                 first, workspace);
  }
}

} // namespace palimpsest
