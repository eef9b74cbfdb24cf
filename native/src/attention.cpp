// One item is one head of one sequence. Its keys are packed as panels of 32 positions and its values as panels of 32
// channels; then, for twelve queries at a time, the tile kernel makes the scores of the positions these may see, softmax
// runs over each row, and the tile kernel again mixes the values. Scores of one block of queries are all that is held.
#include "attention.hpp"

#include <algorithm>

#include "dense.hpp"

namespace palimpsest {
namespace {

int64_t padded(int64_t n) { return ceil_div(n, kTileColumns) * kTileColumns; }

// What one thread needs.
struct Scratch {
  float* keys;   // [panels of positions][channels, kTileColumns]
  float* values; // [panels of channels][positions, kTileColumns]
  float* scores; // [kTileRows, padded positions]

  Scratch(Arena& arena, int64_t length, int64_t channels)
      : keys(arena.take<float>(padded(length) * channels)), values(arena.take<float>(padded(channels) * padded(length))),
        scores(arena.take<float>(kTileRows * padded(length))) {}
};

class Head {
 public:
  Head(const pal_cpu_attention_shape& shape, const Scratch& scratch)
      : shape_(shape), scratch_(scratch), kernel_(kernels()), stride_(padded(shape.length)) {}

  void pack(const float* keys, int64_t key_stride, const float* values, int64_t value_stride) const {
    const int64_t length = shape_.length, channels = shape_.channels;
    for (int64_t t = 0; t < stride_; ++t) {
      float* column = scratch_.keys + t / kTileColumns * channels * kTileColumns + t % kTileColumns;
      for (int64_t c = 0; c < channels; ++c) column[c * kTileColumns] = t < length ? keys[t * key_stride + c] : 0.0f;
    }
    for (int64_t first = 0; first < channels; first += kTileColumns) {
      float* panel = scratch_.values + first * stride_;
      const int64_t wide = std::min(kTileColumns, channels - first);
      for (int64_t t = 0; t < stride_; ++t) {
        for (int64_t j = 0; j < kTileColumns; ++j) {
          panel[t * kTileColumns + j] = t < length && j < wide ? values[t * value_stride + first + j] : 0.0f;
        }
      }
    }
  }

  // Queries [first, first + count), count <= kTileRows; out is where the first one's result goes.
  void attend(const float* queries, int64_t query_stride, int64_t first, int64_t count, float* out,
              int64_t out_stride) const {
    const int64_t begin = seen_from(first) / kTileColumns * kTileColumns, end = padded(first + count);
    const TileRows rows(queries, query_stride, count);
    for (int64_t t = begin; t < end; t += kTileColumns) {
      kernel_.tile(rows.at, 1, scratch_.keys + t * shape_.channels, shape_.channels, nullptr, scratch_.scores + t,
                   stride_);
    }
    float inverse_sums[kTileRows];
    for (int64_t i = 0; i < count; ++i) {
      inverse_sums[i] = kernel_.softmax(scratch_.scores + i * stride_, begin, seen_from(first + i), first + i + 1, end,
                                        shape_.scale);
    }
    const TileRows weights(scratch_.scores + begin, stride_, count);
    alignas(64) float mixed[kTileRows * kTileColumns];
    for (int64_t c = 0; c < shape_.channels; c += kTileColumns) {
      kernel_.tile(weights.at, 1, scratch_.values + c * stride_ + begin * kTileColumns, end - begin, nullptr, mixed,
                   kTileColumns);
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t j = 0; j < std::min(kTileColumns, shape_.channels - c); ++j) {
          out[i * out_stride + c + j] = mixed[i * kTileColumns + j] * inverse_sums[i];
        }
      }
    }
  }

 private:
  int64_t seen_from(int64_t position) const {
    return shape_.window > 0 ? std::max<int64_t>(0, position + 1 - shape_.window) : 0;
  }

  const pal_cpu_attention_shape& shape_;
  const Scratch& scratch_;
  const Kernels& kernel_;
  int64_t stride_;
};

} // namespace

size_t attention_workspace(int64_t length, int64_t channels, int thread_count) {
  Arena arena(nullptr);
  for (int t = 0; t < thread_count; ++t) Scratch(arena, length, channels);
  return arena.used();
}

void attention(const pal_cpu_heads& queries, const pal_cpu_heads& keys, const pal_cpu_heads& values,
               const pal_cpu_attention_shape& shape, float* out, void* workspace, int thread_count) {
  const int64_t out_stride = shape.heads * shape.channels;
  const size_t each = attention_workspace(shape.length, shape.channels, 1);
  for_each_item(thread_count, shape.rows * shape.heads, [&](int thread, int64_t item) {
    const int64_t row = item / shape.heads, head = item % shape.heads;
    const int64_t shared = head / (shape.heads / shape.key_heads);
    Arena arena(static_cast<char*>(workspace) + static_cast<size_t>(thread) * each);
    const Scratch scratch(arena, shape.length, shape.channels);
    const Head work(shape, scratch);
    work.pack(keys.data + row * keys.row_stride + shared * keys.head_stride, keys.position_stride,
              values.data + row * values.row_stride + shared * values.head_stride, values.position_stride);
    const float* q = queries.data + row * queries.row_stride + head * queries.head_stride;
    float* result = out + row * shape.length * out_stride + head * shape.channels;
    for (int64_t t = 0; t < shape.length; t += kTileRows) {
      work.attend(q + t * queries.position_stride, queries.position_stride, t, std::min(kTileRows, shape.length - t),
                  result + t * out_stride, out_stride);
    }
  });
}

} // namespace palimpsest
