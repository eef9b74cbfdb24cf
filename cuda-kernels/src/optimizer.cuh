/*
 * optimizer.cuh - one parameter's update, shared by pal_update and the fused step so that both give the same bits.
 */
#pragma once

#include <cmath>

#include "device.cuh"

namespace pal {

/* A step's constants, computed once on the host in double precision. */
struct Update {
  pal_optimizer optimizer = PAL_ADAM;
  float lr = 0.0f;
  float keep1 = 0.0f, add1 = 0.0f; /* Adam: b1, 1 - b1; signum: b, 1 - b */
  float keep2 = 0.0f, add2 = 0.0f; /* Adam: b2, 1 - b2; signum: 1 - 1/t, 1/t */
  float step_size = 0.0f;          /* Adam: lr / (1 - b1^t) */
  float root = 1.0f;               /* Adam: sqrt(1 - b2^t) */
  float epsilon = 0.0f;

  Update() = default;
  explicit Update(const pal_hyper& h)
      : optimizer(h.optimizer), lr(h.lr), keep1(h.beta1), add1(static_cast<float>(1.0 - double{h.beta1})), keep2(h.beta2),
        add2(static_cast<float>(1.0 - double{h.beta2})), epsilon(h.epsilon) {
    const auto t = static_cast<double>(h.step);
    if (optimizer == PAL_SIGNUM) {
      keep2 = static_cast<float>(1.0 - 1.0 / t);
      add2 = static_cast<float>(1.0 / t);
    } else {
      step_size = static_cast<float>(h.lr / (1.0 - std::pow(double{h.beta1}, t)));
      root = static_cast<float>(std::sqrt(1.0 - std::pow(double{h.beta2}, t)));
    }
  }
};

/* Where a kernel finds the constants: in its arguments, or in device memory (pal_cuda_step, for CUDA graphs). */
struct UpdateSource {
  Update given;
  const Update* device = nullptr;

  explicit UpdateSource(const pal_hyper& hyper) : given(hyper) {}
  explicit UpdateSource(const Update* from) : device(from) {}
  __device__ __forceinline__ Update get() const { return device == nullptr ? given : *device; }
};

/* p, and the optimiser's state of it, after a step with gradient g. */
__device__ __forceinline__ void update_parameter(const Update& u, float g, float& p, float& first, float& second) {
  if (u.optimizer == PAL_ADAM) {
    first = u.keep1 * first + u.add1 * g;
    second = u.keep2 * second + u.add2 * (g * g);
    p -= u.step_size * (first / (sqrtf(second) / u.root + u.epsilon));
  } else {
    const float average = (p - u.add1 * first) / u.keep1;
    const float sign = g > 0.0f ? 1.0f : g < 0.0f ? -1.0f : 0.0f;
    first -= u.lr * sign;
    p = u.keep1 * (u.keep2 * average + u.add2 * first) + u.add1 * first;
  }
}

/* Checks of pal_hyper that all who take one share. */
pal_status check_hyper(const pal_hyper* hyper, const char* function);

/* Updates n parameters; second is NULL for signum. */
pal_status update_array(float* p, const float* g, float* first, float* second, int64_t n, const UpdateSource& source,
                        cudaStream_t stream);

}  // namespace pal
