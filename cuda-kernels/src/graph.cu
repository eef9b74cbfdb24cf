/*
 * graph.cu - CUDA graphs for callers that have no CUDA runtime of their own: what a thread queues is captured, and queued again
 * with one call.
 *
 * Streams  a capture needs a stream other than the null stream, which is where the callers work; it has one of ours while it
 *          lasts, and a replay is queued where the caller says. A stream that waits for no other: one that did would be
 *          forbidden to capture while anybody uses the null stream.
 * Mode     thread-local: other threads may allocate and wait meanwhile.
 * Test: cases `stream captured` of test/.
 */
#include <map>
#include <mutex>
#include <vector>

#include "device.cuh"
#include "palimpsest_cuda.h"

namespace pal {
namespace {

/* Streams that no capture uses now, by device. */
struct IdleStreams {
  std::mutex mutex;
  std::map<int, std::vector<cudaStream_t>> idle;
};
IdleStreams& idle_streams() {
  static IdleStreams instance;
  return instance;
}

pal_status take_stream(cudaStream_t* stream) {
  int device = 0;
  PAL_TRY(check_cuda(cudaGetDevice(&device), "cudaGetDevice"));
  IdleStreams& streams = idle_streams();
  const std::lock_guard<std::mutex> lock(streams.mutex);
  auto& idle = streams.idle[device];
  if (idle.empty()) return check_cuda(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  *stream = idle.back();
  idle.pop_back();
  return PAL_OK;
}

pal_status give_stream_back(cudaStream_t stream) {
  int device = 0;
  PAL_TRY(check_cuda(cudaGetDevice(&device), "cudaGetDevice"));
  IdleStreams& streams = idle_streams();
  const std::lock_guard<std::mutex> lock(streams.mutex);
  streams.idle[device].push_back(stream);
  return PAL_OK;
}

/* As check_cuda; the error does not stay behind for the next call. */
pal_status checked(cudaError_t error, const char* what) {
  if (error != cudaSuccess) cudaGetLastError();
  return check_cuda(error, what);
}

}  // namespace
}  // namespace pal

extern "C" {

pal_status pal_cuda_begin_capture(pal_stream* stream) {
  PAL_REQUIRE(stream != nullptr, "pal_cuda_begin_capture: stream is NULL");
  cudaStream_t taken = nullptr;
  PAL_TRY(pal::take_stream(&taken));
  const pal_status begun = pal::checked(cudaStreamBeginCapture(taken, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
  if (begun != PAL_OK) {
    pal::give_stream_back(taken);
    return begun;
  }
  *stream = taken;
  return PAL_OK;
}

pal_status pal_cuda_end_capture(pal_stream stream, pal_cuda_graph* graph) {
  PAL_REQUIRE(stream != nullptr, "pal_cuda_end_capture: stream is NULL");
  PAL_REQUIRE(graph != nullptr, "pal_cuda_end_capture: graph is NULL");
  *graph = nullptr;
  cudaGraph_t captured = nullptr;
  const pal_status ended = pal::checked(cudaStreamEndCapture(pal::as_stream(stream), &captured), "cudaStreamEndCapture");
  PAL_TRY(pal::give_stream_back(pal::as_stream(stream)));
  PAL_TRY(ended);
  cudaGraphExec_t replayed = nullptr;
  const pal_status made = pal::checked(cudaGraphInstantiate(&replayed, captured, 0), "cudaGraphInstantiate");
  PAL_TRY(pal::checked(cudaGraphDestroy(captured), "cudaGraphDestroy"));
  PAL_TRY(made);
  *graph = replayed;
  return PAL_OK;
}

pal_status pal_cuda_replay(pal_cuda_graph graph, pal_stream stream) {
  PAL_REQUIRE(graph != nullptr, "pal_cuda_replay: graph is NULL");
  return pal::checked(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), pal::as_stream(stream)), "cudaGraphLaunch");
}

pal_status pal_cuda_free_graph(pal_cuda_graph graph) {
  if (graph == nullptr) return PAL_OK;
  PAL_TRY(pal::checked(cudaDeviceSynchronize(), "cudaDeviceSynchronize"));
  return pal::checked(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)), "cudaGraphExecDestroy");
}

}  // extern "C"
