/*
 * arena.h - carves a caller's workspace into aligned arrays. The same code sizes the workspace (base = nullptr) and
 * uses it, so that the two cannot disagree.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace pal {

constexpr size_t kAlignment = 256;

class Arena {
 public:
  explicit Arena(void* base = nullptr) : base_(static_cast<unsigned char*>(base)) {}

  template <class T>
  T* take(int64_t count) {
    const size_t at = bytes_;
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + at);
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
