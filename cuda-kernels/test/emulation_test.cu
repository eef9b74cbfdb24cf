/*
 * emulation_test.cu - the host layer finds what it promises to find. On the device these kernels would hang or corrupt
 * memory, so there the list is empty.
 */
#include "harness.h"

namespace pal::test {

#if defined(__CUDACC__)

std::vector<Case> emulation_cases() { return {}; }

#else

namespace {

void barrier_in_a_branch() {
  if (threadIdx.x < 16) __syncthreads();
}
void two_barriers() {
  if (threadIdx.x < 16) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
void shuffle_in_a_branch() {
  if (threadIdx.x % 2 == 0) __shfl_xor_sync(0xffffffffu, 1, 1);
}
void lane_outside_its_mask() { __shfl_xor_sync(0x0000ffffu, 1, 1); }
void shared_out_of_bounds() {
  PAL_SHARED(float, numbers, 32);
  numbers[threadIdx.x + 1] = 0.0f;
}
void writes_past_the_end(float* memory, int count) { memory[count] = 1.0f; }
void eight_kilobytes() {
  PAL_SHARED(double, numbers, 1024);
  numbers[threadIdx.x] = 0.0;
}
/* Every thread reads what its neighbour writes, with no barrier between. */
void race(int* out) {
  PAL_SHARED(int, numbers, 32);
  numbers[threadIdx.x] = 0;
  __syncthreads();
  numbers[threadIdx.x] = static_cast<int>(threadIdx.x);
  out[threadIdx.x] = numbers[(threadIdx.x + 1) % 32];
}

void expect_violation(const char* what, const char* message, const std::function<void()>& kernel) {
  const bool ran = host::launch(dim3(1), 32, 0, false, kernel);
  const bool told = host::launch_error().find(message) != std::string::npos;
  expect(!ran && told, "%s: expected '%s', found '%s'", what, message, host::launch_error().c_str());
  host::clear_error();
  host::detector::take_reports(); /* it may have seen more */
}

void violations() {
  expect_violation("barrier in a branch", "divergence: of 32 threads 16 returned, 16 wait at barrier", barrier_in_a_branch);
  expect_violation("two barriers", "wait at different barriers", two_barriers);
  expect_violation("shuffle in a branch", "16 wait at warp operation", shuffle_in_a_branch);
  expect_violation("lane outside its mask", "not in the warp operation's mask", lane_outside_its_mask);
  expect_violation("shared memory", "shared memory index 32 outside [0, 32)", shared_out_of_bounds);
}

/* Static and dynamic shared memory share the 48 KB that a launch gets without asking; launch() asks in time. */
void shared_memory_limit() {
  expect(!host::launch(dim3(1), 32, 44 * 1024, false, eight_kilobytes), "52 KB without asking");
  host::clear_error();
  expect(!host::launch(dim3(1), 32, 228 * 1024, true, eight_kilobytes), "more than there is");
  host::clear_error();
  for (const size_t dynamic : {size_t{0}, size_t{32} << 10, size_t{44} << 10, size_t{48} << 10, size_t{200} << 10}) {
    expect(launch("eight_kilobytes", &eight_kilobytes, dim3(1), 32, dynamic, nullptr) == PAL_OK, "%zu bytes: %s", dynamic,
           pal_last_error());
  }
}

/* A launch that wants less leaves the kernel what another has asked for: two host threads may ask in turn. */
void shared_memory_is_not_taken_back() {
  const auto* kernel = reinterpret_cast<const void*>(&eight_kilobytes);
  PAL_OK_OR_FAULT(allow_shared("eight_kilobytes", kernel, 210 << 10));
  expect(launch("eight_kilobytes", &eight_kilobytes, dim3(1), 32, 60 << 10, nullptr) == PAL_OK, "%s", pal_last_error());
  expect(host::dynamic_shared_limit(kernel) == 210 << 10, "%zu bytes left", host::dynamic_shared_limit(kernel));
  expect(launch("eight_kilobytes", &eight_kilobytes, dim3(1), 32, 228 << 10, nullptr) == PAL_UNSUPPORTED, "more than there is");
  expect(std::strstr(pal_last_error(), "233472 bytes of shared memory") != nullptr, "message '%s'", pal_last_error());
}

/* A grid has at most 65535 blocks in y. */
void grid_limit() {
  expect(!host::launch(dim3(1, 65536), 32, 0, false, [] {}), "65536 blocks in y");
  host::clear_error();
  expect(host::launch(dim3(1, 65535), 1, 0, false, [] {}), "65535 blocks in y: %s", host::launch_error().c_str());
}

void device_memory_bounds() {
  void* memory = nullptr;
  cudaMalloc(&memory, 16);
  expect_violation("write past the end", "wrote outside an array",
                   [&] { writes_past_the_end(static_cast<float*>(memory), 4); });
  cudaFree(memory);
}

void order_shows_a_race() {
  std::vector<int> forward(32), reverse(32);
  host::set_order(host::Order::FORWARD);
  host::launch(dim3(1), 32, 0, false, [&] { race(forward.data()); });
  host::set_order(host::Order::REVERSE);
  host::launch(dim3(1), 32, 0, false, [&] { race(reverse.data()); });
  host::set_order(host::Order::FORWARD);
  host::detector::take_reports();
  expect(forward != reverse, "a race gives the same result in either order");
}

void warp_operations() {
  std::vector<unsigned> sum(64), ballot(64), match(64), up(64), most(64);
  host::launch(dim3(1), 64, 0, false, [&] {
    const unsigned t = threadIdx.x, lane = t % 32;
    sum[t] = __reduce_add_sync(0xffffffffu, t);
    ballot[t] = __ballot_sync(0xffffffffu, lane % 3 == 0);
    match[t] = __match_any_sync(0xffffffffu, lane / 8);
    up[t] = __shfl_up_sync(0xffffffffu, lane, 1);
    most[t] = __reduce_max_sync(0xffffffffu, lane ^ 5u);
  });
  for (unsigned t = 0; t < 64; ++t) {
    const unsigned lane = t % 32;
    expect(sum[t] == (t < 32 ? 496u : 1520u), "sum %u of thread %u", sum[t], t);
    expect(ballot[t] == 0x49249249u, "ballot %x of thread %u", ballot[t], t);
    expect(match[t] == 0xffu << (lane / 8 * 8), "match %x of thread %u", match[t], t);
    expect(up[t] == (lane == 0 ? 0 : lane - 1), "shuffle %u of thread %u", up[t], t);
    expect(most[t] == 31, "maximum %u of thread %u", most[t], t);
  }
}

}  // namespace

std::vector<Case> emulation_cases() {
  return {{"emulation violations", violations},
          {"emulation shared memory limit", shared_memory_limit},
          {"emulation shared memory is not taken back", shared_memory_is_not_taken_back},
          {"emulation grid limit", grid_limit},
          {"emulation device memory bounds", device_memory_bounds},
          {"emulation order shows a race", order_shows_a_race},
          {"emulation warp operations", warp_operations}};
}

#endif

}  // namespace pal::test
