/*
 * cub_topk.h - the same selection by CUB, NVIDIA's own library: the yardstick of select.cu. What there is depends on the CCCL that
 * nvcc finds (PALIMPSEST_CCCL of check.sh names another): its batched top-k from 3.5 on (CUDA 13.5), else a sort of every row.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "pack.cuh"

namespace pal::bench {

/* Pre-activations in bf16 [rows, stride], the first `latents` of a row count; the k largest of each row are wanted. */
struct Selection {
  const bf16* activations;
  int64_t stride, latents, rows, k;
};

/* One of CUB's ways, with memory of its own. */
class CubTopk {
 public:
  virtual ~CubTopk() = default;

  /* The line of the report. */
  virtual const char* name() const = 0;
  /* Queues the selection; cudaErrorNotSupported: not of this shape, or not on this device. */
  virtual cudaError_t run(cudaStream_t stream) = 0;
  /* Bits of the k keys that were selected of a row, the largest first. Waits for the device. */
  virtual std::vector<uint16_t> keys_of(int64_t row) const = 0;
};

/* All of CUB's ways for a selection, each timed on at most most_rows() of its rows. */
std::vector<std::unique_ptr<CubTopk>> cub_topks(const Selection& selection, cudaStream_t stream);

/* Fewer where all rows would take a gigabyte and more of memory. */
int64_t cub_most_rows();

}  // namespace pal::bench
