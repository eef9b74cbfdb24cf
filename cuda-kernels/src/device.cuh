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

#else

#include "../host/emulation.h"

#define PAL_UNROLL

#endif

namespace pal {

constexpr unsigned kFullMask = 0xffffffffu;
constexpr unsigned kWarpSize = 32;
/* What every device gives a block without asking. */
constexpr size_t kDefaultSharedBytes = 48 * 1024;

inline cudaStream_t as_stream(pal_stream stream) { return static_cast<cudaStream_t>(stream); }

inline pal_status check_cuda(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return PAL_OK;
  return fail(PAL_DEVICE_ERROR, "%s: %s", what, cudaGetErrorString(error));
}

/* Queues a kernel. Blocks are one-dimensional. */
template <class... Parameters, class... Arguments>
pal_status launch(const char* name, void (*kernel)(Parameters...), dim3 grid, unsigned threads, size_t shared_bytes,
                  cudaStream_t stream, Arguments... arguments) {
#if defined(__CUDACC__)
  if (shared_bytes > kDefaultSharedBytes) {
    const cudaError_t error =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
    if (error != cudaSuccess) {
      cudaGetLastError();
      return fail(PAL_UNSUPPORTED, "%s needs %zu bytes of shared memory: %s", name, shared_bytes,
                  cudaGetErrorString(error));
    }
  }
  kernel<<<grid, threads, shared_bytes, stream>>>(static_cast<Parameters>(arguments)...);
#else
  static_cast<void>(stream);
  host::launch(grid, threads, shared_bytes, [&] { kernel(static_cast<Parameters>(arguments)...); });
#endif
  return check_cuda(cudaGetLastError(), name);
}

}  // namespace pal
