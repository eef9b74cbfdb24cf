/*
 * fake_cublaslt.cu - the twelve functions of cuBLASLt that we call, in the test program itself: matrices by columns, operations,
 * epilogue and attributes as NVIDIA documents them, multiplied by three loops. It answers what a test wants to see answered.
 */
#include "fake_cublaslt.h"

#include "harness.h"

#if !defined(__CUDACC__)

#include <algorithm>

#include "pack.cuh"

namespace pal::test {
namespace {

/* The values of cublasLt.h and library_types.h. */
constexpr int kRealFloat = 0, kRealBf16 = 14;
constexpr int kInvalidValue = 7;

struct Descriptor {
  int compute = 0, scale = 0;
  int transpose_a = 0, transpose_b = 0, epilogue = 1;
  const void* bias = nullptr;
};
struct Layout {
  int type = 0;
  uint64_t rows = 0, cols = 0;
  int64_t stride = 0;
};
struct Preference {
  size_t workspace = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};
};
struct Result {
  uint64_t algorithm[8];
  size_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
};

uint32_t promised_alignment = 1; /* of the algorithm that was proposed last */

float element(const void* memory, int type, int64_t at) {
  return type == kRealBf16 ? to_float(static_cast<const bf16*>(memory)[at]) : static_cast<const float*>(memory)[at];
}
void put(void* memory, int type, int64_t at, float value) {
  if (type == kRealBf16) {
    static_cast<bf16*>(memory)[at] = to_bf16(value);
  } else {
    static_cast<float*>(memory)[at] = value;
  }
}

/* D [rows, cols] by columns = alpha op(A) op(B) + beta C, + a number a row with the bias epilogue. */
void multiply(Descriptor by, float alpha, const void* a, Layout la, const void* b, Layout lb, float beta, const void* c, void* d,
              Layout ld, float milliseconds) {
  const auto inner = static_cast<int64_t>(by.transpose_a != 0 ? la.rows : la.cols);
  for (int64_t col = 0; col < static_cast<int64_t>(ld.cols); ++col) {
    for (int64_t row = 0; row < static_cast<int64_t>(ld.rows); ++row) {
      float sum = 0.0f;
      for (int64_t i = 0; i < inner; ++i) {
        const float x = element(a, la.type, by.transpose_a != 0 ? row * la.stride + i : i * la.stride + row);
        const float y = element(b, lb.type, by.transpose_b != 0 ? i * lb.stride + col : col * lb.stride + i);
        sum += x * y;
      }
      const int64_t at = col * ld.stride + row;
      float result = alpha * sum;
      if (beta != 0.0f) result += beta * element(c, ld.type, at);
      if (by.epilogue == 4) result += element(by.bias, ld.type, row);
      put(d, ld.type, at, result);
    }
  }
  host::pass_time(milliseconds);
}

bool aligned(const void* pointer, uint32_t to) { return reinterpret_cast<uintptr_t>(pointer) % to == 0; }

}  // namespace

FakeCublaslt& fake_cublaslt() {
  static FakeCublaslt instance;
  return instance;
}

}  // namespace pal::test

using namespace pal::test;

extern "C" {

int cublasLtCreate(void** handle) {
  *handle = &fake_cublaslt();
  return fake_cublaslt().create_status;
}
size_t cublasLtGetVersion() { return 130002; }

int cublasLtMatmulDescCreate(void** descriptor, int compute, int scale) {
  auto* made = new Descriptor;
  made->compute = compute;
  made->scale = scale;
  *descriptor = made;
  return 0;
}
int cublasLtMatmulDescDestroy(void* descriptor) {
  delete static_cast<Descriptor*>(descriptor);
  return 0;
}
int cublasLtMatmulDescSetAttribute(void* descriptor, int attribute, const void* value, size_t bytes) {
  auto* d = static_cast<Descriptor*>(descriptor);
  int* number = attribute == 3 ? &d->transpose_a : attribute == 4 ? &d->transpose_b : attribute == 7 ? &d->epilogue : nullptr;
  if (number != nullptr && bytes == sizeof(int)) {
    std::memcpy(number, value, bytes);
  } else if (attribute == 8 && bytes == sizeof(void*)) {
    std::memcpy(&d->bias, value, bytes);
  } else {
    fake_cublaslt().misused = true;
    return kInvalidValue;
  }
  return 0;
}

int cublasLtMatrixLayoutCreate(void** layout, int type, uint64_t rows, uint64_t cols, int64_t stride) {
  *layout = new Layout{type, rows, cols, stride};
  return stride >= static_cast<int64_t>(rows) ? 0 : kInvalidValue;
}
int cublasLtMatrixLayoutDestroy(void* layout) {
  delete static_cast<Layout*>(layout);
  return 0;
}

int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new Preference;
  return 0;
}
int cublasLtMatmulPreferenceDestroy(void* preference) {
  delete static_cast<Preference*>(preference);
  return 0;
}
int cublasLtMatmulPreferenceSetAttribute(void* preference, int attribute, const void* value, size_t bytes) {
  auto* p = static_cast<Preference*>(preference);
  if (attribute == 1 && bytes == sizeof(size_t)) {
    std::memcpy(&p->workspace, value, bytes);
  } else if (attribute >= 5 && attribute <= 8 && bytes == sizeof(uint32_t)) {
    std::memcpy(&p->alignment[attribute - 5], value, bytes);
  } else {
    fake_cublaslt().misused = true;
    return kInvalidValue;
  }
  return 0;
}

int cublasLtMatmulAlgoGetHeuristic(void*, void*, void*, void*, void*, void*, void* preference, int wanted, void* results, int* found) {
  FakeCublaslt& fake = fake_cublaslt();
  ++fake.heuristics;
  *found = 0;
  if (fake.heuristic_status != 0) return fake.heuristic_status;
  const auto* p = static_cast<const Preference*>(preference);
  promised_alignment = *std::min_element(p->alignment, p->alignment + 4);
  *found = std::min({wanted, fake.proposals, kFakeAlgorithms});
  for (int i = 0; i < *found; ++i) {
    static_cast<Result*>(results)[i] = {{static_cast<uint64_t>(i), promised_alignment}, p->workspace, fake.states[i], 1.0f, {}};
  }
  return 0;
}

int cublasLtMatmul(void*, void* descriptor, const void* alpha, const void* a, void* layout_a, const void* b, void* layout_b,
                   const void* beta, const void* c, void*, void* d, void* layout_d, const void* algorithm, void* workspace,
                   size_t workspace_bytes, cudaStream_t stream) {
  FakeCublaslt& fake = fake_cublaslt();
  ++fake.products;
  if (fake.multiply_status != 0) return fake.multiply_status;
  uint64_t chosen[2];
  std::memcpy(chosen, algorithm, sizeof(chosen));
  fake.last_algorithm = static_cast<int>(chosen[0]);
  const auto promised = static_cast<uint32_t>(chosen[1]);
  const auto& by = *static_cast<const Descriptor*>(descriptor);
  const bool good = aligned(a, promised) && aligned(b, promised) && aligned(d, promised) && aligned(by.bias, promised) &&
                    workspace != nullptr && workspace_bytes == 32u << 20;
  fake.misused = fake.misused || !good;
  const Descriptor copy = by;
  const Layout la = *static_cast<Layout*>(layout_a), lb = *static_cast<Layout*>(layout_b), ld = *static_cast<Layout*>(layout_d);
  const float by_alpha = *static_cast<const float*>(alpha), by_beta = *static_cast<const float*>(beta);
  const float milliseconds = fake.milliseconds[fake.last_algorithm];
  pal::host::launch(dim3(1), 1, 0, false, [=] { multiply(copy, by_alpha, a, la, b, lb, by_beta, c, d, ld, milliseconds); }, stream);
  return 0;
}

}  // extern "C"

#endif
