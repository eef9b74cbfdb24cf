/*
 * product.cu - the dense product D = A B^T (+ bias), and D (+)= A^T B for the skip matrix's gradient.
 *
 * Shapes   encode: A = x - c [chunk, d], B = W_enc [M, d], bias = b_enc [M] -> D [chunk, M]
 *          skip:   A = x [B, d], B = W_skip [d, d] -> D [B, d];   its gradient: A = grad [B, d], B = x [B, d] -> [d, d]
 * Work     2 rows cols inner operations; at d 768, M 32768 the encode is 50 MFLOP a row, the only dense work there is.
 *
 * Variants, naive to best
 *   loops      (host only) three loops; the twin that the emulation runs by default.
 *   tiled      64 x 64 outputs a block, 16 columns of A and B at a time in shared memory, 4 x 4 sums in registers a thread:
 *              each element of A and B is read from memory 1/64 as often as naively. Fused multiply-adds, no matrix unit:
 *              the yardstick and the fallback where libcublasLt is missing (about 1/15 of the matrix unit's speed).
 *   mma        (product_mma.cu, bf16 only) our own kernel on the matrix unit; the fallback for bf16.
 *   cublaslt   the matrix unit at full speed (wgmma on Hopper) with bias and rounding in its epilogue. A hand-written product below
 *              75 % of its speed would lose more than fusing the selection could win, so this is what E0 stands on.
 *
 * Sums are fp32 in a fixed order a backend. Test: cases `product` of test/; time: `bench product`.
 */
#include "product.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "arena.h"
#include "cublaslt.h"
#include "palimpsest_cuda.h"
#include "product_mma.h"

namespace pal {
namespace {

constexpr int kTile = 64;
constexpr int kDepth = 16;
constexpr int kThreads = 256;
constexpr int kPerThread = 4;

template <Form kForm, class T>
__global__ void __launch_bounds__(kThreads)
    product_tiled(ProductShape shape, const T* __restrict__ a, const T* __restrict__ b, const T* __restrict__ bias,
                  T* __restrict__ d, bool accumulate) {
  /* One word of padding a row keeps the transposing stores off each other's banks. */
  PAL_SHARED(float, a_tile, kDepth * (kTile + 1));
  PAL_SHARED(float, b_tile, kDepth * (kTile + 1));
  const int64_t row0 = static_cast<int64_t>(blockIdx.y) * kTile;
  const int64_t col0 = static_cast<int64_t>(blockIdx.x) * kTile;
  const int thread = static_cast<int>(threadIdx.x);
  const int thread_row = thread / (kTile / kPerThread) * kPerThread;
  const int thread_col = thread % (kTile / kPerThread) * kPerThread;
  float sums[kPerThread][kPerThread] = {};

  for (int64_t inner0 = 0; inner0 < shape.inner; inner0 += kDepth) {
    for (int at = thread; at < kTile * kDepth; at += kThreads) {
      /* Neighbouring threads read neighbouring addresses in either form. */
      const int line = kForm == Form::NT ? at / kDepth : at % kTile;
      const int depth = kForm == Form::NT ? at % kDepth : at / kTile;
      const int64_t inner = inner0 + depth;
      const int64_t row = row0 + line, col = col0 + line;
      float a_value = 0.0f, b_value = 0.0f;
      if (inner < shape.inner && row < shape.rows) {
        a_value = to_float(kForm == Form::NT ? a[row * shape.a_stride + inner] : a[inner * shape.a_stride + row]);
      }
      if (inner < shape.inner && col < shape.cols) {
        b_value = to_float(kForm == Form::NT ? b[col * shape.b_stride + inner] : b[inner * shape.b_stride + col]);
      }
      a_tile[depth * (kTile + 1) + line] = a_value;
      b_tile[depth * (kTile + 1) + line] = b_value;
    }
    __syncthreads();
    for (int depth = 0; depth < kDepth; ++depth) {
      float a_values[kPerThread], b_values[kPerThread];
      PAL_UNROLL
      for (int i = 0; i < kPerThread; ++i) {
        a_values[i] = a_tile[depth * (kTile + 1) + thread_row + i];
        b_values[i] = b_tile[depth * (kTile + 1) + thread_col + i];
      }
      PAL_UNROLL
      for (int i = 0; i < kPerThread; ++i) {
        PAL_UNROLL
        for (int j = 0; j < kPerThread; ++j) sums[i][j] = fmaf(a_values[i], b_values[j], sums[i][j]);
      }
    }
    __syncthreads();
  }

  PAL_UNROLL
  for (int i = 0; i < kPerThread; ++i) {
    PAL_UNROLL
    for (int j = 0; j < kPerThread; ++j) {
      const int64_t row = row0 + thread_row + i, col = col0 + thread_col + j;
      if (row >= shape.rows || col >= shape.cols) continue;
      T* to = d + row * shape.d_stride + col;
      float sum = sums[i][j];
      if (bias != nullptr) sum += to_float(bias[col]);
      if (accumulate) sum += to_float(*to);
      *to = from_float<T>(sum);
    }
  }
}

template <class T>
pal_status launch_tiled(const ProductShape& shape, const T* a, const T* b, const T* bias, T* d, bool accumulate,
                        cudaStream_t stream) {
  const auto rows = static_cast<unsigned>(ceil_divide<int64_t>(shape.rows, kTile));
  const auto cols = static_cast<unsigned>(ceil_divide<int64_t>(shape.cols, kTile));
  /* A grid has at most 65535 blocks in y, so the rows go in slices; the order of sums is not touched. */
  for (unsigned first = 0; first < rows; first += 65535u) {
    const unsigned slice = rows - first < 65535u ? rows - first : 65535u;
    ProductShape part = shape;
    const int64_t row = static_cast<int64_t>(first) * kTile;
    part.rows = shape.rows - row;
    const T* a_part = a + (shape.form == Form::NT ? row * shape.a_stride : row);
    auto* kernel = &product_tiled<Form::NT, T>;
    if constexpr (sizeof(T) == sizeof(float)) { /* the skip matrix's gradient is of floats */
      if (shape.form == Form::TN) kernel = &product_tiled<Form::TN, T>;
    } else {
      PAL_REQUIRE(shape.form == Form::NT, "a bf16 product of the form A^T B: there is none");
    }
    PAL_TRY(launch("product_tiled", kernel, dim3(cols, slice), kThreads, 0, stream, part, a_part, b, bias,
                   d + row * shape.d_stride, accumulate));
  }
  return PAL_OK;
}

enum class Backend { AUTOMATIC, CUBLASLT, MMA, TILED };

struct Settings {
  Backend backend = Backend::AUTOMATIC;
  int tf32 = -1;
};

Settings& settings() {
  static Settings instance;
  return instance;
}

bool use_cublaslt() {
#if !defined(__CUDACC__)
  if (!emulated_cublaslt()) return false;
#endif
  if (settings().backend == Backend::TILED || settings().backend == Backend::MMA) return false;
  return cublaslt_unavailable() == nullptr;
}

#if !defined(__CUDACC__)
/* The host twin of the matrix unit, a launch of one thread: the same sums, one after the other. */
template <class T>
void product_loops(ProductShape s, const T* a, const T* b, const T* bias, T* d, bool accumulate) {
  for (int64_t row = 0; row < s.rows; ++row) {
    for (int64_t col = 0; col < s.cols; ++col) {
      float sum = 0.0f;
      for (int64_t c = 0; c < s.inner; ++c) {
        const float x = to_float(s.form == Form::NT ? a[row * s.a_stride + c] : a[c * s.a_stride + row]);
        const float y = to_float(s.form == Form::NT ? b[col * s.b_stride + c] : b[c * s.b_stride + col]);
        sum += x * y;
      }
      if (bias != nullptr) sum += to_float(bias[col]);
      if (accumulate) sum += to_float(d[row * s.d_stride + col]);
      d[row * s.d_stride + col] = from_float<T>(sum);
    }
  }
}
#endif

template <class T>
pal_status run(const ProductShape& shape, Arithmetic arithmetic, const T* a, const T* b, const T* bias, T* d,
               bool accumulate, void* workspace, cudaStream_t stream) {
  if (shape.rows == 0 || shape.cols == 0) return PAL_OK;
  if (use_cublaslt() && shape.inner > 0) {
    const pal_status status =
        cublaslt_product(shape, sizeof(T) == sizeof(bf16), arithmetic, a, b, bias, d, accumulate, workspace, stream);
    /* What it has no algorithm for (a shape badly aligned, say) our own kernel can do, unless cuBLASLt was asked for. */
    if (status != PAL_UNSUPPORTED || settings().backend == Backend::CUBLASLT) return status;
  }
#if !defined(__CUDACC__)
  if (settings().backend != Backend::TILED && settings().backend != Backend::MMA) {
    return launch("product_loops", &product_loops<T>, dim3(1), 1, 0, stream, shape, a, b, bias, d, accumulate);
  }
#endif
  if constexpr (sizeof(T) == sizeof(bf16)) {
    const bool wanted = settings().backend != Backend::TILED && !accumulate && shape.inner > 0;
    if (wanted && product_mma_fits(shape, a, b)) return product_by_mma(shape, a, b, bias, d, stream);
  }
  return launch_tiled(shape, a, b, bias, d, accumulate, stream);
}

}  // namespace

pal_status product(const ProductShape& shape, const bf16* a, const bf16* b, const bf16* bias, bf16* d, void* workspace,
                   cudaStream_t stream) {
  return run(shape, Arithmetic::FP32, a, b, bias, d, false, workspace, stream);
}

pal_status product(const ProductShape& shape, Arithmetic arithmetic, const float* a, const float* b, const float* bias,
                   float* d, bool accumulate, void* workspace, cudaStream_t stream) {
  return run(shape, arithmetic, a, b, bias, d, accumulate, workspace, stream);
}

size_t product_workspace_bytes() { return use_cublaslt() ? kProductWorkspaceBytes : 0; }

void prepare_product(const ProductShape& shape, bool half, Arithmetic arithmetic, bool with_bias) {
  /* A failure shows again, with its message, when the product is asked for. */
  if (use_cublaslt() && shape.rows > 0) static_cast<void>(cublaslt_prepare(shape, half, arithmetic, with_bias));
}

const char* product_backend() {
#if defined(__CUDACC__)
  if (use_cublaslt()) return cublaslt_version();
  if (settings().backend == Backend::TILED) return "own tiled kernel, as asked for";
  if (settings().backend == Backend::MMA) return "own kernels, as asked for";
  static const std::string text = std::string("own kernels (slow), no cuBLASLt: ") + cublaslt_unavailable();
  return text.c_str();
#else
  if (settings().backend == Backend::MMA) return "own kernels";
  return settings().backend == Backend::TILED ? "own tiled kernel" : "plain loops";
#endif
}

Arithmetic float_arithmetic(bool coder_has_operands, bool encoder) {
  const int asked = settings().tf32;
  if (asked >= 0) return asked == 1 ? Arithmetic::TF32 : Arithmetic::FP32;
  return coder_has_operands && !encoder ? Arithmetic::TF32 : Arithmetic::FP32;
}

}  // namespace pal

extern "C" {

pal_status pal_cuda_set_product(const char* name) {
  using pal::Backend;
  PAL_REQUIRE(name != nullptr, "pal_cuda_set_product: name is NULL");
  const std::string asked = name;
  if (asked.empty()) {
    pal::settings().backend = Backend::AUTOMATIC;
  } else if (asked == "tiled") {
    pal::settings().backend = Backend::TILED;
  } else if (asked == "mma") {
    pal::settings().backend = Backend::MMA;
  } else if (asked == "cublaslt") {
#if defined(__CUDACC__)
    const char* problem = pal::cublaslt_unavailable();
#else
    const char* problem = pal::emulated_cublaslt() ? pal::cublaslt_unavailable() : "this is the host emulation";
#endif
    if (problem != nullptr) return pal::fail(PAL_UNSUPPORTED, "no cuBLASLt: %s", problem);
    pal::settings().backend = Backend::CUBLASLT;
  } else {
    return pal::fail(PAL_INVALID_ARGUMENT, "product '%s': expected '', 'cublaslt', 'mma' or 'tiled'", name);
  }
  return PAL_OK;
}

pal_status pal_cuda_set_candidates(int32_t most) {
  PAL_REQUIRE(most >= 1 && most <= pal::kMostCandidates, "pal_cuda_set_candidates: %d, expected 1 .. %d", most, pal::kMostCandidates);
  pal::set_cublaslt_candidates(most);
  return PAL_OK;
}

pal_status pal_cuda_set_tf32(int32_t on) {
  PAL_REQUIRE(on >= -1 && on <= 1, "pal_cuda_set_tf32: %d, expected -1, 0 or 1", on);
  pal::settings().tf32 = on;
  return PAL_OK;
}

}  // extern "C"
