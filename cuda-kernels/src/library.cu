/*
 * library.cu - what the table says about itself: version, description, last error, settings.
 */
#include <cstdarg>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

#include "device.cuh"
#include "product.h"

namespace pal {
namespace {

thread_local char last_error[512] = "";

}  // namespace

pal_status fail(pal_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(last_error, sizeof(last_error), format, arguments);
  va_end(arguments);
  return status;
}

pal_status allow_shared(const char* name, const void* kernel, size_t bytes) {
  static std::mutex mutex;
  static std::map<std::pair<int, const void*>, size_t> allowed; /* by device and kernel */
  int device = 0;
  PAL_TRY(check_cuda(cudaGetDevice(&device), "cudaGetDevice"));
  const std::lock_guard<std::mutex> lock(mutex);
  size_t& had = allowed[{device, kernel}];
  if (bytes <= had) return PAL_OK;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
  /* All of the first-level cache as shared memory, so that as many blocks as registers allow run at a time. */
  if (error == cudaSuccess) {
    error = cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout, cudaSharedmemCarveoutMaxShared);
  }
  if (error != cudaSuccess) {
    cudaGetLastError();
    return fail(PAL_UNSUPPORTED, "%s needs %zu bytes of shared memory: %s", name, bytes, cudaGetErrorString(error));
  }
  had = bytes;
  return PAL_OK;
}

}  // namespace pal

extern "C" {

int32_t pal_abi_version(void) { return PAL_ABI_VERSION; }

const char* pal_last_error(void) { return pal::last_error; }

const char* pal_describe(void) {
  thread_local char text[384];
#if defined(__CUDACC__)
  int device = 0;
  cudaDeviceProp properties;
  cudaError_t error = cudaGetDevice(&device);
  if (error == cudaSuccess) error = cudaGetDeviceProperties(&properties, device);
  if (error != cudaSuccess) {
    std::snprintf(text, sizeof(text), "cuda unavailable: %s", cudaGetErrorString(error));
    return text;
  }
  std::snprintf(text, sizeof(text), "cuda sm_%d%d %s, products by %s", properties.major, properties.minor,
                properties.name, pal::product_backend());
#else
  std::snprintf(text, sizeof(text), "cuda kernels emulated on the host, products by %s", pal::product_backend());
#endif
  return text;
}

pal_status pal_set_threads(int32_t) { return PAL_OK; }

int32_t pal_threads(void) { return 1; }

pal_status pal_set_instruction_set(const char* name) {
  if (name != nullptr && name[0] == '\0') return PAL_OK;
  return pal::fail(PAL_UNSUPPORTED, "instruction set '%s': the CUDA library has none to choose", name == nullptr ? "(null)" : name);
}

}  // extern "C"
