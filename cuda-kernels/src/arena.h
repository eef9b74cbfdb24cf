/*
 * arena.h - carves a caller's workspace into aligned arrays. The same code sizes the workspace (base = nullptr) and
 * uses it, so that the two cannot disagree.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__CUDACC__)
#include "../host/detector.h"
#endif

namespace pal {

constexpr size_t kAlignment = 256;

/* Bytes behind each array that belong to none: for the detector, which tells of whoever touches them (host/detector.h). */
#if defined(__CUDACC__)
constexpr size_t kArenaGap = 0;
#else
constexpr size_t kArenaGap = host::detector::kArenaGap;
#endif

class Arena {
 public:
  explicit Arena(void* base = nullptr) : base_(static_cast<unsigned char*>(base)) {}

  template <class T>
  T* take(int64_t count) {
    const size_t at = bytes_, used = static_cast<size_t>(count) * sizeof(T);
    bytes_ += (used + kAlignment - 1) / kAlignment * kAlignment + kArenaGap;
    if (base_ == nullptr) return nullptr;
#if !defined(__CUDACC__)
    host::detector::piece_made(base_ + at, used, bytes_ - at);
#endif
    return reinterpret_cast<T*>(base_ + at);
  }

  size_t bytes() const { return bytes_; }

 private:
  unsigned char* base_;
  size_t bytes_ = 0;
};

inline bool is_aligned(const void* pointer, size_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

template <class T>
constexpr T ceil_divide(T a, T b) {
  return (a + b - 1) / b;
}
template <class T>
constexpr T round_up(T a, T b) {
  return ceil_divide(a, b) * b;
}

}  // namespace pal
