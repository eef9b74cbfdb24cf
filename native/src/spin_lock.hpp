// A lock for a few instructions' work, one byte large, so that every row can have one.
#ifndef PALIMPSEST_SPIN_LOCK_HPP
#define PALIMPSEST_SPIN_LOCK_HPP

#include <atomic>
#include <thread>

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

namespace palimpsest {

class SpinLock {
 public:
  bool try_lock() { return !held_.exchange(true, std::memory_order_acquire); }

  // Whoever holds it is done in a microsecond, unless it has lost its processor: then the waiting threads' own are what
  // it needs, so after some pauses they give them up.
  void lock() {
    for (int tries = 0; !try_lock();) {
      while (held_.load(std::memory_order_relaxed)) {
        if (++tries < kPauses) {
          pause();
        } else {
          std::this_thread::yield();
        }
      }
    }
  }

  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  static constexpr int kPauses = 100;

  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    _mm_pause();
#endif
  }

  std::atomic<bool> held_{false};
};

} // namespace palimpsest

#endif
