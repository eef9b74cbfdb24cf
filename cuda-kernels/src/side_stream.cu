/* side_stream.cu - see side_stream.h. */
#include "side_stream.h"

#include <map>
#include <mutex>
#include <utility>

namespace pal {

pal_status side_stream(cudaStream_t beside, const SideStream** side) {
  static std::mutex mutex;
  static std::map<std::pair<int, cudaStream_t>, SideStream> made; /* nodes stay where they are */
  int device = 0;
  PAL_TRY(check_cuda(cudaGetDevice(&device), "cudaGetDevice"));
  const std::lock_guard<std::mutex> lock(mutex);
  SideStream& found = made[{device, beside}];
  *side = &found;
  if (found.free[1] != nullptr) return PAL_OK;
  if (found.stream == nullptr) {
    PAL_TRY(check_cuda(cudaStreamCreateWithFlags(&found.stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"));
  }
  for (cudaEvent_t* event : {&found.filled[0], &found.filled[1], &found.free[0], &found.free[1]}) {
    if (*event == nullptr) PAL_TRY(check_cuda(cudaEventCreateWithFlags(event, cudaEventDisableTiming), "cudaEventCreateWithFlags"));
  }
  return PAL_OK;
}

pal_status queue_after(cudaStream_t first, cudaEvent_t event, cudaStream_t waiting) {
  PAL_TRY(check_cuda(cudaEventRecord(event, first), "cudaEventRecord"));
  return check_cuda(cudaStreamWaitEvent(waiting, event, 0), "cudaStreamWaitEvent");
}

}  // namespace pal
