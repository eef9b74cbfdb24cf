/*
 * library.cu - what the table says about itself: version, description, last error, settings.
 */
#include <cstdarg>
#include <cstdio>

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
