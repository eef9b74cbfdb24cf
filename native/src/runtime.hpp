// Threads, the chosen instruction set, errors, and workspaces: what every stage shares.
#ifndef PALIMPSEST_RUNTIME_HPP
#define PALIMPSEST_RUNTIME_HPP

#include <omp.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "kernels.hpp"
#include "palimpsest.h"

namespace palimpsest {

// Keeps the message for pal_last_error and returns the status.
__attribute__((format(printf, 2, 3))) pal_status fail(pal_status status, const char* format, ...);

int threads();
const Kernels& kernels();

// Calls body(thread, item) once for every item in [0, items), on at most `count` threads. Which thread takes an item
// is not fixed, so the result of an item must not depend on it.
template <class Body>
void for_each_item(int count, int64_t items, const Body& body) {
  if (count <= 1 || items <= 1) {
    for (int64_t item = 0; item < items; ++item) body(0, item);
    return;
  }
  std::atomic<int64_t> next{0};
#pragma omp parallel num_threads(static_cast<int>(count < items ? count : items))
  {
    const int thread = omp_get_thread_num();
    for (int64_t item; (item = next.fetch_add(1, std::memory_order_relaxed)) < items;) body(thread, item);
  }
}

// Hands out 64-byte aligned pieces of a workspace. With base NULL it only counts, so that one function describes
// both how large a workspace is and how it is divided.
class Arena {
 public:
  explicit Arena(void* base) : base_(static_cast<char*>(base)) {}

  template <class T>
  T* take(int64_t count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    return piece;
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace palimpsest

#endif
