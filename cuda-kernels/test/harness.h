/*
 * harness.h - what the test program is made of: faults that are counted and told, arrays on the device, repeatable
 * random numbers. The same sources run on the device (nvcc) and emulated on the host (g++).
 */
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "device.cuh"

namespace pal::test {

/* ---- faults ---------------------------------------------------------------------------------------------------- */

constexpr int kMostFaults = 10;

struct Tally {
  long checks = 0;
  long faults = 0;
  std::string where; /* the case that runs */
};
Tally& tally();

/* Counts a check; tells a fault and, after ten, ends the program. */
__attribute__((format(printf, 2, 3))) void expect(bool good, const char* format, ...);

/* expect(status is PAL_OK), with the library's message. */
void expect_ok(pal_status status, const char* call);
#define PAL_OK_OR_FAULT(call) ::pal::test::expect_ok((call), #call)

/* |found - wanted| <= relative |wanted| + absolute; NaN equals NaN. */
void expect_close(double found, double wanted, double relative, double absolute, const char* what, long at);

/* ---- cases ------------------------------------------------------------------------------------------------------ */

struct Case {
  const char* name;
  void (*run)();
};
/* The files of the test directory each give theirs. */
std::vector<Case> emulation_cases();
std::vector<Case> detector_cases();
std::vector<Case> cublaslt_cases();
std::vector<Case> product_cases();
std::vector<Case> encode_cases();
std::vector<Case> fused_cases();
std::vector<Case> decode_cases();
std::vector<Case> fvu_cases();
std::vector<Case> sort_cases();
std::vector<Case> backward_cases();
std::vector<Case> update_cases();
std::vector<Case> step_cases();
std::vector<Case> record_cases();
std::vector<Case> stream_cases();
std::vector<Case> kernels_cases();
std::vector<Case> large_cases();
std::vector<Case> verify_cases();
std::vector<Case> memory_cases();
std::vector<Case> twin_cases();

/* Prints how every kernel is launched at the sizes of the predictions: "address|threads|dynamic shared bytes". On the host alone. */
int print_launches();

/* ---- random numbers ------------------------------------------------------------------------------------------------ */

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2 + 1) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u); /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  int64_t integer(int64_t low, int64_t high) { return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1)); }
  double normal();

 private:
  uint64_t state_;
};

std::vector<float> normal_floats(Random& random, int64_t count, double scale = 1.0);
std::vector<float> integer_floats(Random& random, int64_t count, int low, int high);

/* ---- memory on the device -------------------------------------------------------------------------------------------- */

/*
 * PALIMPSEST_UNTOUCHED is set: memory is left as the device gives it instead of being filled with 0xFF, so that compute-sanitizer's
 * initcheck sees what nobody has written.
 */
bool memory_is_untouched();

/* An array on the device, filled with 0xFF where no content is given. */
template <class T>
class Array {
 public:
  explicit Array(int64_t count) : count_(count) {
    expect(cudaMalloc(&memory_, bytes() > 0 ? bytes() : 1) == cudaSuccess, "cudaMalloc of %zu bytes", bytes());
    poison();
  }
  explicit Array(const std::vector<T>& content) : Array(static_cast<int64_t>(content.size())) { upload(content); }
  ~Array() { expect(cudaFree(memory_) == cudaSuccess, "cudaFree: %s", cudaGetErrorString(cudaGetLastError())); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* get() const { return memory_; }
  int64_t count() const { return count_; }
  size_t bytes() const { return static_cast<size_t>(count_) * sizeof(T); }
  void poison() {
    if (!memory_is_untouched()) cudaMemset(memory_, 0xff, bytes());
  }
  void upload(const std::vector<T>& content) {
    cudaMemcpy(memory_, content.data(), content.size() * sizeof(T), cudaMemcpyHostToDevice);
  }
  std::vector<T> download() const {
    std::vector<T> content(static_cast<size_t>(count_));
    const cudaError_t error = cudaMemcpy(content.data(), memory_, bytes(), cudaMemcpyDeviceToHost);
    expect(error == cudaSuccess, "cudaMemcpy: %s", cudaGetErrorString(error));
    return content;
  }

 private:
  T* memory_ = nullptr;
  int64_t count_;
};

using Workspace = Array<unsigned char>;

/* ---- repetition -------------------------------------------------------------------------------------------------------- */

/*
 * Runs `run` several times and expects the same bytes each time. On the host the threads of a block run in a different
 * order each time: a result that depends on it has a race. On the device the runs are plain repetitions.
 */
void expect_repeatable(const char* what, const std::function<std::vector<unsigned char>()>& run);

template <class T>
void append_bytes(std::vector<unsigned char>& bytes, const std::vector<T>& content) {
  const auto* first = reinterpret_cast<const unsigned char*>(content.data());
  bytes.insert(bytes.end(), first, first + content.size() * sizeof(T));
}

}  // namespace pal::test
