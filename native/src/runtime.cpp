#include "runtime.hpp"

#ifdef PAL_AMX
#include <cpuid.h>
#endif

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace palimpsest {
namespace {

thread_local char last_error[512] = "";
thread_local char description[96] = "";

constexpr int kMaxThreads = 1024;
std::atomic<int> thread_count{0};
std::atomic<const Kernels*> chosen{nullptr};

bool has_avx2() {
#ifdef PAL_X86
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool has_avx512() {
#ifdef PAL_X86
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#else
  return false;
#endif
}

bool has_avx512vnni() {
#ifdef PAL_X86
  return has_avx512() && __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

bool has_avx512bf16() {
#ifdef PAL_X86
  return has_avx512vnni() && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

#ifdef PAL_AMX
bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24;
  return has_avx512bf16() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBf16) && (d & kTiles) && amx_is_lent();
}
#endif

// AMX is left to those who ask for it: its 16-bit products have other bits.
const Kernels& best() {
#ifdef PAL_X86
  if (has_avx512bf16()) return avx512bf16_kernels();
  if (has_avx512vnni()) return avx512vnni_kernels();
  if (has_avx512()) return avx512_kernels();
  if (has_avx2()) return avx2_kernels();
#endif
  return portable_kernels();
}

} // namespace

pal_status fail(pal_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  return status;
}

int threads() {
  const int n = thread_count.load(std::memory_order_relaxed);
  return n > 0 ? n : std::min(omp_get_num_procs(), kMaxThreads);
}

const Kernels& kernels() {
  const Kernels* table = chosen.load(std::memory_order_relaxed);
  return table ? *table : best();
}

} // namespace palimpsest

using namespace palimpsest;

int32_t pal_abi_version(void) { return PAL_ABI_VERSION; }

const char* pal_last_error(void) { return last_error; }

const char* pal_describe(void) {
  std::snprintf(description, sizeof description, "cpu %s, %d thread%s", kernels().name, threads(),
                threads() == 1 ? "" : "s");
  return description;
}

pal_status pal_set_threads(int32_t n) {
  if (n > kMaxThreads) {
    return fail(PAL_INVALID_ARGUMENT, "pal_set_threads: %d threads, expected at most %d", n, kMaxThreads);
  }
  thread_count.store(n < 1 ? 0 : n, std::memory_order_relaxed);
  return PAL_OK;
}

int32_t pal_threads(void) { return threads(); }

pal_status pal_set_instruction_set(const char* name) {
  if (!name) return fail(PAL_INVALID_ARGUMENT, "pal_set_instruction_set: name is NULL");
  const Kernels* table = nullptr;
  bool here = true;
  if (std::strcmp(name, "portable") == 0) {
    table = &portable_kernels();
#ifdef PAL_X86
  } else if (std::strcmp(name, "avx2") == 0) {
    table = &avx2_kernels();
    here = has_avx2();
  } else if (std::strcmp(name, "avx512") == 0) {
    table = &avx512_kernels();
    here = has_avx512();
  } else if (std::strcmp(name, "avx512vnni") == 0) {
    table = &avx512vnni_kernels();
    here = has_avx512vnni();
  } else if (std::strcmp(name, "avx512bf16") == 0) {
    table = &avx512bf16_kernels();
    here = has_avx512bf16();
  } else if (std::strcmp(name, "amx") == 0) {
#ifdef PAL_AMX
    table = &amx_kernels();
    here = has_amx();
#else
    here = false;
#endif
#endif
  } else if (name[0] != '\0') {
    return fail(PAL_INVALID_ARGUMENT,
                "pal_set_instruction_set: \"%s\", expected portable, avx2, avx512, avx512vnni, avx512bf16, amx or nothing",
                name);
  }
  if (!here) return fail(PAL_UNSUPPORTED, "pal_set_instruction_set: this processor has no %s", name);
  chosen.store(table, std::memory_order_relaxed);
  return PAL_OK;
}
