/* fake_cublaslt.h - what the fake cuBLASLt of the test program is told to do, and what it was asked for. Host alone. */
#pragma once

#include <cstdint>

namespace pal::test {

constexpr int kFakeAlgorithms = 5;

struct FakeCublaslt {
  /* Answers. */
  int create_status = 0;
  int heuristic_status = 0;
  int proposals = kFakeAlgorithms; /* at most */
  int states[kFakeAlgorithms] = {};
  int multiply_status = 0;
  float milliseconds[kFakeAlgorithms] = {1.0f, 1.0f, 1.0f, 1.0f, 1.0f};
  /* What happened. */
  int heuristics = 0, products = 0;
  int last_algorithm = -1;
  bool misused = false; /* a pointer less aligned than promised, scratch memory missing, an unknown attribute */
};
FakeCublaslt& fake_cublaslt();

}  // namespace pal::test
