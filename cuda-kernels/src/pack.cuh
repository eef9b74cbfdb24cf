/*
 * pack.cuh - bf16 as plain 16-bit integers (the same bits on host and device) and loads of several elements at once.
 */
#pragma once

#include "device.cuh"

namespace pal {

/* A bfloat16: the upper half of a float. */
struct bf16 {
  uint16_t bits;
};

__device__ __forceinline__ float to_float(bf16 value) { return __uint_as_float(static_cast<unsigned>(value.bits) << 16); }
__device__ __forceinline__ float to_float(float value) { return value; }

/* Rounds to nearest, ties to even; a NaN stays one. */
__device__ __forceinline__ bf16 to_bf16(float value) {
  const unsigned bits = __float_as_uint(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

/*
 * The larger of each of two bf16 in a word, as max.bf16x2: what is a number before what is none, and +0 before -0. One instruction
 * for two comparisons.
 */
__device__ __forceinline__ unsigned larger_pair(unsigned a, unsigned b) {
#if defined(__CUDACC__)
  unsigned larger;
  asm("max.bf16x2 %0, %1, %2;" : "=r"(larger) : "r"(a), "r"(b));
  return larger;
#else
  const auto larger = [](unsigned x, unsigned y) -> unsigned {
    const bool no_x = (x & 0x7fffu) > 0x7f80u, no_y = (y & 0x7fffu) > 0x7f80u;
    if (no_x || no_y) return no_x && no_y ? 0x7fffu : no_x ? y : x;
    /* In the order of the values: negative numbers turned round. */
    const auto rank = [](unsigned bits) { return (bits & 0x8000u) != 0 ? 0x7fffu - (bits & 0x7fffu) : bits + 0x8000u; };
    return rank(x) > rank(y) ? x : y;
  };
  return larger(a >> 16, b >> 16) << 16 | larger(a & 0xffffu, b & 0xffffu);
#endif
}

template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ bf16 from_float<bf16>(float value) {
  return to_bf16(value);
}

template <int kBytes>
struct Word;
template <>
struct Word<2> {
  using type = uint16_t;
};
template <>
struct Word<4> {
  using type = unsigned;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<16> {
  using type = uint4;
};

/* N elements moved by one load or store; the address must be a multiple of their size. */
template <class T, int N>
struct Pack {
  T element[N];

  static __device__ __forceinline__ Pack load(const T* from) {
    const auto word = load_word<typename Word<static_cast<int>(sizeof(T)) * N>::type>(from);
    Pack pack;
    memcpy(pack.element, &word, sizeof(word));
    return pack;
  }
  /* The same for what will not be read again soon: it is the first to leave the L2. */
  static __device__ __forceinline__ Pack load_streaming(const T* from) {
#if defined(__CUDACC__)
    using Bytes = typename Word<static_cast<int>(sizeof(T)) * N>::type;
    const Bytes word = __ldcs(reinterpret_cast<const Bytes*>(from));
    Pack pack;
    memcpy(pack.element, &word, sizeof(word));
    return pack;
#else
    return load(from);
#endif
  }
  __device__ __forceinline__ void store_streaming(T* to) const {
#if defined(__CUDACC__)
    using Bytes = typename Word<static_cast<int>(sizeof(T)) * N>::type;
    Bytes word;
    memcpy(&word, element, sizeof(word));
    __stcs(reinterpret_cast<Bytes*>(to), word);
#else
    store(to);
#endif
  }
  __device__ __forceinline__ void store(T* to) const {
    typename Word<static_cast<int>(sizeof(T)) * N>::type word;
    memcpy(&word, element, sizeof(word));
    store_word(to, word);
  }
};

}  // namespace pal
