// How many threads the library takes, what it does with far more of them than processors, and the lock they share.
#include <sched.h>

#include <ctime>
#include <thread>

#include "../src/spin_lock.hpp"
#include "check.hpp"
#include "reference.hpp"

using namespace reference;

namespace {

void limits() {
  test::context = "limits";
  CHECK_OK(pal_set_threads(1024));
  CHECK(pal_threads() == 1024);
  CHECK(pal_set_threads(1025) == PAL_INVALID_ARGUMENT);
  CHECK(std::string(pal_last_error()) == "pal_set_threads: 1025 threads, expected at most 1024");
  CHECK(pal_set_threads(100000) == PAL_INVALID_ARGUMENT);
  CHECK(pal_threads() == 1024);
  CHECK_OK(pal_set_threads(0));
  CHECK(pal_threads() >= 1 && pal_threads() <= 1024);
}

// One row and activations that rise with the latent, so that every thread always wants the lock of that row.
void many_threads(std::mt19937_64& random) {
  test::context = "many threads";
  Coder coder = random_coder(random, 3, 20000, false, false);
  for (int64_t i = 0; i < coder.latents; ++i) coder.encoder_bias[i] += static_cast<float>(i);
  const Floats x = heavy_tailed(random, 1, 3);
  for (const pal_activation activation : {PAL_TOPK, PAL_GROUPMAX}) {
    Floats expected;
    Ints expected_indices, indices;
    select(promised_activations(coder, x, 1), 1, coder.latents, 500, activation == PAL_GROUPMAX, expected,
           expected_indices);
    for (const int threads : {1, 40, 200}) {
      pal_set_threads(threads);
      CHECK(test::same_bits(encode_values(coder, x, 1, 500, activation, indices), expected));
      CHECK(indices == expected_indices);
    }
    pal_set_threads(0);
  }
}

double processor_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Processor time of `threads` threads that go through `work` under one lock, 30 times each; and none may be lost.
double seconds_under_lock(int threads, const std::function<void()>& work) {
  palimpsest::SpinLock lock;
  int entered = 0;
  const double start = processor_seconds();
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      for (int n = 0; n < 30; ++n) {
        lock.lock();
        work();
        ++entered;
        lock.unlock();
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  CHECK(entered == 30 * threads);
  return processor_seconds() - start;
}

// On two processors: the others must not spend their time waiting for one that has lost its processor.
void waiting_is_cheap() {
  test::context = "lock";
  cpu_set_t before, two;
  CPU_ZERO(&two);
  CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
  for (int n = 0; n < CPU_SETSIZE && CPU_COUNT(&two) < 2; ++n) {
    if (CPU_ISSET(n, &before)) CPU_SET(n, &two);
  }
  CHECK(sched_setaffinity(0, sizeof two, &two) == 0);
  volatile float sum = 0.0f;
  const auto work = [&] { // some tenths of a millisecond
    for (int n = 0; n < 100000; ++n) sum = sum + 1.0f;
  };
  constexpr int kThreads = 32;
  const double alone = kThreads * seconds_under_lock(1, work), together = seconds_under_lock(kThreads, work);
  if (together > 4.0 * alone + 0.1) {
    test::fault(__FILE__, __LINE__, std::to_string(together) + " s together, " + std::to_string(alone) + " s alone");
  }
  sched_setaffinity(0, sizeof before, &before);
}

} // namespace

int main() {
  const unsigned seed = 20250206;
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  limits();
  many_threads(random);
  waiting_is_cheap();
  return test::verdict("threads");
}
