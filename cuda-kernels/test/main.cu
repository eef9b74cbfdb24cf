/*
 * main.cu - runs all cases, or those whose name contains one of the arguments. Exit 0 when every check holds, 1 after
 * faults, 2 where no case has such a name, 3 where there is no usable GPU. `--part I/N` (the first argument) runs case I and every
 * N-th after it, for several processes beside each other. On the host: `--launches`, launches.cu; `--list` (the first argument)
 * prints the names of the cases that would run; PALIMPSEST_KERNELS names a file for the kernels of each.
 */
#include <algorithm>
#include <chrono>

#include "harness.h"

using namespace pal::test;

#if !defined(__CUDACC__)
extern "C" const char __executable_start;

namespace {

/* Adds the kernels that the case has run to the file PALIMPSEST_KERNELS: "case|address". */
void write_kernels(const char* test) {
  const auto kernels = pal::host::take_run_kernels();
  const char* path = std::getenv("PALIMPSEST_KERNELS");
  std::FILE* out = path == nullptr ? nullptr : std::fopen(path, "a");
  if (out == nullptr) return;
  for (const void* kernel : kernels) {
    std::fprintf(out, "%s|0x%zx\n", test, static_cast<size_t>(static_cast<const char*>(kernel) - &__executable_start));
  }
  std::fclose(out);
}

}  // namespace
#endif

int main(int count, char** arguments) {
#if defined(__CUDACC__)
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "no usable GPU: %s\n", error == cudaSuccess ? "none found" : cudaGetErrorString(error));
    return 3;
  }
#endif
  const auto start = std::chrono::steady_clock::now();
  std::vector<Case> cases;
  for (const auto& list :
       {emulation_cases(), detector_cases(), cublaslt_cases(), product_cases(), encode_cases(), fused_cases(), decode_cases(), fvu_cases(),
        sort_cases(), backward_cases(), update_cases(), step_cases(), record_cases(), stream_cases(), kernels_cases(), large_cases(),
        verify_cases(), memory_cases(), twin_cases()}) {
    cases.insert(cases.end(), list.begin(), list.end());
  }
#if !defined(__CUDACC__)
  if (count == 2 && std::strcmp(arguments[1], "--launches") == 0) return print_launches();
#endif
  int part = 0, parts = 1, first_name = 1;
  const bool list = count > 1 && std::strcmp(arguments[1], "--list") == 0;
  if (list) {
    first_name = 2;
  } else if (count > 2 && std::strcmp(arguments[1], "--part") == 0) {
    if (std::sscanf(arguments[2], "%d/%d", &part, &parts) != 2 || parts < 1 || part < 0 || part >= parts) {
      std::fprintf(stderr, "--part %s: expected I/N\n", arguments[2]);
      return 2;
    }
    first_name = 3;
  }
  const auto is_called = [](const Case& test, const char* name) { return std::strstr(test.name, name) != nullptr; };
  for (int i = first_name; i < count; ++i) {
    if (std::none_of(cases.begin(), cases.end(), [&](const Case& test) { return is_called(test, arguments[i]); })) {
      std::fprintf(stderr, "no case has '%s' in its name\n", arguments[i]);
      return 2;
    }
  }
  int run = 0, number = 0;
  for (const Case& test : cases) {
    bool wanted = count <= first_name;
    for (int i = first_name; i < count; ++i) wanted = wanted || is_called(test, arguments[i]);
    wanted = wanted && number++ % parts == part;
    if (!wanted) continue;
    if (list) {
      std::printf("%s\n", test.name);
      continue;
    }
    tally().where = test.name;
    const auto before = std::chrono::steady_clock::now();
    test.run();
    ++run;
#if !defined(__CUDACC__)
    write_kernels(test.name);
    for (const std::string& report : pal::host::detector::take_reports()) expect(false, "%s", report.c_str());
#endif
    if (std::getenv("PALIMPSEST_VERBOSE") != nullptr) {
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - before;
      std::printf("%-36s %6.2f s\n", test.name, seconds.count());
    }
  }
  if (list) return 0;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%s: %d cases, %ld checks, %ld faults, %.1f s", pal_describe(), run, tally().checks, tally().faults,
              seconds.count());
#if !defined(__CUDACC__)
  const auto s = pal::host::statistics();
  std::printf("; %llu launches, %llu blocks, %llu barriers, %llu warp operations", static_cast<unsigned long long>(s.launches),
              static_cast<unsigned long long>(s.blocks), static_cast<unsigned long long>(s.barriers),
              static_cast<unsigned long long>(s.warp_operations));
#endif
  std::printf("\n");
  return tally().faults == 0 ? 0 : 1;
}
