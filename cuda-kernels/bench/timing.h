/* timing.h - device memory that is counted, device events, medians, and the lines of the report. Needs a GPU. */
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "device.cuh"

namespace pal::bench {

inline void must(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "bench: %s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}
inline void must(pal_status status, const char* what) {
  if (status == PAL_OK) return;
  std::fprintf(stderr, "bench: %s: %s\n", what, pal_last_error());
  std::exit(1);
}
#define MUST(call) ::pal::bench::must((call), #call)

/* Device memory for the length of the program's scope. */
template <class T>
class Buffer {
 public:
  explicit Buffer(int64_t count) : count_(count) { MUST(cudaMalloc(&memory_, std::max<size_t>(bytes(), 256))); }
  ~Buffer() { cudaFree(memory_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  T* get() const { return memory_; }
  int64_t count() const { return count_; }
  size_t bytes() const { return static_cast<size_t>(count_) * sizeof(T); }

 private:
  T* memory_ = nullptr;
  int64_t count_;
};

struct Times {
  double median, low, high; /* microseconds: median, 10th and 90th percentile */
};

/* What a timed piece of work amounts to, for the shares of peak. */
struct Work {
  double bytes = 0.0;      /* least traffic to device memory */
  double operations = 0.0; /* of the matrix product */
  double rows = 0.0;       /* tokens, for tokens per second */
};

/* Keeps the device busy for a while, so that what is queued meanwhile runs without gaps between its launches. */
template <long long kCycles>
__global__ void spin() {
  const long long until = clock64() + kCycles;
  while (clock64() < until) {
  }
}

class Bench {
 public:
  explicit Bench(cudaStream_t stream) : stream_(stream), flush_(int64_t{512} << 20) {
    MUST(cudaEventCreate(&start_));
    MUST(cudaEventCreate(&stop_));
  }

  /* An idle device runs at a fraction of its clock: works for half a second before anything is timed. */
  void wake_up() {
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500)) {
      for (int i = 0; i < 20; ++i) MUST(cudaMemsetAsync(flush_.get(), i, flush_.bytes(), stream_));
      MUST(cudaStreamSynchronize(stream_));
    }
  }

  /* Largest rates measured on this device, for the shares. */
  double bytes_per_second = 0.0;
  double operations_per_second = 0.0;

  /*
   * Times run(i) for i = 0, 1, ... (i picks one of several inputs); cold: the L2 cache is overwritten before each. 25 times,
   * or as often as two seconds allow, but 5 times at least.
   */
  Times time(const std::function<void(int)>& run, bool cold) {
    constexpr int kWarmUp = 3, kLeast = 5, kRepeats = 25;
    constexpr double kBudget = 2e6;
    constexpr long long kSpinCycles = 200000; /* about 0.1 ms: some thirty launches */
    std::vector<double> times;
    double spent = 0.0;
    for (int i = 0; i < kWarmUp + kRepeats && (i < kWarmUp + kLeast || spent < kBudget); ++i) {
      if (cold) MUST(cudaMemsetAsync(flush_.get(), i, flush_.bytes(), stream_));
      spin<kSpinCycles><<<1, 1, 0, stream_>>>();
      MUST(cudaGetLastError());
      MUST(cudaEventRecord(start_, stream_));
      run(i);
      MUST(cudaEventRecord(stop_, stream_));
      MUST(cudaEventSynchronize(stop_));
      float milliseconds = 0.0f;
      MUST(cudaEventElapsedTime(&milliseconds, start_, stop_));
      spent += milliseconds * 1000.0;
      if (i >= kWarmUp) times.push_back(milliseconds * 1000.0);
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double share) { return times[static_cast<size_t>(share * static_cast<double>(times.size() - 1))]; };
    return {at(0.5), at(0.1), at(0.9)};
  }

  /* Times warm and cold and adds two lines to the report. */
  Times report(const std::string& name, const std::string& shape, const Work& work, const std::function<void(int)>& run) {
    Times warm{};
    for (const bool cold : {false, true}) {
      const Times t = time(run, cold);
      if (!cold) warm = t;
      add(name, shape, work, cold ? "cold" : "warm", t);
    }
    return warm;
  }

  void add(const std::string& name, const std::string& shape, const Work& work, const char* cache, const Times& t) {
    const double seconds = t.median * 1e-6;
    char line[640];
    int used = std::snprintf(line, sizeof(line),
                             "{\"name\":\"%s\",\"shape\":\"%s\",\"l2\":\"%s\",\"median_us\":%.2f,\"p10_us\":%.2f,\"p90_us\":%.2f",
                             name.c_str(), shape.c_str(), cache, t.median, t.low, t.high);
    const auto field = [&](const char* key, double value) {
      used += std::snprintf(line + used, sizeof(line) - static_cast<size_t>(used), ",\"%s\":%.5g", key, value);
    };
    if (work.bytes > 0.0) field("gigabytes_per_s", work.bytes / seconds * 1e-9);
    if (work.bytes > 0.0 && bytes_per_second > 0.0) field("share_of_bandwidth", work.bytes / seconds / bytes_per_second);
    if (work.operations > 0.0) field("teraflops", work.operations / seconds * 1e-12);
    if (work.operations > 0.0 && operations_per_second > 0.0) {
      field("share_of_product_peak", work.operations / seconds / operations_per_second);
    }
    if (work.rows > 0.0) field("million_tokens_per_s", work.rows / seconds * 1e-6);
    std::snprintf(line + used, sizeof(line) - static_cast<size_t>(used), "}");
    lines_.emplace_back(line);
    std::printf("%-28s %-34s %-4s %10.1f us  [%.1f, %.1f]\n", name.c_str(), shape.c_str(), cache, t.median, t.low, t.high);
    std::fflush(stdout);
  }

  const std::vector<std::string>& lines() const { return lines_; }
  cudaStream_t stream() const { return stream_; }

 private:
  cudaStream_t stream_;
  Buffer<unsigned char> flush_; /* several times the L2 */
  cudaEvent_t start_{}, stop_{};
  std::vector<std::string> lines_;
};

}  // namespace pal::bench
