/*
 * launches.cu - how the kernels are launched for d 768, M 32768, k 32, B 8192: threads and dynamic shared memory, which with the
 * registers of ptxas's report give how many blocks share a multiprocessor (check.sh --compile-only --record). The launches are
 * written down, not run, so the arrays need not be there. Widths that no vector fits follow, for the kernels of those.
 */
#include "harness.h"

#if !defined(__CUDACC__)

#include <map>

#include "palimpsest_cuda.h"
#include "tile.cuh"

extern "C" const char __executable_start;

namespace pal::test {
namespace {

template <class T>
T* somewhere() {
  return reinterpret_cast<T*>(uintptr_t{1} << 32);
}

void launch_all(int64_t d, bool bf16, const char* product) {
  const int64_t rows = 8192, m = 32768, k = 32;
  auto* floats = somewhere<float>();
  auto* indices = somewhere<int32_t>();
  const size_t all = ~size_t{0} >> 1;
  const pal_coder coder{d, m, floats, floats, floats, floats, floats, 1, bf16 ? somewhere<void*>() : nullptr};
  const pal_gradients arrays{floats, floats, floats, floats, floats};
  const pal_optimizer_state state{arrays, arrays};
  const pal_hyper hyper{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
  PAL_OK_OR_FAULT(pal_cuda_set_product(product));
  PAL_OK_OR_FAULT(pal_refresh_operands(&coder, nullptr));
  for (const char* encoder : {"e0", "e2"}) {
    PAL_OK_OR_FAULT(pal_cuda_set_encode(encoder));
    for (const pal_activation activation : {PAL_TOPK, PAL_GROUPMAX}) {
      PAL_OK_OR_FAULT(pal_encode(&coder, floats, rows, k, activation, floats, indices, floats, all, nullptr));
    }
  }
  PAL_OK_OR_FAULT(pal_cuda_set_encode(""));
  PAL_OK_OR_FAULT(pal_decode(&coder, floats, rows, k, floats, indices, floats, floats, all, nullptr));
  PAL_OK_OR_FAULT(pal_fvu(floats, floats, rows, d, floats, somewhere<double>(), floats, all, nullptr));
  PAL_OK_OR_FAULT(pal_count_firings(floats, indices, rows, k, m, somewhere<int64_t>(), nullptr));
  PAL_OK_OR_FAULT(pal_remove_parallel(floats, floats, m, d, nullptr));
  PAL_OK_OR_FAULT(pal_normalize_rows(floats, m, d, nullptr));
  PAL_OK_OR_FAULT(pal_update(floats, floats, floats, floats, m * d + (d % 4 == 0 ? 0 : 1), &hyper, nullptr));
  for (const int32_t bf16_rows : {1, 0}) {
    PAL_OK_OR_FAULT(pal_cuda_set_bf16_rows(bf16_rows));
    PAL_OK_OR_FAULT(pal_backward(&coder, floats, floats, rows, k, floats, indices, &arrays, 0, floats, all, nullptr));
    PAL_OK_OR_FAULT(pal_step(&coder, &state, floats, floats, rows, k, floats, indices, &hyper, 1, 1, floats, all, nullptr));
  }
  PAL_OK_OR_FAULT(pal_cuda_write_hyper(&hyper, floats, nullptr));
  auto* counts = somewhere<int64_t>();
  const pal_cuda_record record{m, 10'000'000, 64, counts, counts, counts, counts, somewhere<double>(), counts};
  PAL_OK_OR_FAULT(pal_cuda_record_batch(&record, floats, indices, rows, k, somewhere<double>(), nullptr));
}

}  // namespace

int print_launches() {
  host::write_launches_down();
  for (const int64_t width : {768, 765}) {
    for (const bool bf16 : {true, false}) {
      for (const size_t kilobytes : {228, 164}) { /* tiles of three stages, and of two */
        host::set_shared_per_multiprocessor(kilobytes << 10);
        launch_all(width, bf16, "mma");
      }
      launch_all(width, bf16, "tiled");
    }
  }
  std::map<const void*, bool> printed;
  for (const host::Launch& launch : host::written_launches()) {
    if (!std::exchange(printed[launch.function], true)) {
      std::printf("0x%zx|%u|%zu\n", static_cast<size_t>(static_cast<const char*>(launch.function) - &__executable_start), launch.threads,
                  launch.dynamic_shared_bytes);
    }
  }
  return tally().faults == 0 ? 0 : 1;
}

}  // namespace pal::test

#endif
