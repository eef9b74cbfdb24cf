/*
 * memory.h - the peak device memory of encode and of a training step, counted array by array and as the device tells it.
 * No call allocates, so the peak is the arrays that are alive together; the calls of a step share one scratch buffer.
 */
#pragma once

#include "timing.h"

namespace pal::bench {

/* A chunk of pre-activations that the L2 cache holds. */
constexpr int64_t kSmallChunk = int64_t{32} << 20;

struct Memory {
  std::string shape;
  double parameters, operands, state; /* bytes; operands: the bf16 copies */
  double input, selected, batch;      /* x; values and indices; all of the batch's own arrays, those included */
  double encode_space, small_encode_space, fused_encode_space; /* scratch memory of E0, of E0 with kSmallChunk, of E2 */
  double other_space;                                          /* of everything else */
  double encode_call, step_call; /* by cudaMemGetInfo: what the first calls took beyond their buffers (kernels being loaded) */
  double measured;               /* by cudaMemGetInfo: all there is after a step */

  double encode_peak() const { return parameters + operands + input + selected + encode_space; }
  double step_peak(double encode) const { return parameters + operands + state + batch + std::max(encode, other_space); }
  /* What no implementation can do without: the yardstick of the peak. */
  double needed() const { return parameters + operands + state + batch; }

  std::string json() const {
    constexpr double kMib = 1048576.0;
    char line[800];
    std::snprintf(line, sizeof(line),
                  "{\"shape\":\"%s\",\"parameters_mib\":%.1f,\"operands_mib\":%.1f,\"state_mib\":%.1f,\"batch_mib\":%.1f,"
                  "\"encode_space_mib\":%.1f,\"other_space_mib\":%.1f,\"encode_peak_mib\":%.1f,\"step_peak_mib\":%.1f,"
                  "\"step_peak_over_needed\":%.3f,\"step_peak_over_needed_small_chunk\":%.3f,"
                  "\"step_peak_over_needed_fused\":%.3f,\"measured_encode_call_mib\":%.1f,\"measured_step_call_mib\":%.1f,"
                  "\"measured_step_mib\":%.1f}",
                  shape.c_str(), parameters / kMib, operands / kMib, state / kMib, batch / kMib, encode_space / kMib,
                  other_space / kMib, encode_peak() / kMib, step_peak(encode_space) / kMib, step_peak(encode_space) / needed(),
                  step_peak(small_encode_space) / needed(), step_peak(fused_encode_space) / needed(), encode_call / kMib, step_call / kMib,
                  measured / kMib);
    return line;
  }
  std::string text() const {
    constexpr double kMib = 1048576.0;
    char line[256];
    std::snprintf(line, sizeof(line),
                  "%s: peak %.0f MiB encode, %.0f MiB step (%.2f of what it needs, %.2f with a small chunk, %.2f fused)", shape.c_str(),
                  encode_peak() / kMib, step_peak(encode_space) / kMib, step_peak(encode_space) / needed(),
                  step_peak(small_encode_space) / needed(), step_peak(fused_encode_space) / needed());
    return line;
  }
};

inline double used_bytes() {
  size_t free_bytes = 0, total = 0;
  MUST(cudaMemGetInfo(&free_bytes, &total));
  return static_cast<double>(total - free_bytes);
}

}  // namespace pal::bench
