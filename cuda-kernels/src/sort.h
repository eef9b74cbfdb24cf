/* sort.h - the selected slots of a batch, grouped by latent. */
#pragma once

#include "arena.h"
#include "device.cuh"

namespace pal {

/*
 * A stable counting sort of the slots (r, s) by latent. Slots of value 0 and of an index outside [0, M) come last, with
 * the key M. Within a latent the slots stay in ascending order, so rows ascend.
 */
struct SlotSort {
  static constexpr int kRadix = 256;
  static constexpr int kTile = 2048; /* slots a block sorts at a time */

  int64_t slots = 0;
  int64_t latents = 0;
  int64_t tiles = 0;
  unsigned* keys[2] = {};  /* [slots] the latent */
  unsigned* order[2] = {}; /* [slots] the slot, r k + s, at each place */
  unsigned* counts = nullptr; /* [kRadix, tiles] */
  unsigned* totals = nullptr; /* [kRadix] */
  int32_t* place = nullptr;   /* [slots] where each slot went */
  int32_t* offsets = nullptr; /* [M + 1] places of latent i: offsets[i] .. offsets[i + 1] - 1 */

  SlotSort(int64_t slots, int64_t latents, Arena& arena);
  /* Queues the sort; place and offsets are valid afterwards. */
  pal_status run(const float* values, const int32_t* indices, cudaStream_t stream) const;
};

}  // namespace pal
