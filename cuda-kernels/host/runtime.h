/*
 * runtime.h - the calls of the CUDA runtime that library and tests make, emulated: device memory with checked bounds, streams,
 * events, and captured graphs. Work is done when the call that queues it returns; what a stream, an event or a wait orders is
 * remembered for the detector, which tells where nothing does.
 */
#pragma once

#include <cstddef>
#include <functional>

namespace pal::host {
struct Stream;
struct Event;
struct Graph;
}  // namespace pal::host

using cudaStream_t = pal::host::Stream*;
using cudaEvent_t = pal::host::Event*;
using cudaGraph_t = pal::host::Graph*;
using cudaGraphExec_t = pal::host::Graph*;

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorLaunchFailure = 719,
  cudaErrorStreamCaptureUnsupported = 900,
  cudaErrorStreamCaptureUnjoined = 904,
};
enum cudaMemcpyKind { cudaMemcpyHostToHost, cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal, cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed };
constexpr unsigned cudaStreamNonBlocking = 1;
constexpr unsigned cudaEventDisableTiming = 2;

cudaError_t cudaGetLastError();
const char* cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDevice(int* device);

/* The device is one of the compute capability that pal::host::set_shared_per_multiprocessor makes it look like; 9.0 at first. */
enum cudaDeviceAttr { cudaDevAttrMaxSharedMemoryPerMultiprocessor };
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize, cudaFuncAttributePreferredSharedMemoryCarveout };
constexpr int cudaSharedmemCarveoutMaxShared = 100;
cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value);

cudaError_t cudaMalloc(void** memory, std::size_t bytes);
template <class T>
cudaError_t cudaMalloc(T** memory, std::size_t bytes) {
  return cudaMalloc(reinterpret_cast<void**>(memory), bytes);
}
cudaError_t cudaFree(void* memory);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream);
cudaError_t cudaDeviceSynchronize();

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags = 0);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
/* The time between two events is what pass_time() was told meanwhile. */
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop);

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* replay, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t replay, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replay);

namespace pal::host {

/* Does the work of a stream, or keeps it for the graph that the stream captures. It is given the stream that it runs on. */
cudaError_t queue(cudaStream_t stream, std::function<void(Stream&)> work);

/* Around a piece of work on memory, for the detector: what the stream knows to be over, and that the work is. */
void begin_work(Stream& stream);
void end_work(Stream& stream);

/* What cudaFuncSetAttribute last allowed a kernel; 0: nothing. */
std::size_t dynamic_shared_limit(const void* function);
void set_shared_per_multiprocessor(std::size_t bytes);

/* Lets the device's clock go on; nothing else moves it. */
void pass_time(float milliseconds);

/* Whether nobody wrote into the bytes around the arrays in device memory. */
bool guards_intact();

}  // namespace pal::host
