/*
 * verify.h - whether what is timed is right: sampled rows and latents of a full-size batch against sums in double precision on the
 * host, in a second or two. The tests compare everything, but at sizes that a test can afford.
 */
#pragma once

#include <cstdint>
#include <string>

#include "palimpsest.h"

namespace pal::bench {

/* Arrays on the device: what encode, decode with loss and backward were given, and what they made of it. */
struct Made {
  const pal_coder* coder; /* without skip connection */
  const float* x;
  const float* y;
  int64_t rows, k;
  const float* values;
  const int32_t* indices;
  const float* grad;
  const double* sums;
  const pal_gradients* gradients; /* of pal_backward, not accumulated; NULL: not looked at */
};

constexpr int64_t kVerifiedRows = 64;
constexpr int64_t kVerifiedLatents = 16;

/*
 * What is wrong, in one line; empty where nothing is. Looked at: of 64 rows spread over the batch the selection (distinct, in order,
 * each value within the rounding of the arithmetic, nothing left out that is larger than the last) and the gradient; the two
 * sums' second; of 16 latents, the one hit most among them, both rows of the gradient and the bias's. Waits for the device.
 */
std::string problem_of(const Made& made);

}  // namespace pal::bench
