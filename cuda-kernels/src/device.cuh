/*
 * device.cuh - the thin layer that lets one kernel source compile for the GPU (nvcc) and for the host (g++).
 *
 *   PAL_SHARED(type, name, count)       a static array in shared memory (bounds-checked on the host)
 *   PAL_DYNAMIC_SHARED(type, name)      the launch's dynamic shared memory
 *   launch("name", kernel, grid, threads, shared_bytes, stream, arguments...)
 * Everything else is CUDA's own spelling, which host/emulation.h provides for g++.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "status.h"

#if defined(__CUDACC__)

#include <cuda_runtime.h>

#define PAL_SHARED(type, name, count) __shared__ type name[count]
#define PAL_DYNAMIC_SHARED(type, name)                                \
  extern __shared__ __align__(16) unsigned char pal_dynamic_shared[]; \
  type* const name = reinterpret_cast<type*>(pal_dynamic_shared)
#define PAL_UNROLL _Pragma("unroll")
#define PAL_NO_UNROLL _Pragma("unroll 1")
#define PAL_NOINLINE __noinline__

#else

#include "../host/emulation.h"

#define PAL_UNROLL
#define PAL_NO_UNROLL
#define PAL_NOINLINE __attribute__((noinline))

#endif

namespace pal {

/*
 * One access of sizeof(W) bytes; the address must be a multiple of that. For what is faster in 4, 8 or 16 bytes than element by
 * element. On the host the detector is told that it was one, and a wrong address does no harm.
 */
template <class W>
__device__ __forceinline__ W load_word(const void* from) {
#if defined(__CUDACC__)
  return *static_cast<const W*>(from);
#else
  host::in_one_piece(from, sizeof(W));
  W word;
  std::memcpy(&word, from, sizeof(W));
  return word;
#endif
}
template <class W>
__device__ __forceinline__ void store_word(void* to, const W& word) {
#if defined(__CUDACC__)
  *static_cast<W*>(to) = word;
#else
  host::in_one_piece(to, sizeof(W));
  std::memcpy(to, &word, sizeof(W));
#endif
}

/* Brings the lanes of a warp together again, for an instruction of the whole warp. Orders no accesses to memory. */
__device__ __forceinline__ void converge() {
#if defined(__CUDACC__)
  __syncwarp();
#endif
}

}  // namespace pal

namespace pal {

constexpr unsigned kFullMask = 0xffffffffu;
constexpr unsigned kWarpSize = 32;
/*
 * A block gets 48 KB of shared memory without asking, its kernel's static arrays included, and more only for a kernel that
 * was allowed it. So we ask as soon as the dynamic part leaves less than 16 KB for the static one.
 */
constexpr size_t kSharedWithoutAsking = 32 * 1024;

inline cudaStream_t as_stream(pal_stream stream) { return static_cast<cudaStream_t>(stream); }

inline pal_status check_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return PAL_OK;
  return fail(PAL_DEVICE_ERROR, "%s: %s", what, cudaGetErrorString(error));
}

/*
 * Lets `kernel` use this much dynamic shared memory on the current device. What it once had it keeps: another thread may be about to
 * launch it with more. library.cu.
 */
pal_status allow_shared(const char* name, const void* kernel, size_t bytes);

/* Queues a kernel. Blocks are one-dimensional. */
template <class... Parameters, class... Arguments>
pal_status launch(const char* name, void (*kernel)(Parameters...), dim3 grid, unsigned threads, size_t shared_bytes,
                  cudaStream_t stream, Arguments... arguments) {
  const auto* function = reinterpret_cast<const void*>(kernel);
  if (shared_bytes > kSharedWithoutAsking) PAL_TRY(allow_shared(name, function, shared_bytes));
#if defined(__CUDACC__)
  cudaLaunchConfig_t launch_of{};
  launch_of.gridDim = grid;
  launch_of.blockDim = dim3(threads);
  launch_of.dynamicSmemBytes = shared_bytes;
  launch_of.stream = stream;
  /* Returns this launch's own error: what an earlier call of somebody else left behind is neither reported nor cleared. */
  const cudaError_t error = cudaLaunchKernelEx(&launch_of, kernel, static_cast<Parameters>(arguments)...);
  if (error != cudaSuccess) cudaGetLastError();
  return check_cuda(error, name);
#else
  host::launch_kernel(function, grid, threads, shared_bytes, [=] { kernel(static_cast<Parameters>(arguments)...); }, stream);
  return check_cuda(cudaGetLastError(), name);
#endif
}

}  // namespace pal
