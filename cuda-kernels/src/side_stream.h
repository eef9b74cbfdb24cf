/* side_stream.h - a second stream beside a caller's, for work that may run beside what he queues next. */
#pragma once

#include "device.cuh"

namespace pal {

/*
 * The side stream of a caller's stream, with events that say when a buffer of two has been filled (on the caller's) and when it
 * may be filled again (on the side stream). Made at the first use and kept; never destroyed, as the library is never unloaded.
 * Calls on one stream come one after the other, so its events are theirs alone.
 */
struct SideStream {
  cudaStream_t stream = nullptr;
  cudaEvent_t filled[2] = {};
  cudaEvent_t free[2] = {};
};

pal_status side_stream(cudaStream_t beside, const SideStream** side);

/* What is queued on `waiting` from now on runs after what is queued on `first` until now. */
pal_status queue_after(cudaStream_t first, cudaEvent_t event, cudaStream_t waiting);

}  // namespace pal
