// One item is one head of one sequence. Its keys are packed as panels of 32 positions and its values as panels of 32
// channels; then, for twelve queries at a time, the tile kernel makes the scores of the positions these may see, softmax
// runs over each row, and the tile kernel again mixes the values. Scores of one block of queries are all that is held.
//
// A tile covers whole panels, hence also positions that some of its queries may not see, with weight 0. As 0 times an
// infinity or NaN is NaN, blocks of queries with such values near mix each query's own positions alone: the same bits for
// all else, since what is left out adds zeros.
#include "attention.hpp"

#include <algorithm>
#include <cstring>

#include "dense.hpp"

namespace palimpsest {
namespace {

int64_t padded(int64_t n) { return ceil_div(n, kTileColumns) * kTileColumns; }

// What one thread needs.
struct Scratch {
  float* keys;   // [panels of positions][channels, kTileColumns]
  float* values; // [panels of channels][positions, kTileColumns]
  float* scores; // [kTileRows, padded positions]
  bool* broken;  // [panels of positions]: holds a value that is not finite

  Scratch(Arena& arena, int64_t length, int64_t channels)
      : keys(arena.take<float>(padded(length) * channels)), values(arena.take<float>(padded(channels) * padded(length))),
        scores(arena.take<float>(kTileRows * padded(length))),
        broken(arena.take<bool>(ceil_div(length, kTileColumns))) {}
};

// Queries of a tile: where each lies, its position, and where its result goes.
struct Block {
  int64_t count = 0;
  const float* queries[kTileRows];
  int64_t positions[kTileRows];
  float* out[kTileRows];

  void add(const float* query, int64_t position, float* result) {
    queries[count] = query;
    positions[count] = position;
    out[count++] = result;
  }
};

// The keys and values of one head of one sequence, packed.
class Head {
 public:
  Head(const pal_cpu_attention_shape& shape, int64_t length, const Scratch& scratch)
      : shape_(shape), scratch_(scratch), kernel_(kernels()), length_(length), stride_(padded(length)) {}

  // Positions [first, first + count).
  void pack(const float* keys, int64_t key_stride, const float* values, int64_t value_stride, int64_t first,
            int64_t count) const {
    const int64_t channels = shape_.channels;
    for (int64_t t = first; t < first + count; ++t, keys += key_stride, values += value_stride) {
      float* column = key_column(t);
      for (int64_t c = 0; c < channels; ++c) column[c * kTileColumns] = keys[c];
      for (int64_t c = 0; c < channels; c += kTileColumns) {
        float* row = scratch_.values + c * stride_ + t * kTileColumns;
        const int64_t wide = std::min(kTileColumns, channels - c);
        std::copy_n(values + c, wide, row);
        std::fill(row + wide, row + kTileColumns, 0.0f);
      }
    }
  }

  // After the last position: fills up the last panel with zeros, and looks for values that are not finite.
  void finish() const {
    for (int64_t t = length_; t < stride_; ++t) {
      for (int64_t c = 0; c < shape_.channels; ++c) key_column(t)[c * kTileColumns] = 0.0f;
      for (int64_t c = 0; c < shape_.channels; c += kTileColumns) {
        std::fill_n(scratch_.values + c * stride_ + t * kTileColumns, kTileColumns, 0.0f);
      }
    }
    for (int64_t t = 0; t < stride_; t += kTileColumns) scratch_.broken[t / kTileColumns] = any_broken(t);
  }

  void attend(const Block& block) const {
    const auto [earliest, latest] = std::minmax_element(block.positions, block.positions + block.count);
    const int64_t begin = seen_from(*earliest) / kTileColumns * kTileColumns, end = padded(*latest + 1);
    const float* rows[kTileRows];
    for (int64_t i = 0; i < kTileRows; ++i) rows[i] = block.queries[std::min(i, block.count - 1)];
    for (int64_t t = begin; t < end; t += kTileColumns) {
      kernel_.tile(rows, 1, scratch_.keys + t * shape_.channels, shape_.channels, nullptr, scratch_.scores + t,
                   stride_);
    }
    float inverse_sums[kTileRows];
    for (int64_t i = 0; i < block.count; ++i) {
      const int64_t position = block.positions[i];
      inverse_sums[i] = kernel_.softmax(scratch_.scores + i * stride_, begin, seen_from(position), position + 1, end,
                                        shape_.scale);
    }
    if (std::any_of(scratch_.broken + begin / kTileColumns, scratch_.broken + end / kTileColumns,
                    [](bool broken) { return broken; })) {
      for (int64_t i = 0; i < block.count; ++i) {
        mix(scratch_.scores + i * stride_, seen_from(block.positions[i]), block.positions[i] + 1, 1, inverse_sums + i,
            block.out + i);
      }
      return;
    }
    mix(scratch_.scores, begin, end, block.count, inverse_sums, block.out);
  }

 private:
  float* key_column(int64_t t) const {
    return scratch_.keys + t / kTileColumns * shape_.channels * kTileColumns + t % kTileColumns;
  }

  // out[i] = sum of weights[i, t] values[t] over t in [begin, end), divided by the sum of the weights. The added 0 makes
  // a zero positive, whatever the signs of what was multiplied by 0.
  void mix(const float* weights, int64_t begin, int64_t end, int64_t count, const float* inverse_sums,
           float* const* out) const {
    const TileRows rows(weights + begin, stride_, count);
    alignas(64) float mixed[kTileRows * kTileColumns];
    for (int64_t c = 0; c < shape_.channels; c += kTileColumns) {
      kernel_.tile(rows.at, 1, scratch_.values + c * stride_ + begin * kTileColumns, end - begin, nullptr, mixed,
                   kTileColumns);
      for (int64_t i = 0; i < count; ++i) {
        for (int64_t j = 0; j < std::min(kTileColumns, shape_.channels - c); ++j) {
          out[i][c + j] = mixed[i * kTileColumns + j] * inverse_sums[i] + 0.0f;
        }
      }
    }
  }

  // Whether one of the values of the 32 positions from t on is not finite.
  bool any_broken(int64_t t) const {
    constexpr uint32_t kExponent = 0x7f800000;
    uint32_t broken = 0;
    for (int64_t c = 0; c < shape_.channels; c += kTileColumns) {
      const float* values = scratch_.values + c * stride_ + t * kTileColumns;
      for (int64_t n = 0; n < kTileColumns * kTileColumns; ++n) {
        uint32_t bits;
        std::memcpy(&bits, values + n, sizeof bits);
        broken |= (bits & kExponent) == kExponent ? 1u : 0u;
      }
    }
    return broken != 0;
  }

  int64_t seen_from(int64_t position) const {
    return shape_.window > 0 ? std::max<int64_t>(0, position + 1 - shape_.window) : 0;
  }

  const pal_cpu_attention_shape& shape_;
  const Scratch& scratch_;
  const Kernels& kernel_;
  int64_t length_, stride_;
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
    const Head work(shape, shape.length, scratch);
    work.pack(keys.data + row * keys.row_stride + shared * keys.head_stride, keys.position_stride,
              values.data + row * values.row_stride + shared * values.head_stride, values.position_stride, 0,
              shape.length);
    work.finish();
    const float* q = queries.data + row * queries.row_stride + head * queries.head_stride;
    float* result = out + row * shape.length * out_stride + head * shape.channels;
    for (int64_t first = 0; first < shape.length; first += kTileRows) {
      Block block;
      for (int64_t t = first; t < std::min(shape.length, first + kTileRows); ++t) {
        block.add(q + t * queries.position_stride, t, result + t * out_stride);
      }
      work.attend(block);
    }
  });
}

// One item is one head of keys of one sequence, with all heads of queries that share it: these take turns where a
// sequence has fewer new positions than a tile has rows, so that a single one of many heads still fills tiles.
void attention_after(const pal_cpu_heads& queries, const pal_cpu_sequences& sequences,
                     const pal_cpu_attention_shape& shape, float* out, void* workspace, int thread_count) {
  const int64_t out_stride = shape.heads * shape.channels, key_stride = shape.key_heads * shape.channels;
  const int64_t sharing = shape.heads / shape.key_heads;
  const size_t each = attention_workspace(shape.length, shape.channels, 1);
  for_each_item(thread_count, sequences.count * shape.key_heads, [&](int thread, int64_t item) {
    const int64_t sequence = item / shape.key_heads, shared = item % shape.key_heads;
    const int64_t first_query = sequences.first_query[sequence];
    const int64_t count = sequences.first_query[sequence + 1] - first_query;
    const int64_t pieces_end = sequences.first_piece[sequence + 1];
    int64_t length = 0;
    for (int64_t p = sequences.first_piece[sequence]; p < pieces_end; ++p) length += sequences.piece_length[p];
    Arena arena(static_cast<char*>(workspace) + static_cast<size_t>(thread) * each);
    const Scratch scratch(arena, length, shape.channels);
    const Head work(shape, length, scratch);
    for (int64_t p = sequences.first_piece[sequence], at = 0; p < pieces_end; at += sequences.piece_length[p++]) {
      work.pack(sequences.keys[p] + shared * shape.channels, key_stride, sequences.values[p] + shared * shape.channels,
                key_stride, at, sequences.piece_length[p]);
    }
    work.finish();
    Block block;
    for (int64_t head = shared * sharing; head < (shared + 1) * sharing; ++head) {
      for (int64_t t = 0; t < count; ++t) {
        block.add(queries.data + (first_query + t) * queries.position_stride + head * queries.head_stride,
                  length - count + t, out + (first_query + t) * out_stride + head * shape.channels);
        const bool last = t + 1 == count && (count >= kTileRows || head + 1 == (shared + 1) * sharing);
        if (last || block.count == kTileRows) {
          work.attend(block);
          block.count = 0;
        }
      }
    }
  });
}

} // namespace palimpsest
