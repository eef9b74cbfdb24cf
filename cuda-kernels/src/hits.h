/* hits.h - what the backward pass knows of each selected slot, in order of latents. */
#pragma once

#include "operands.h"
#include "rows.cuh"
#include "sort.h"

namespace pal {

/* One selected latent of one row. */
struct alignas(16) Hit {
  int32_t row;
  float value; /* z */
  float dz;    /* <grad[row], W_dec[latent]> */
  int32_t latent;
};

/* The batch a backward pass works on. */
struct Batch {
  const pal_coder* coder;
  const float* x;
  const float* grad;
  const float* values;
  const int32_t* indices;
  int64_t rows;
  int64_t k;
};

/* Scratch memory of the backward pass, and the queueing of its parts. */
struct HitList {
  /* Latents hit more often than this are summed in pieces, by many blocks. */
  static constexpr int64_t kPiece = 512;

  SlotSort sort;
  Hit* hits;           /* [slots] */
  float* encoder_bias; /* [M] this batch's db_enc */
  float* pieces;       /* [2 ceil(slots / kPiece), 2, d] sums of the pieces of much-hit latents: dW_dec, dW_enc */
  double* columns;     /* partial column sums of grad, then of W_enc^T db_enc */
  bf16* grad;          /* [B, stride of bf16 rows] copies of grad and of x - c; NULL without (pal_cuda_set_bf16_rows) */
  bf16* x;

  HitList(int64_t width, int64_t latents, int64_t rows, int64_t k, Arena& arena);

  /* Whether the gradients of the coder's rows are sums of the bf16 copies: where these are asked for, of a coder with operands. */
  bool reads_copies(const Batch& batch, bool vectors) const { return grad != nullptr && batch.coder->operands != nullptr && vectors; }

  /* Sorts, scores every hit, sums db_enc, makes the copies, and sums the pieces of much-hit latents. */
  pal_status prepare(const Batch& batch, bool vectors, cudaStream_t stream) const;

  /* to (+)= sum_r grad[r] (- W_enc^T db_enc for a coder with a centre), before any weight has changed. */
  pal_status decoder_bias_gradient(const Batch& batch, float* to, bool accumulate, cudaStream_t stream) const;
};

/* What a kernel needs to sum the gradients of a latent's two rows, from rows of floats or from their bf16 copies. */
template <class R>
struct HitView {
  const Hit* hits;
  const int32_t* offsets;
  const float* pieces;
  const R* grad;
  const R* x;
  const float* centre; /* NULL: none, or taken off already */
  int64_t width;
  int64_t stride; /* of a row of grad and x */
};

inline HitView<float> view_of(const HitList& list, const Batch& batch) {
  return {list.hits,
          list.sort.offsets,
          list.pieces,
          batch.grad,
          batch.x,
          batch.coder->subtract_decoder_bias ? batch.coder->decoder_bias : nullptr,
          batch.coder->width,
          batch.coder->width};
}
inline HitView<bf16> view_of_copies(const HitList& list, const Batch& batch) {
  const int64_t d = batch.coder->width;
  return {list.hits, list.sort.offsets, list.pieces, list.grad, list.x, nullptr, d, bf16_stride(d)};
}

/* V of a row's elements, as floats. */
template <int V>
__device__ __forceinline__ Pack<float, V> load_floats(const float* from) {
  return Pack<float, V>::load(from);
}
template <int V>
__device__ __forceinline__ Pack<float, V> load_floats(const bf16* from) {
  const auto pack = Pack<bf16, V>::load(from);
  Pack<float, V> floats;
  PAL_UNROLL
  for (int e = 0; e < V; ++e) floats.element[e] = to_float(pack.element[e]);
  return floats;
}

/*
 * Sums over hits first .. end - 1, in order, for the calling thread's columns:
 * visitor(column, sums of z grad[V], sums of dz (x - c)[V]).
 */
template <int V, class R, class Visitor>
__device__ __forceinline__ void sum_hits(const HitView<R>& view, int64_t first, int64_t end, Visitor&& visitor) {
  constexpr int kInFlight = 4;
  for_own_columns<V>(view.width, [&](int64_t column) {
    Pack<float, V> decoder = {}, encoder = {}, centre = {};
    if (view.centre != nullptr) centre = Pack<float, V>::load(view.centre + column);
    /* The next hits' rows come while the sums of these are taken: a row's address would else wait for two loads in turn. */
    int32_t next[kInFlight] = {};
    const auto fetch = [&](int64_t from) {
      PAL_UNROLL
      for (int i = 0; i < kInFlight; ++i) {
        if (from + i < end) next[i] = view.hits[from + i].row;
      }
    };
    fetch(first);
    for (int64_t at = first; at < end; at += kInFlight) {
      float z[kInFlight] = {}, dz[kInFlight] = {};
      Pack<float, V> g[kInFlight] = {}, x[kInFlight] = {};
      PAL_UNROLL
      for (int i = 0; i < kInFlight; ++i) {
        if (at + i >= end) continue;
        g[i] = load_floats<V>(view.grad + next[i] * view.stride + column);
        x[i] = load_floats<V>(view.x + next[i] * view.stride + column);
        z[i] = view.hits[at + i].value;
        dz[i] = view.hits[at + i].dz;
      }
      fetch(at + kInFlight);
      PAL_UNROLL
      for (int i = 0; i < kInFlight; ++i) {
        if (at + i >= end) continue;
        PAL_UNROLL
        for (int e = 0; e < V; ++e) {
          decoder.element[e] = fmaf(z[i], g[i].element[e], decoder.element[e]);
          encoder.element[e] = fmaf(dz[i], x[i].element[e] - centre.element[e], encoder.element[e]);
        }
      }
    }
    visitor(column, decoder, encoder);
  });
}

/* The gradients of latent's rows: its hits one after the other, or the sums of its pieces where it has many. */
template <int V, class R, class Visitor>
__device__ __forceinline__ void latent_gradients(const HitView<R>& view, int64_t latent, Visitor&& visitor) {
  const int64_t first = view.offsets[latent], end = view.offsets[latent + 1];
  if (end - first <= HitList::kPiece) {
    sum_hits<V>(view, first, end, visitor);
    return;
  }
  const int64_t first_tile = first / HitList::kPiece, last_tile = (end - 1) / HitList::kPiece;
  for_own_columns<V>(view.width, [&](int64_t column) {
    Pack<float, V> decoder = {}, encoder = {};
    for (int64_t tile = first_tile; tile <= last_tile; ++tile) {
      const int64_t side = view.hits[tile * HitList::kPiece].latent == latent ? 0 : 1;
      const float* piece = view.pieces + (tile * 2 + side) * 2 * view.width;
      const auto d = Pack<float, V>::load(piece + column);
      const auto e = Pack<float, V>::load(piece + view.width + column);
      PAL_UNROLL
      for (int i = 0; i < V; ++i) {
        decoder.element[i] += d.element[i];
        encoder.element[i] += e.element[i];
      }
    }
    visitor(column, decoder, encoder);
  });
}

}  // namespace pal
