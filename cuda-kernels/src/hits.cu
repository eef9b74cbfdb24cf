/*
 * hits.cu - the backward pass up to the latents' own rows: dz of every hit, db_enc, the pieces of much-hit latents, db_dec.
 *
 * Formula  dz[r, s] = <grad[r], W_dec[i]>      db_enc[i] = sum of the dz of latent i
 *          db_dec = sum_r grad[r] (- W_enc^T db_enc)
 * Shapes   grad [B, d], W_dec [M, d] (the bf16 copy where there is one: what the forward pass multiplied by), B k hits.
 * Traffic  dz: k rows of W_dec a row of grad, 0.40 GB at B 8192, k 32, d 768 in bf16, mostly from L2: 0.08 ms.
 *          db_dec: grad once (25 MB), with a centre W_enc once (100 MB, 0.025 ms).
 *
 * Variants, naive to best
 *   per latent, in the fused kernel   the row grad[r] is loaded there anyway, but a dot product a hit means a reduction over
 *                                     the block a hit, one after the other: a latent hit by every row would take 65536 of them.
 *   per row                           grad[r] in shared memory, a warp a slot, five shuffles; rows are independent, and the
 *                                     per-latent kernels become plain sums of rows. But a lane's 8 columns beside its 16 bytes of
 *                                     W_dec are 8 scalar reads, each of them 8 lanes on one bank.
 *   per row (the one used)            the same with a lane's columns of grad[r] in registers, read once by each warp.
 *   b_dec's second term as a sparse gather of B k rows, or (used) as one matrix-vector product with the summed db_enc.
 *
 * Pieces   tile j is hits 512 j .. 512 j + 511. A latent with more than 512 hits begins in one tile, fills some, ends in
 *          another; a tile has at most two such latents (its first and its last), so two slots a tile are enough and need no
 *          scan. Memory: 4 d floats a tile, so B k d / 128 floats: 6 MB at B 8192.
 * All sums have an order fixed by the shapes and offsets. Test: cases `backward` of test/; time alone: `bench hits`.
 */
#include "hits.h"

#include <algorithm>

#include "operands.h"
#include "palimpsest_cuda.h"

namespace pal {
namespace {

constexpr int kScoreThreads = 128;
constexpr int kScoreWarps = kScoreThreads / 32;

/* V elements of a row of grad from a column on; zeros beyond the row. */
template <int V>
__device__ __forceinline__ Pack<float, V> load_columns(const float* row, int64_t column, int64_t width, bool vectors) {
  Pack<float, V> columns = {};
  if (V % kRowVector == 0 && vectors) {
    PAL_UNROLL
    for (int part = 0; part < V; part += kRowVector) {
      if (column + part >= width) continue;
      const auto four = Pack<float, kRowVector>::load(row + column + part);
      PAL_UNROLL
      for (int e = 0; e < kRowVector; ++e) columns.element[part + e < V ? part + e : 0] = four.element[e];
    }
  } else {
    PAL_UNROLL
    for (int e = 0; e < V; ++e) {
      if (column + e < width) columns.element[e] = row[column + e];
    }
  }
  return columns;
}

/*
 * hits[place] = (r, z, dz, i) for every slot of row r that counts. A lane holds its columns of grad[r], up to kHeld columns of
 * V x 32, in registers; of wider rows it reads the rest again for every slot.
 */
template <class W, int V>
__global__ void __launch_bounds__(kScoreThreads)
    score_hits(const W* __restrict__ decoder, int64_t stride, const float* __restrict__ grad, int64_t width, bool vectors, int64_t latents,
               int64_t k, const float* __restrict__ values, const int32_t* __restrict__ indices,
               const int32_t* __restrict__ place, Hit* __restrict__ hits) {
  constexpr int kHeld = V == 1 ? 8 : 24 / V;
  constexpr int64_t kSpan = int64_t{kWarpSize} * V;
  const int64_t r = blockIdx.x;
  const float* row = grad + r * width;
  const int64_t own = static_cast<int64_t>(lane_of_thread()) * V;
  Pack<float, V> held[kHeld] = {};
  PAL_UNROLL
  for (int part = 0; part < kHeld; ++part) {
    if (own + part * kSpan < width) held[part] = load_columns<V>(row, own + part * kSpan, width, vectors);
  }
  for (int64_t s = warp_of_thread(); s < k; s += kScoreWarps) {
    const int64_t slot = r * k + s;
    const float value = values[slot];
    const int32_t latent = indices[slot];
    if (value == 0.0f || latent < 0 || latent >= latents) continue; /* the whole warp alike */
    const W* weights = decoder + latent * stride;
    float sum = 0.0f;
    const auto add = [&](int64_t column, const Pack<float, V>& columns) {
      const auto pack = Pack<W, V>::load(weights + column);
      PAL_UNROLL
      for (int e = 0; e < V; ++e) sum = fmaf(columns.element[e], to_float(pack.element[e]), sum);
    };
    PAL_UNROLL
    for (int part = 0; part < kHeld; ++part) {
      if (own + part * kSpan < width) add(own + part * kSpan, held[part]);
    }
    for (int64_t column = own + kHeld * kSpan; column < width; column += kSpan) add(column, load_columns<V>(row, column, width, vectors));
    sum = warp_sum(sum);
    if (lane_of_thread() == 0) hits[place[slot]] = {static_cast<int32_t>(r), value, sum, latent};
  }
}

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

/* to[i] = the sum of latent i's dz; a warp a latent, in double. */
__global__ void __launch_bounds__(kThreads)
    sum_dz(const Hit* __restrict__ hits, const int32_t* __restrict__ offsets, int64_t latents, float* __restrict__ to) {
  const int64_t latent = static_cast<int64_t>(blockIdx.x) * kWarps + warp_of_thread();
  if (latent >= latents) return;
  const int64_t end = offsets[latent + 1];
  double sum = 0.0;
  /* A latent that fires in every row keeps its warp waiting: eight loads on their way at a time. */
#if defined(__CUDACC__)
#pragma unroll 8
#endif
  for (int64_t at = offsets[latent] + lane_of_thread(); at < end; at += kWarpSize) sum += hits[at].dz;
  sum = warp_sum(sum);
  if (lane_of_thread() == 0) to[latent] = static_cast<float>(sum);
}

/* Block (tile, side): the tile's part of its first (side 0) or last (side 1) latent, if that latent has many hits. */
template <int V, class R>
__global__ void __launch_bounds__(kMaxRowThreads) sum_pieces(HitView<R> view, int64_t latents, float* __restrict__ pieces) {
  const int64_t tile = blockIdx.x / 2, side = blockIdx.x % 2;
  const int64_t hits = view.offsets[latents];
  const int64_t first = tile * HitList::kPiece;
  if (first >= hits) return;
  const int64_t end = first + HitList::kPiece < hits ? first + HitList::kPiece : hits;
  const int32_t latent = view.hits[side == 0 ? first : end - 1].latent;
  if (side == 1 && latent == view.hits[first].latent) return;
  const int64_t latent_first = view.offsets[latent], latent_end = view.offsets[latent + 1];
  if (latent_end - latent_first <= HitList::kPiece) return;
  float* piece = pieces + (tile * 2 + side) * 2 * view.width;
  sum_hits<V>(view, first > latent_first ? first : latent_first, end < latent_end ? end : latent_end,
              [&](int64_t column, const Pack<float, V>& decoder, const Pack<float, V>& encoder) {
                decoder.store(piece + column);
                encoder.store(piece + view.width + column);
              });
}

/* ---- column sums, in two stages ------------------------------------------------------------------------------------- */

constexpr int kColumns = 128;
constexpr int kFinalColumns = 32;
constexpr int64_t kMostChunks = 256;

struct Chunks {
  int64_t rows;  /* of a chunk */
  int64_t count;
};
Chunks chunks_of(int64_t rows) {
  const int64_t each = std::max<int64_t>(32, ceil_divide(rows, kMostChunks));
  return {each, ceil_divide(rows, each)};
}

/* partial[chunk, c] = sum over the chunk's rows of weight[r] matrix[r, c]; weight NULL: 1. */
__global__ void __launch_bounds__(kColumns)
    sum_columns(const float* __restrict__ matrix, const float* __restrict__ weight, int64_t rows, int64_t width,
                int64_t chunk_rows, double* __restrict__ partial) {
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kColumns + threadIdx.x;
  if (column >= width) return;
  const int64_t first = static_cast<int64_t>(blockIdx.y) * chunk_rows;
  const int64_t end = first + chunk_rows < rows ? first + chunk_rows : rows;
  double sum = 0.0;
#if defined(__CUDACC__)
#pragma unroll 4
#endif
  for (int64_t r = first; r < end; ++r) {
    const double by = weight == nullptr ? 1.0 : weight[r];
    sum = fma(by, static_cast<double>(matrix[r * width + column]), sum);
  }
  partial[static_cast<int64_t>(blockIdx.y) * width + column] = sum;
}

/* to[c] (+)= sum of plus[:, c] - sum of minus[:, c]; 32 columns a block, eight threads a column. */
__global__ void __launch_bounds__(kThreads)
    finish_columns(const double* __restrict__ plus, int64_t plus_chunks, const double* __restrict__ minus,
                   int64_t minus_chunks, int64_t width, bool accumulate, float* __restrict__ to) {
  constexpr int kLanes = kThreads / kFinalColumns;
  PAL_SHARED(double, partial, kThreads);
  const int thread = static_cast<int>(threadIdx.x);
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kFinalColumns + thread % kFinalColumns;
  double sum = 0.0;
  if (column < width) {
    for (int64_t chunk = thread / kFinalColumns; chunk < plus_chunks; chunk += kLanes) sum += plus[chunk * width + column];
    for (int64_t chunk = thread / kFinalColumns; chunk < minus_chunks; chunk += kLanes) sum -= minus[chunk * width + column];
  }
  partial[thread] = sum;
  __syncthreads();
  if (thread >= kFinalColumns || column >= width) return;
  for (int lane = 1; lane < kLanes; ++lane) sum += partial[lane * kFinalColumns + thread];
  to[column] = (accumulate ? to[column] : 0.0f) + static_cast<float>(sum);
}

pal_status queue_columns(const float* matrix, const float* weight, int64_t rows, int64_t width, double* partial,
                         cudaStream_t stream) {
  const Chunks chunks = chunks_of(rows);
  if (chunks.count == 0) return PAL_OK;
  const dim3 grid(static_cast<unsigned>(ceil_divide<int64_t>(width, kColumns)), static_cast<unsigned>(chunks.count));
  return launch("sum_columns", &sum_columns, grid, kColumns, 0, stream, matrix, weight, rows, width, chunks.rows, partial);
}

bool& bf16_rows() {
  static bool on = false;
  return on;
}

template <class W, int V>
pal_status queue_scores(const Batch& b, const HitList& list, const W* decoder, int64_t stride, cudaStream_t stream) {
  const int64_t d = b.coder->width;
  return launch("score_hits", &score_hits<W, V>, dim3(static_cast<unsigned>(b.rows)), kScoreThreads, 0, stream, decoder, stride, b.grad,
                d, rows_are_vectors(d, b.grad), b.coder->latents, b.k, b.values, b.indices, list.sort.place, list.hits);
}

}  // namespace

HitList::HitList(int64_t width, int64_t latents, int64_t rows, int64_t k, Arena& arena) : sort(rows * k, latents, arena) {
  hits = arena.take<Hit>(rows * k);
  encoder_bias = arena.take<float>(latents);
  pieces = arena.take<float>(ceil_divide(rows * k, kPiece) * 2 * 2 * width);
  columns = arena.take<double>((chunks_of(rows).count + chunks_of(latents).count) * width);
  const int64_t copied = bf16_rows() ? rows * bf16_stride(width) : 0;
  grad = copied > 0 ? arena.take<bf16>(copied) : nullptr;
  x = copied > 0 ? arena.take<bf16>(copied) : nullptr;
}

pal_status HitList::prepare(const Batch& b, bool vectors, cudaStream_t stream) const {
  const pal_coder& coder = *b.coder;
  PAL_TRY(sort.run(b.values, b.indices, stream));
  if (b.rows > 0) {
    if (coder.operands != nullptr) {
      const Operands operands(coder);
      PAL_TRY((queue_scores<bf16, 8>(b, *this, operands.decoder, operands.stride, stream)));
    } else if (vectors) {
      PAL_TRY((queue_scores<float, 4>(b, *this, coder.decoder, coder.width, stream)));
    } else {
      PAL_TRY((queue_scores<float, 1>(b, *this, coder.decoder, coder.width, stream)));
    }
  }
  PAL_TRY(launch("sum_dz", &sum_dz, dim3(static_cast<unsigned>(ceil_divide<int64_t>(coder.latents, kWarps))), kThreads, 0,
                 stream, hits, sort.offsets, coder.latents, encoder_bias));
  const int64_t tiles = ceil_divide(sort.slots, kPiece);
  if (tiles == 0) return PAL_OK;
  const dim3 grid(static_cast<unsigned>(2 * tiles));
  const unsigned threads = row_threads(coder.width, vectors ? 4 : 1);
  if (reads_copies(b, vectors)) {
    const int64_t d = coder.width, stride = bf16_stride(d);
    PAL_TRY(convert_to_bf16(b.grad, nullptr, b.rows, d, stride, grad, stream));
    PAL_TRY(convert_to_bf16(b.x, coder.subtract_decoder_bias ? coder.decoder_bias : nullptr, b.rows, d, stride, x, stream));
    return launch("sum_pieces", &sum_pieces<4, bf16>, grid, threads, 0, stream, view_of_copies(*this, b), coder.latents, pieces);
  }
  return launch("sum_pieces", vectors ? &sum_pieces<4, float> : &sum_pieces<1, float>, grid, threads, 0, stream, view_of(*this, b),
                coder.latents, pieces);
}

pal_status HitList::decoder_bias_gradient(const Batch& b, float* to, bool accumulate, cudaStream_t stream) const {
  const pal_coder& coder = *b.coder;
  const int64_t d = coder.width;
  const int64_t plus_chunks = chunks_of(b.rows).count;
  const int64_t minus_chunks = coder.subtract_decoder_bias ? chunks_of(coder.latents).count : 0;
  double* minus = columns + plus_chunks * d;
  PAL_TRY(queue_columns(b.grad, nullptr, b.rows, d, columns, stream));
  if (minus_chunks > 0) PAL_TRY(queue_columns(coder.encoder, encoder_bias, coder.latents, d, minus, stream));
  return launch("finish_columns", &finish_columns, dim3(static_cast<unsigned>(ceil_divide<int64_t>(d, kFinalColumns))), kThreads,
                0, stream, columns, plus_chunks, minus, minus_chunks, d, accumulate, to);
}

}  // namespace pal

extern "C" pal_status pal_cuda_set_bf16_rows(int32_t on) {
  PAL_REQUIRE(on == 0 || on == 1, "pal_cuda_set_bf16_rows: %d, expected 0 or 1", on);
  pal::bf16_rows() = on == 1;
  return PAL_OK;
}
