// Backward and optimiser update: the unfused pieces, and the fused pass that touches every weight row once.
#ifndef PALIMPSEST_BACKWARD_HPP
#define PALIMPSEST_BACKWARD_HPP

#include "runtime.hpp"

namespace palimpsest {

struct BackwardJob {
  const pal_coder* coder;
  const float* x;    // [rows, width]
  const float* grad; // [rows, width], dL / dy_hat
  int64_t rows, k;
  const float* values;
  const int32_t* indices;
};

UpdateConstants update_constants(const pal_hyper& hyper);

size_t backward_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, int thread_count);
void backward(const BackwardJob& job, const pal_gradients& gradients, bool accumulate, void* workspace,
              int thread_count);

size_t step_workspace(int64_t width, int64_t latents, int64_t rows, int64_t k, int thread_count);
void step(const BackwardJob& job, const pal_optimizer_state& state, const UpdateConstants& constants, bool unit_norm,
          bool normalize, void* workspace, int thread_count);

// The row functions that both paths share.
void remove_parallel(const Kernels& kernel, const float* w, float* g, int64_t width);
void normalize_row(const Kernels& kernel, float* w, int64_t width);
void update_array(const Kernels& kernel, float* p, const float* g, float* first, float* second, int64_t n,
                  const UpdateConstants& constants);

} // namespace palimpsest

#endif
