/*
 * emulation.h - the part of CUDA that our kernels use, for g++: kernels are ordinary functions, a launch runs their
 * blocks one after the other, the threads of a block are fibers that change places only at barriers and warp operations.
 *
 * What is checked while a kernel runs (a violation stops the launch; cudaGetLastError and launch_error() tell):
 *   - every thread of a block reaches the same __syncthreads; none has returned before it
 *   - every lane named in a warp operation's mask reaches that same operation; the calling lane is in the mask
 *   - an index into shared memory declared with PAL_SHARED is inside the array
 *   - static and dynamic shared memory together fit: 48 KB, or 227 KB for a launch that asked for more
 *   - memory from cudaMalloc is not written outside its bounds (guard bytes, looked at after each launch and in cudaFree)
 * Shared and device memory start filled with 0xFF (a NaN as float), so that reading what nobody wrote shows.
 * The order in which fibers run is a parameter (set_order): a kernel whose result depends on it has a race. Built with
 * PAL_DETECTOR, every access is watched (detector.h).
 *
 * Limits: blocks are one-dimensional, at most 1024 threads; a launch is over when the call returns.
 */
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "detector.h"
#include "runtime.h"
#include "site.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
struct uint3 {
  unsigned x, y, z;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};

extern thread_local uint3 threadIdx, blockIdx;
extern thread_local dim3 blockDim, gridDim;

namespace pal::host {

/* ---- scheduling ---------------------------------------------------------------------------------------------- */

enum class Order { FORWARD, REVERSE, SHUFFLED };
void set_order(Order order, std::uint64_t seed = 0);

/* Runs the kernel, or adds it to the graph that `stream` captures; false after a violation, with the reason in launch_error(). */
bool launch(dim3 grid, unsigned threads, std::size_t dynamic_shared_bytes, bool asked_for_shared,
            const std::function<void()>& kernel, cudaStream_t stream = nullptr);
/* The same of a function that cudaFuncSetAttribute may have given more shared memory. */
bool launch_kernel(const void* function, dim3 grid, unsigned threads, std::size_t dynamic_shared_bytes,
                   const std::function<void()>& kernel, cudaStream_t stream);
/* From now on launches by launch_kernel are written down instead of run; what has been written down until now. */
struct Launch {
  const void* function;
  unsigned threads;
  std::size_t dynamic_shared_bytes;
};
void write_launches_down();
const std::vector<Launch>& written_launches();
/* From now on of grids of more than 2048 blocks only the first and the last run: for arrays that are too large to be gone through. */
void run_ends_of_grids(bool on);
/* The kernels that launch_kernel has run since the last call, each once. */
std::vector<const void*> take_run_kernels();

const std::string& launch_error();
void clear_error();
/* Blocks and barriers run since the start, for the test's summary. */
struct Statistics {
  std::uint64_t launches, blocks, barriers, warp_operations;
};
Statistics statistics();

/* Stops the running launch with this message; does not return. */
[[noreturn]] void violation(const std::string& message);

/* Keeps a template argument from being deduced. */
template <class T>
struct Same {
  using type = T;
};

enum class WarpOperation { SYNC, EXCHANGE, SHUFFLE, SHUFFLE_XOR, SHUFFLE_UP, SHUFFLE_DOWN, BALLOT, MATCH, ADD, MAXIMUM };
std::uint64_t warp_operation(WarpOperation operation, unsigned mask, std::uint64_t value, int argument, Site site);

/*
 * Twins of the matrix instructions of mma.cuh, for the whole warp: d += a b of 16 x 16 by 16 x 8, one product after the other;
 * four 8 x 8 matrices of 16-bit elements, of which lane l names row l % 8 of matrix l / 8.
 */
void multiply_add_twin(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site = {__builtin_FILE(), __builtin_LINE()});
void load_matrices_twin(unsigned (&to)[4], const void* row, Site site = {__builtin_FILE(), __builtin_LINE()});

/*
 * Asynchronous copies into shared memory: what was queued is read and written only when the thread waits for its group, so
 * that a wait too few or a buffer used too early shows.
 */
void copy_async(void* to, const void* from, std::size_t bytes, std::size_t room);
void commit_copies();
void wait_copies(std::size_t groups_left);

/* Waits for the whole block; the sum of `value` over its threads. */
int block_barrier(int value, Site site);

template <class T>
T shuffle(WarpOperation operation, unsigned mask, T value, int argument, Site site) {
  static_assert(sizeof(T) <= 8 && std::is_trivially_copyable_v<T>);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_operation(operation, mask, bits, argument, site);
  T result;
  std::memcpy(&result, &bits, sizeof(T));
  return result;
}

/* For the detector: the access that follows is one of `bytes` on the device. */
inline void in_one_piece(const void* memory, std::size_t bytes) { detector::in_one_piece(memory, bytes); }

/* ---- shared memory ------------------------------------------------------------------------------------------- */

/* The block's array that belongs to `site`: the same for all its threads, fresh for every block. */
void* shared_memory(const void* site, std::size_t bytes);
void* dynamic_shared_memory(std::size_t* bytes);

/* An array in shared memory with checked indices. Converts to a plain pointer where one is needed. */
template <class T>
class Shared {
 public:
  Shared(void* memory, std::size_t size) : memory_(static_cast<T*>(memory)), size_(size) {}

  template <class Index>
  T& operator[](Index index) const {
    if (index < Index{} || static_cast<std::size_t>(index) >= size_) {
      violation("shared memory index " + std::to_string(index) + " outside [0, " + std::to_string(size_) + ")");
    }
    return memory_[index];
  }
  operator T*() const { return memory_; }

 private:
  T* memory_;
  std::size_t size_;
};

template <class T>
Shared<T> dynamic_shared() {
  std::size_t bytes = 0;
  void* memory = dynamic_shared_memory(&bytes);
  return {memory, bytes / sizeof(T)};
}

}  // namespace pal::host

#define PAL_SHARED(type, name, count)                                                                     \
  const ::pal::host::Shared<type> name(::pal::host::shared_memory([] {                                    \
                                         static const char site = 0;                                      \
                                         return static_cast<const void*>(&site);                          \
                                       }(),                                                               \
                                                                  sizeof(type) * std::size_t{count}),     \
                                       std::size_t{count})
#define PAL_DYNAMIC_SHARED(type, name) const auto name = ::pal::host::dynamic_shared<type>()

/* ---- barriers, warp operations, atomics ------------------------------------------------------------------------ */

#define PAL_HERE \
  ::pal::host::Site { file, line }
#define PAL_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(PAL_CALLER) { pal::host::block_barrier(0, PAL_HERE); }
inline int __syncthreads_count(int predicate, PAL_CALLER) { return pal::host::block_barrier(predicate != 0, PAL_HERE); }
inline void __syncwarp(unsigned mask = 0xffffffffu, PAL_CALLER) {
  pal::host::warp_operation(pal::host::WarpOperation::SYNC, mask, 0, 0, PAL_HERE);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int lane, PAL_CALLER) {
  return pal::host::shuffle(pal::host::WarpOperation::SHUFFLE, mask, value, lane, PAL_HERE);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, PAL_CALLER) {
  return pal::host::shuffle(pal::host::WarpOperation::SHUFFLE_XOR, mask, value, lanes, PAL_HERE);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, int lanes, PAL_CALLER) {
  return pal::host::shuffle(pal::host::WarpOperation::SHUFFLE_UP, mask, value, lanes, PAL_HERE);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, int lanes, PAL_CALLER) {
  return pal::host::shuffle(pal::host::WarpOperation::SHUFFLE_DOWN, mask, value, lanes, PAL_HERE);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, PAL_CALLER) {
  return static_cast<unsigned>(
      pal::host::warp_operation(pal::host::WarpOperation::BALLOT, mask, predicate != 0, 0, PAL_HERE));
}
inline unsigned __match_any_sync(unsigned mask, unsigned value, PAL_CALLER) {
  return static_cast<unsigned>(pal::host::warp_operation(pal::host::WarpOperation::MATCH, mask, value, 0, PAL_HERE));
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value, PAL_CALLER) {
  return static_cast<unsigned>(pal::host::warp_operation(pal::host::WarpOperation::ADD, mask, value, 0, PAL_HERE));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, PAL_CALLER) {
  return static_cast<unsigned>(pal::host::warp_operation(pal::host::WarpOperation::MAXIMUM, mask, value, 0, PAL_HERE));
}

/* Fibers never run at the same time, so these need no locking. The detector is told of one atomic access, not of two plain ones. */
template <class T>
__attribute__((noinline, no_sanitize("thread"))) T atomicAdd(T* address, typename pal::host::Same<T>::type value) {
  pal::host::detector::atomic_access(address, sizeof(T), __builtin_return_address(0));
  const T old = *address;
  *address = static_cast<T>(old + value);
  return old;
}

/* ---- arithmetic that g++ lacks ----------------------------------------------------------------------------------- */

inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, 4);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, 4);
  return value;
}
inline int __popc(unsigned value) { return __builtin_popcount(value); }
inline int __ffs(int value) { return __builtin_ffs(value); }
