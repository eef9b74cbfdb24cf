/*
 * tile.cuh - a block's 128 x 128 outputs of A B^T in bf16 on the matrix unit, left in registers for an epilogue.
 *
 * 128 threads: four warps, each with 64 x 64 outputs (128 sums a thread). 64 columns of A and B at a time, a stage of 32 KB, go to
 * shared memory by asynchronous copies ahead of the stage in use. Two blocks are to share a multiprocessor, so that the epilogue
 * of one runs beside the products of the other; with the 1 KB that each block takes besides, that leaves (tile_stages()):
 *   228 KB (9.0, 10.0)   three stages, 97 KB a block: two blocks
 *   164 KB (8.0)         two stages, 65 KB a block: two blocks; with three, 194 KB, only one would fit
 *   100 KB (8.6, 12.0)   one block in any case: three stages, 97 of the 99 KB that a block may have
 * A row of a stage is 128 bytes, all 32 banks; its eight 16-byte pieces are exchanged by an exclusive or with the row's
 * number, so that the eight rows of a fragment lie in different banks.
 */
#pragma once

#include "mma.cuh"

namespace pal {

struct Tile {
  static constexpr int kRows = 128, kColumns = 128;
  static constexpr unsigned kThreads = 128;
  static constexpr int kWarpRows = 64, kWarpColumns = 64;
  static constexpr int kRowParts = kWarpRows / 16, kColumnParts = kWarpColumns / 8;
  static constexpr int kDepth = 64; /* columns of A and B in a stage */
  static constexpr int kPieces = kDepth / 8;
  static constexpr int kStageElements = (kRows + kColumns) * kDepth;
  static constexpr size_t shared_bytes(int stages) { return static_cast<size_t>(stages) * kStageElements * sizeof(bf16); }

  /* sums[m][n]: the fragment of rows warp_row + 16 m and columns warp_column + 8 n, laid out as mma.cuh says. */
  float sums[kRowParts][kColumnParts][4];

  static __device__ __forceinline__ int warp_row() { return warp_of_thread() / 2 * kWarpRows; }
  static __device__ __forceinline__ int warp_column() { return warp_of_thread() % 2 * kWarpColumns; }

  /* visitor(row, half): rows of the tile that the calling thread has sums of: sums[m][n][2 half], [2 half + 1]. */
  static __device__ __forceinline__ int row_of(int m, int half) { return warp_row() + m * 16 + half * 8 + lane_of_thread() / 4; }
  static __device__ __forceinline__ int column_of(int n) { return warp_column() + n * 8 + lane_of_thread() % 4 * 2; }

  /* A [rows, inner] and B [columns, inner], rows `stride` apart (inner and strides multiples of 8); zeros beyond. */
  struct Operand {
    const bf16* from;
    int64_t stride;
    int64_t first, rows; /* the tile's first row, and how many there are in all */
  };

  template <int kStages>
  __device__ __forceinline__ void multiply(const Operand& a, const Operand& b, int64_t inner, bf16* shared) {
    PAL_UNROLL
    for (int m = 0; m < kRowParts; ++m) {
      PAL_UNROLL
      for (int n = 0; n < kColumnParts; ++n) {
        PAL_UNROLL
        for (int i = 0; i < 4; ++i) sums[m][n][i] = 0.0f;
      }
    }
    const int64_t stages = (inner + kDepth - 1) / kDepth;
    for (int stage = 0; stage < kStages - 1; ++stage) {
      if (stage < stages) load(a, b, inner, stage, shared + stage * kStageElements);
      commit_copies();
    }
    int in_use = 0;
    for (int64_t stage = 0; stage < stages; ++stage) {
      wait_copies<kStages - 2>();
      __syncthreads(); /* the stage has arrived for all, and nobody reads the one before any more */
      const int64_t next = stage + kStages - 1;
      if (next < stages) load(a, b, inner, next, shared + (in_use + kStages - 1) % kStages * kStageElements);
      commit_copies();
      accumulate(shared + in_use * kStageElements);
      in_use = (in_use + 1) % kStages;
    }
  }

 private:
  static __device__ __forceinline__ int place(int row, int piece) { return row * kDepth + (piece ^ (row % kPieces)) * 8; }

  static __device__ __forceinline__ void load(const Operand& operand, int64_t inner, int64_t stage, bf16* to) {
    PAL_UNROLL
    for (int i = 0; i < kRows * kPieces / static_cast<int>(kThreads); ++i) {
      const int at = i * static_cast<int>(kThreads) + static_cast<int>(threadIdx.x);
      const int row = at / kPieces, piece = at % kPieces;
      const int64_t column = stage * kDepth + piece * 8;
      const bool inside = operand.first + row < operand.rows && column < inner;
      copy_async(to + place(row, piece), inside ? operand.from + (operand.first + row) * operand.stride + column : operand.from,
                 inside);
    }
  }
  static __device__ __forceinline__ void load(const Operand& a, const Operand& b, int64_t inner, int64_t stage, bf16* to) {
    load(a, inner, stage, to);
    load(b, inner, stage, to + kRows * kDepth);
  }

  /* 16 columns of A and B after the other, in ascending order: the order of every sum. */
  __device__ __forceinline__ void accumulate(const bf16* stage) {
    const int lane = lane_of_thread();
    const bf16* a_stage = stage;
    const bf16* b_stage = stage + kRows * kDepth;
    PAL_UNROLL
    for (int piece = 0; piece < kPieces; piece += 2) {
      unsigned a[kRowParts][4], b[kColumnParts][2];
      PAL_UNROLL
      for (int m = 0; m < kRowParts; ++m) {
        load_matrices(a[m], a_stage + place(warp_row() + m * 16 + lane % 16, piece + lane / 16));
      }
      PAL_UNROLL
      for (int n = 0; n < kColumnParts; n += 2) {
        unsigned two[4];
        load_matrices(two, b_stage + place(warp_column() + n * 8 + lane / 16 * 8 + lane % 8, piece + lane / 8 % 2));
        b[n][0] = two[0], b[n][1] = two[1], b[n + 1][0] = two[2], b[n + 1][1] = two[3];
      }
      PAL_UNROLL
      for (int m = 0; m < kRowParts; ++m) {
        PAL_UNROLL
        for (int n = 0; n < kColumnParts; ++n) multiply_add(sums[m][n], a[m], b[n]);
      }
    }
  }
};

/* For tests: as many stages instead, 2 or 3, whatever the device; 0: as it asks for. */
inline int& asked_tile_stages() {
  static int asked = 0;
  return asked;
}

/* How many stages kernels of tiles are to have on the current device: 2 or 3. */
inline int tile_stages() {
  if (asked_tile_stages() != 0) return asked_tile_stages();
  int device = 0, per_multiprocessor = 0;
  const bool known = cudaGetDevice(&device) == cudaSuccess &&
                     cudaDeviceGetAttribute(&per_multiprocessor, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device) == cudaSuccess;
  constexpr size_t kReserved = 1024; /* of each block, by the system */
  const auto two_blocks_fit = [&](int stages) {
    return 2 * (Tile::shared_bytes(stages) + kReserved) <= static_cast<size_t>(per_multiprocessor);
  };
  return known && !two_blocks_fit(3) && two_blocks_fit(2) ? 2 : 3;
}

}  // namespace pal
