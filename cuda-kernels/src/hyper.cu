/*
 * hyper.cu - a step's constants in device memory, so that one captured CUDA graph serves every step.
 *
 * Formula  the constants of optimizer.cuh, from learning rate, betas and t, in double precision on the host.
 * Traffic  48 bytes, one launch of a few microseconds; the launch carries them as its argument, so the caller may change or
 *          free his pal_hyper at once, and steps queued ahead do not overwrite each other's constants.
 * Variants t counted and its powers taken on the device: no call between replays, but other bits than pal_step's, and the
 *          learning rate's schedule would have to live there too; a copy from pinned memory inside the graph: the host must
 *          not touch that memory before the replay has run; this kernel before each replay (the one used).
 * Test: case `step from device memory` of test/.
 */
#include "optimizer.cuh"
#include "palimpsest_cuda.h"

namespace pal {
namespace {

__global__ void __launch_bounds__(kWarpSize) write_update(Update u, Update* to) {
  if (threadIdx.x == 0) *to = u;
}

}  // namespace

pal_status check_hyper(const pal_hyper* hyper, const char* function) {
  PAL_REQUIRE(hyper != nullptr, "%s: hyper is NULL", function);
  PAL_REQUIRE(hyper->optimizer == PAL_ADAM || hyper->optimizer == PAL_SIGNUM, "%s: optimizer %d, expected 0 or 1", function,
              hyper->optimizer);
  PAL_REQUIRE(hyper->step >= 1, "%s: step %lld, expected 1 or more", function, static_cast<long long>(hyper->step));
  return PAL_OK;
}

}  // namespace pal

extern "C" {

size_t pal_cuda_hyper_bytes(void) { return sizeof(pal::Update); }

pal_status pal_cuda_write_hyper(const pal_hyper* hyper, void* device_hyper, pal_stream stream) {
  PAL_TRY(pal::check_hyper(hyper, "pal_cuda_write_hyper"));
  PAL_REQUIRE(device_hyper != nullptr, "pal_cuda_write_hyper: device_hyper is NULL");
  return pal::launch("write_update", &pal::write_update, dim3(1), pal::kWarpSize, 0, pal::as_stream(stream), pal::Update(*hyper),
                     static_cast<pal::Update*>(device_hyper));
}

}  // extern "C"
