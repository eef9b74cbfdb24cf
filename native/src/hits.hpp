// The batch's selected (row, latent, value) triples, regrouped by latent.
#ifndef PALIMPSEST_HITS_HPP
#define PALIMPSEST_HITS_HPP

#include "runtime.hpp"

namespace palimpsest {

struct Hit {
  int32_t row;
  float value;
};

// Hits of latent i are hits[start[i]] .. hits[start[i + 1] - 1], rows ascending. Slots of value 0 are left out.
struct Hits {
  int64_t* start; // [latents + 1]
  Hit* hits;      // [rows k]

  Hits(Arena& arena, int64_t latents, int64_t rows, int64_t k)
      : start(arena.take<int64_t>(latents + 2)), hits(arena.take<Hit>(rows * k)) {}

  // A stable counting sort.
  void fill(int64_t latents, int64_t rows, int64_t k, const float* values, const int32_t* indices);
};

} // namespace palimpsest

#endif
