/* runtime.cpp - see runtime.h. */
#include "runtime.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "detector.h"
#include "emulation.h"
#include "space.h"

namespace pal::host {

/* ---- the space ----------------------------------------------------------------------------------------------------------- */

std::uintptr_t space_begin = ~std::uintptr_t{0};

void* reserve(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    std::fprintf(stderr, "emulation: cannot reserve %zu MiB of addresses\n", bytes >> 20);
    std::abort();
  }
  return memory;
}

void give_back(void* reserved, std::size_t bytes) { munmap(reserved, bytes); }

unsigned char* space() {
  static unsigned char* const instance = [] {
    auto* memory = static_cast<unsigned char*>(reserve(kSpaceBytes));
    space_begin = reinterpret_cast<std::uintptr_t>(memory);
    return memory;
  }();
  return instance;
}

/* ---- device memory with guard bytes -------------------------------------------------------------------------------------- */

namespace {

constexpr std::size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xa5;

struct DeviceMemory {
  std::map<unsigned char*, std::size_t> alive; /* bytes of each */
  std::map<std::size_t, std::vector<unsigned char*>> freed; /* by the room they take */
  std::size_t used = kSharedWindow;
};
DeviceMemory& device_memory() {
  static DeviceMemory instance;
  return instance;
}

std::size_t room_of(std::size_t bytes) { return (bytes + 2 * kGuard + 255) / 256 * 256; }

}  // namespace

bool guards_intact() {
  const auto broken = [](unsigned char byte) { return byte != kGuardByte; };
  for (const auto& [memory, bytes] : device_memory().alive) {
    if (std::any_of(memory - kGuard, memory, broken) || std::any_of(memory + bytes, memory + bytes + kGuard, broken)) return false;
  }
  return true;
}

/* ---- streams ---------------------------------------------------------------------------------------------------------------- */

struct Stream {
  unsigned number = 0;
  bool blocking = true; /* waits for the null stream, and it for this */
  detector::Clock clock;
  Graph* capturing = nullptr;
  std::size_t captured = 0, joined = 0; /* steps, and those that another stream of the capture waits for */
};
struct Event {
  detector::Clock clock;
  float milliseconds = 0.0f;
  Graph* capturing = nullptr; /* recorded on a stream that captures: */
  Stream* recorded_on = nullptr;
  std::size_t captured = 0; /* its steps till then */
};
struct Step {
  Stream* stream;
  std::function<void(Stream&)> work;
};
struct Graph {
  Stream* origin = nullptr;
  std::vector<Step> steps;
};

namespace {

struct Streams {
  Stream null;
  std::vector<Stream*> made;
  detector::Clock host; /* what the host has waited for */
  bool capture_broken = false;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
};
Streams& streams() {
  static Streams instance;
  return instance;
}

float device_milliseconds = 0.0f;

Stream& stream_of(cudaStream_t stream) { return stream == nullptr ? streams().null : *stream; }

bool capturing() {
  const auto& all = streams().made;
  return std::any_of(all.begin(), all.end(), [](const Stream* s) { return s->capturing != nullptr; });
}

/* For calls that no capture allows. */
bool breaks_capture() {
  if (!capturing() || streams().mode == cudaStreamCaptureModeRelaxed) return false;
  streams().capture_broken = true;
  return true;
}

/* The error text outlives cudaGetLastError, which clears the state as the runtime's does. */
std::string last_error_text;

}  // namespace

void pass_time(float milliseconds) { device_milliseconds += milliseconds; }

void begin_work(Stream& stream) {
  Streams& all = streams();
  stream.clock.join(all.host);
  if (&stream == &all.null) {
    for (const Stream* other : all.made) {
      if (other->blocking) stream.clock.join(other->clock);
    }
  } else if (stream.blocking) {
    stream.clock.join(all.null.clock);
  }
  detector::work_begins(stream.number, stream.clock);
}

void end_work(Stream& stream) { detector::work_ends(stream.clock); }

cudaError_t queue(cudaStream_t stream, std::function<void(Stream&)> work) {
  Stream& on = stream_of(stream);
  if (on.capturing != nullptr) {
    on.capturing->steps.push_back({&on, std::move(work)});
    ++on.captured;
    return cudaSuccess;
  }
  if (on.blocking && breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  work(on);
  return cudaSuccess;
}

}  // namespace pal::host

using namespace pal::host;

/* ---- errors ------------------------------------------------------------------------------------------------------------------ */

cudaError_t cudaGetLastError() {
  if (launch_error().empty()) return cudaSuccess;
  last_error_text = launch_error();
  clear_error();
  return cudaErrorLaunchFailure;
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorStreamCaptureUnsupported:
      return "not permitted while a stream is capturing";
    case cudaErrorStreamCaptureUnjoined:
      return "a captured stream has not been joined";
    case cudaErrorInvalidValue:
      return "invalid argument";
    default:
      return last_error_text.c_str();
  }
}

/* ---- the device and its kernels ------------------------------------------------------------------------------------------------ */

namespace pal::host {
namespace {

int shared_per_multiprocessor = 228 * 1024;
constexpr int kMostDynamicShared = 227 * 1024;

std::map<const void*, std::size_t>& dynamic_shared_limits() {
  static std::map<const void*, std::size_t> instance;
  return instance;
}

}  // namespace

std::size_t dynamic_shared_limit(const void* function) {
  const auto found = dynamic_shared_limits().find(function);
  return found == dynamic_shared_limits().end() ? 0 : found->second;
}
void set_shared_per_multiprocessor(std::size_t bytes) { shared_per_multiprocessor = static_cast<int>(bytes); }

}  // namespace pal::host

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = shared_per_multiprocessor;
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* function, cudaFuncAttribute attribute, int value) {
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || value > kMostDynamicShared) return cudaErrorInvalidValue;
  dynamic_shared_limits()[function] = static_cast<std::size_t>(value);
  return cudaSuccess;
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------ */

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  if (breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  DeviceMemory& device = device_memory();
  const std::size_t room = room_of(bytes);
  auto& again = device.freed[room];
  unsigned char* start = nullptr;
  if (!again.empty()) {
    start = again.back();
    again.pop_back();
  } else {
    if (device.used + room > kSpaceBytes) return cudaErrorMemoryAllocation;
    start = space() + device.used + kGuard;
    device.used += room;
  }
  std::memset(start - kGuard, kGuardByte, room);
  std::memset(start, 0xff, bytes);
  device.alive[start] = bytes;
  detector::memory_made(start, bytes);
  *memory = start;
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  if (breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  const bool intact = guards_intact();
  DeviceMemory& device = device_memory();
  const auto found = device.alive.find(static_cast<unsigned char*>(memory));
  if (found == device.alive.end()) return cudaErrorInvalidValue;
  cudaDeviceSynchronize();
  detector::memory_freed(memory, found->second);
  device.freed[room_of(found->second)].push_back(found->first);
  device.alive.erase(found);
  if (intact) return cudaSuccess;
  last_error_text = "an array in device memory was written outside its bounds";
  return cudaErrorLaunchFailure;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  if (bytes == 0) return cudaSuccess;
  Streams& all = streams();
  begin_work(all.null);
  detector::reads(from, bytes);
  detector::fills(to, bytes, true);
  std::memmove(to, from, bytes);
  end_work(all.null);
  all.host.join(all.null.clock);
  return cudaSuccess;
}

cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) { return cudaMemsetAsync(memory, value, bytes, nullptr); }

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  return queue(stream, [=](Stream& on) {
    begin_work(on);
    detector::fills(memory, bytes, value != 0xff); /* what a test poisons counts as never written */
    std::memset(memory, value, bytes);
    end_work(on);
  });
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------------ */

cudaError_t cudaDeviceSynchronize() {
  if (breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  Streams& all = streams();
  all.host.join(all.null.clock);
  for (const Stream* stream : all.made) all.host.join(stream->clock);
  return cudaGetLastError();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (breaks_capture()) return cudaErrorStreamCaptureUnsupported;
  streams().host.join(stream_of(stream).clock);
  return cudaGetLastError();
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  Streams& all = streams();
  bool taken[detector::kMostStreams] = {true};
  for (const Stream* made : all.made) taken[made->number] = true;
  for (unsigned number = 1; number < detector::kMostStreams; ++number) {
    if (taken[number]) continue;
    auto* made = new Stream;
    made->number = number;
    made->blocking = (flags & cudaStreamNonBlocking) == 0;
    all.made.push_back(made);
    *stream = made;
    return cudaSuccess;
  }
  return cudaErrorMemoryAllocation; /* more at a time than the emulation tells apart */
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  auto& made = streams().made;
  streams().host.join(stream->clock); /* its number may be given to another */
  made.erase(std::remove(made.begin(), made.end(), stream), made.end());
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new Event;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  Stream& recorded_on = stream_of(stream);
  const cudaError_t status = queue(stream, [event](Stream& on) {
    on.clock.join(streams().host);
    event->clock = on.clock;
    event->milliseconds = device_milliseconds;
  });
  event->capturing = recorded_on.capturing;
  event->recorded_on = &recorded_on;
  event->captured = recorded_on.captured;
  return status;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  *milliseconds = stop->milliseconds - start->milliseconds;
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  Stream& on = stream_of(stream);
  if (event->capturing != nullptr) {
    if (on.capturing == nullptr) on.captured = on.joined = 0;
    on.capturing = event->capturing; /* the stream joins the capture */
    if (event->recorded_on != &on) event->recorded_on->joined = std::max(event->recorded_on->joined, event->captured);
  }
  return queue(stream, [event](Stream& waiting) { waiting.clock.join(event->clock); });
}

/* ---- graphs -------------------------------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || capturing()) return cudaErrorStreamCaptureUnsupported;
  stream->capturing = new Graph{stream, {}};
  stream->captured = stream->joined = 0;
  streams().capture_broken = false;
  return cudaSuccess;
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(streams().mode, *mode);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  Graph* captured = stream->capturing;
  if (captured == nullptr || captured->origin != stream) return cudaErrorInvalidValue;
  bool joined = true; /* what another stream did last must have been waited for */
  for (Stream* made : streams().made) {
    if (made->capturing != captured) continue;
    made->capturing = nullptr;
    joined = joined && (made == stream || made->joined == made->captured);
  }
  *graph = captured;
  if (joined && !streams().capture_broken) return cudaSuccess;
  delete captured;
  *graph = nullptr;
  return joined ? cudaErrorStreamCaptureUnsupported : cudaErrorStreamCaptureUnjoined;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* replay, cudaGraph_t graph, unsigned long long) {
  *replay = new Graph(*graph);
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t replay, cudaStream_t stream) {
  for (const Step& step : replay->steps) {
    Stream& on = step.stream == replay->origin ? stream_of(stream) : *step.stream;
    step.work(on);
    if (!launch_error().empty()) return cudaGetLastError();
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replay) { return cudaGraphDestroy(replay); }
