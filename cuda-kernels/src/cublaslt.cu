/*
 * cublaslt.cu - loads libcublasLt, keeps one handle a device and one plan (descriptors and algorithm) a shape.
 *
 * cuBLASLt thinks in columns: a row-major D [rows, cols] is its column-major D' [cols, rows], so D = A B^T is asked for
 * as D' = op(B') op(A') with the operands in exchanged places. Nothing is allocated on the device by a product: its
 * scratch memory is part of the caller's workspace, and the plan is made by the *_workspace_bytes function before.
 */
#include "cublaslt.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "arena.h"

namespace pal {
namespace {

using Handle = void*;
using Descriptor = void*;
using Layout = void*;
using Preference = void*;

struct Algorithm {
  uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  size_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
};

constexpr int kComputeFloat = 68;
constexpr int kComputeTf32 = 77;
constexpr int kTypeFloat = 0;
constexpr int kTypeBf16 = 14;
constexpr int kTransposeNo = 0;
constexpr int kTransposeYes = 1;
constexpr int kDescriptorTransposeA = 3;
constexpr int kDescriptorTransposeB = 4;
constexpr int kDescriptorEpilogue = 7;
constexpr int kDescriptorBiasPointer = 8;
constexpr int kEpilogueBias = 4;
/* What cublasLtMatmul answers when it has queued nothing, and somebody else can do the work. */
constexpr int kStatusAllocFailed = 3, kStatusInvalidValue = 7, kStatusArchMismatch = 8, kStatusNotSupported = 15;
constexpr int kPreferenceWorkspaceBytes = 1;
constexpr int kPreferenceAlignmentA = 5; /* then B, C, D */

/* Plans kept; batches of ever new sizes would pile them up. */
constexpr size_t kMostPlans = 512;

struct Functions {
  int (*create)(Handle*);
  size_t (*version)();
  int (*descriptor_create)(Descriptor*, int compute, int scale_type);
  int (*descriptor_set)(Descriptor, int attribute, const void*, size_t);
  int (*layout_create)(Layout*, int type, uint64_t rows, uint64_t cols, int64_t stride);
  int (*descriptor_destroy)(Descriptor);
  int (*layout_destroy)(Layout);
  int (*preference_create)(Preference*);
  int (*preference_set)(Preference, int attribute, const void*, size_t);
  int (*preference_destroy)(Preference);
  int (*heuristic)(Handle, Descriptor, Layout, Layout, Layout, Layout, Preference, int wanted, Heuristic*, int* found);
  int (*multiply)(Handle, Descriptor, const void* alpha, const void* a, Layout, const void* b, Layout, const void* beta,
                  const void* c, Layout, void* d, Layout, const Algorithm*, void* workspace, size_t, cudaStream_t);
};

struct Plan {
  Descriptor descriptor;
  Layout first, second, result;
  Heuristic heuristic;
  bool usable; /* false: cuBLASLt has no algorithm for this shape, and answered */
  int answer;
};

using Key = std::tuple<int, int, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, bool, int, bool, uint32_t>;

struct Library {
  Functions call{};
  int candidates = 1;
  std::string unavailable;
  std::string version;
  std::mutex mutex;
  std::map<int, Handle> handles;
  std::map<Key, Plan> plans;
};

template <class F>
bool resolve(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  return function != nullptr;
}

void* open_library(std::string& problems) {
#if !defined(__CUDACC__)
  /* Emulated memory is nothing for the real one; the test program has a fake in itself. */
  static_cast<void>(problems);
  return dlopen(nullptr, RTLD_NOW);
#else
  const char* asked = std::getenv("PALIMPSEST_CUBLASLT");
  if (asked != nullptr && std::string(asked) == "none") {
    problems = "PALIMPSEST_CUBLASLT is none";
    return nullptr;
  }
  const char* names[] = {asked, "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so"};
  for (const char* name : names) {
    if (name == nullptr || name[0] == '\0') continue;
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
    problems += std::string(problems.empty() ? "" : "; ") + dlerror();
  }
  return nullptr;
#endif
}

Library& library() {
  static Library* instance = [] {
    auto* made = new Library;
    void* opened = open_library(made->unavailable);
    if (opened == nullptr) return made;
    made->unavailable.clear();
    Functions& f = made->call;
    const bool complete = resolve(opened, "cublasLtCreate", f.create) &&
                          resolve(opened, "cublasLtGetVersion", f.version) &&
                          resolve(opened, "cublasLtMatmulDescCreate", f.descriptor_create) &&
                          resolve(opened, "cublasLtMatmulDescSetAttribute", f.descriptor_set) &&
                          resolve(opened, "cublasLtMatrixLayoutCreate", f.layout_create) &&
                          resolve(opened, "cublasLtMatmulDescDestroy", f.descriptor_destroy) &&
                          resolve(opened, "cublasLtMatrixLayoutDestroy", f.layout_destroy) &&
                          resolve(opened, "cublasLtMatmulPreferenceCreate", f.preference_create) &&
                          resolve(opened, "cublasLtMatmulPreferenceSetAttribute", f.preference_set) &&
                          resolve(opened, "cublasLtMatmulPreferenceDestroy", f.preference_destroy) &&
                          resolve(opened, "cublasLtMatmulAlgoGetHeuristic", f.heuristic) &&
                          resolve(opened, "cublasLtMatmul", f.multiply);
    if (!complete) {
      made->unavailable = "libcublasLt lacks a function we need";
      return made;
    }
    const size_t version = f.version();
    /* 13.0.2 is 130002. */
    char text[64];
    std::snprintf(text, sizeof(text), "cuBLASLt %zu.%zu.%zu", version / 10000, version / 100 % 100, version % 100);
    made->version = text;
    return made;
  }();
  return *instance;
}

pal_status check(int status, const char* what) {
  if (status == 0) return PAL_OK;
  return fail(PAL_DEVICE_ERROR, "cuBLASLt: %s returned status %d", what, status);
}

/* The device's handle; the caller holds the lock. */
pal_status handle_of_device(Library& lib, int* device, Handle* handle) {
  PAL_TRY(check_cuda(cudaGetDevice(device), "cudaGetDevice"));
  auto found = lib.handles.find(*device);
  if (found == lib.handles.end()) {
    Handle made = nullptr;
    const int status = lib.call.create(&made);
    if (status != 0) return fail(PAL_UNSUPPORTED, "cublasLtCreate returned status %d", status);
    found = lib.handles.emplace(*device, made).first;
  }
  *handle = found->second;
  return PAL_OK;
}

void destroy_plan(const Library& lib, const Plan& plan) {
  if (plan.descriptor != nullptr) lib.call.descriptor_destroy(plan.descriptor);
  for (const Layout layout : {plan.first, plan.second, plan.result}) {
    if (layout != nullptr) lib.call.layout_destroy(layout);
  }
}

void forget_plans(Library& lib) {
  for (const auto& [key, plan] : lib.plans) destroy_plan(lib, plan);
  lib.plans.clear();
}

/* What the bias and all rows of all three matrices are aligned to, given that of their first elements: 16, or one element. */
uint32_t row_alignment(const ProductShape& s, bool half, uint32_t of_pointers) {
  const int64_t element = half ? 2 : 4;
  const bool strides = s.a_stride * element % 16 == 0 && s.b_stride * element % 16 == 0 && s.d_stride * element % 16 == 0;
  return strides && of_pointers % 16 == 0 ? 16u : static_cast<uint32_t>(element);
}

pal_status multiply(const Library& lib, Handle handle, const Plan& plan, const Heuristic& by, const void* a, const void* b, void* d,
                    bool accumulate, void* workspace, cudaStream_t stream, int* answer) {
  const float alpha = 1.0f;
  const float beta = accumulate ? 1.0f : 0.0f;
  *answer = lib.call.multiply(handle, plan.descriptor, &alpha, b, plan.first, a, plan.second, &beta, d, plan.result, d, plan.result,
                              &by.algorithm, workspace, kProductWorkspaceBytes, stream);
  return check(*answer, "cublasLtMatmul");
}

/* Memory, a stream and events for timing; all are NULL where something could not be had. */
class Trial {
 public:
  explicit Trial(size_t bytes) {
    cudaThreadExchangeStreamCaptureMode(&mode_); /* this thread may be capturing another stream: what follows is no part of that */
    bool good = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess;
    good = good && cudaMalloc(&memory, bytes) == cudaSuccess && cudaMemsetAsync(memory, 0, bytes, stream) == cudaSuccess;
    good = good && cudaEventCreateWithFlags(&start, 0) == cudaSuccess && cudaEventCreateWithFlags(&stop, 0) == cudaSuccess;
    if (!good) clear();
  }
  ~Trial() {
    clear();
    cudaThreadExchangeStreamCaptureMode(&mode_);
  }
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  unsigned char* memory = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t start = nullptr, stop = nullptr;

 private:
  void clear() {
    if (start != nullptr) cudaEventDestroy(start);
    if (stop != nullptr) cudaEventDestroy(stop);
    if (stream != nullptr) cudaStreamDestroy(stream);
    if (memory != nullptr) cudaFree(memory);
    cudaGetLastError();
    memory = nullptr;
    stream = nullptr;
    start = stop = nullptr;
  }

  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

/*
 * Takes the fastest of the proposals first .. end - 1, timed on zeros: their order of speed is that of the tiles and the pipeline.
 * Where there is no memory left for that the first stays.
 */
void keep_fastest(const Library& lib, Handle handle, const ProductShape& s, bool half, bool with_bias, const Heuristic* first,
                  const Heuristic* end, Plan* plan) {
  constexpr int kRuns = 3; /* after one to warm up */
  const int64_t element = half ? 2 : 4;
  const auto space = [&](int64_t rows, int64_t stride) { return static_cast<size_t>(round_up<int64_t>(rows * stride * element, 256)); };
  const bool nt = s.form == Form::NT;
  const size_t a_bytes = space(nt ? s.rows : s.inner, s.a_stride), b_bytes = space(nt ? s.cols : s.inner, s.b_stride);
  const size_t d_bytes = space(s.rows, s.d_stride), bias_bytes = space(1, s.cols);
  const Trial trial(a_bytes + b_bytes + d_bytes + bias_bytes + kProductWorkspaceBytes);
  if (trial.memory == nullptr) return;
  unsigned char* const a = trial.memory;
  unsigned char* const b = a + a_bytes;
  unsigned char* const d = b + b_bytes;
  unsigned char* const workspace = d + d_bytes;
  const void* bias = workspace + kProductWorkspaceBytes;
  if (with_bias && lib.call.descriptor_set(plan->descriptor, kDescriptorBiasPointer, &bias, sizeof(bias)) != 0) return;
  float best = 0.0f;
  for (const Heuristic* one = first; one != end; ++one) {
    if (one->state != 0) continue;
    int answer = 0;
    bool good = true;
    for (int run = 0; good && run <= kRuns; ++run) {
      if (run == 1) good = cudaEventRecord(trial.start, trial.stream) == cudaSuccess;
      good = good && multiply(lib, handle, *plan, *one, a, b, d, false, workspace, trial.stream, &answer) == PAL_OK;
    }
    float milliseconds = 0.0f;
    good = good && cudaEventRecord(trial.stop, trial.stream) == cudaSuccess && cudaStreamSynchronize(trial.stream) == cudaSuccess;
    good = good && cudaEventElapsedTime(&milliseconds, trial.start, trial.stop) == cudaSuccess;
    if (!good || (best > 0.0f && milliseconds >= best)) continue;
    best = milliseconds;
    plan->heuristic = *one;
  }
}

pal_status make_plan(Library& lib, Handle handle, const ProductShape& s, bool half, Arithmetic arithmetic, bool with_bias,
                     uint32_t alignment, Plan* plan) {
  const Functions& f = lib.call;
  const int type = half ? kTypeBf16 : kTypeFloat;
  const int compute = !half && arithmetic == Arithmetic::TF32 ? kComputeTf32 : kComputeFloat;
  PAL_TRY(check(f.descriptor_create(&plan->descriptor, compute, kTypeFloat), "cublasLtMatmulDescCreate"));
  /* First operand B, second A; see the head of this file. */
  const int first_transposed = s.form == Form::NT ? kTransposeYes : kTransposeNo;
  const int second_transposed = s.form == Form::NT ? kTransposeNo : kTransposeYes;
  PAL_TRY(check(f.descriptor_set(plan->descriptor, kDescriptorTransposeA, &first_transposed, sizeof(int)), "transpose"));
  PAL_TRY(check(f.descriptor_set(plan->descriptor, kDescriptorTransposeB, &second_transposed, sizeof(int)), "transpose"));
  if (with_bias) {
    PAL_TRY(check(f.descriptor_set(plan->descriptor, kDescriptorEpilogue, &kEpilogueBias, sizeof(int)), "epilogue"));
    /* The choice of an algorithm does not read the bias, but expects of it the alignment that the pointer shows. */
    const auto* aligned_alike = reinterpret_cast<const void*>(uintptr_t{4096} + alignment % 16);
    PAL_TRY(check(f.descriptor_set(plan->descriptor, kDescriptorBiasPointer, &aligned_alike, sizeof(aligned_alike)), "bias"));
  }
  const auto rows = static_cast<uint64_t>(s.rows), cols = static_cast<uint64_t>(s.cols), inner = static_cast<uint64_t>(s.inner);
  const bool nt = s.form == Form::NT;
  PAL_TRY(check(f.layout_create(&plan->first, type, nt ? inner : cols, nt ? cols : inner, s.b_stride), "layout"));
  PAL_TRY(check(f.layout_create(&plan->second, type, nt ? inner : rows, nt ? rows : inner, s.a_stride), "layout"));
  PAL_TRY(check(f.layout_create(&plan->result, type, cols, rows, s.d_stride), "layout"));

  Preference preference = nullptr;
  PAL_TRY(check(f.preference_create(&preference), "cublasLtMatmulPreferenceCreate"));
  const size_t workspace = kProductWorkspaceBytes;
  std::array<Heuristic, kMostCandidates> proposed{};
  int found = 0;
  int status = f.preference_set(preference, kPreferenceWorkspaceBytes, &workspace, sizeof(workspace));
  for (int matrix = 0; status == 0 && matrix < 4; ++matrix) {
    status = f.preference_set(preference, kPreferenceAlignmentA + matrix, &alignment, sizeof(alignment));
  }
  if (status == 0) {
    status = f.heuristic(handle, plan->descriptor, plan->first, plan->second, plan->result, plan->result, preference, lib.candidates,
                         proposed.data(), &found);
  }
  f.preference_destroy(preference);
  /* Whatever keeps it from choosing, our own kernels need not choose: PAL_UNSUPPORTED, not an error. */
  const Heuristic* const begin = proposed.data();
  const Heuristic* const end = begin + (status == 0 ? found : 0);
  const Heuristic* const good = std::find_if(begin, end, [](const Heuristic& one) { return one.state == 0; });
  plan->answer = status != 0 ? status : good != end ? 0 : found > 0 ? proposed[0].state : kStatusNotSupported;
  plan->usable = plan->answer == 0;
  if (!plan->usable) return PAL_OK;
  plan->heuristic = *good;
  if (end - good > 1) keep_fastest(lib, handle, s, half, with_bias, good, end, plan);
  return PAL_OK;
}

/* The plan of a shape, made at its first use; the caller holds the lock. */
pal_status plan_of(Library& lib, const ProductShape& s, bool half, Arithmetic arithmetic, bool with_bias, uint32_t alignment,
                   Handle* handle, Plan** plan) {
  int device = 0;
  PAL_TRY(handle_of_device(lib, &device, handle));
  const Key key{device, static_cast<int>(s.form), s.rows, s.cols, s.inner, s.a_stride, s.b_stride, s.d_stride,
                half, static_cast<int>(arithmetic), with_bias, alignment};
  auto found = lib.plans.find(key);
  if (found == lib.plans.end()) {
    if (lib.plans.size() >= kMostPlans) forget_plans(lib);
    Plan made{};
    const pal_status status = make_plan(lib, *handle, s, half, arithmetic, with_bias, alignment, &made);
    if (status != PAL_OK) {
      destroy_plan(lib, made);
      return status;
    }
    found = lib.plans.emplace(key, made).first;
  }
  *plan = &found->second;
  return PAL_OK;
}

}  // namespace

const char* cublaslt_unavailable() {
  const Library& lib = library();
  return lib.unavailable.empty() ? nullptr : lib.unavailable.c_str();
}

void set_cublaslt_candidates(int most) {
  Library& lib = library();
  const std::lock_guard<std::mutex> lock(lib.mutex);
  if (lib.candidates != most) forget_plans(lib);
  lib.candidates = most;
}

#if !defined(__CUDACC__)
bool& emulated_cublaslt() {
  static bool instance = false;
  return instance;
}
#endif

const char* cublaslt_version() { return library().version.c_str(); }

pal_status cublaslt_prepare(const ProductShape& shape, bool half, Arithmetic arithmetic, bool with_bias) {
  Library& lib = library();
  const std::lock_guard<std::mutex> lock(lib.mutex);
  Handle handle = nullptr;
  Plan* plan = nullptr;
  return plan_of(lib, shape, half, arithmetic, with_bias, row_alignment(shape, half, 16), &handle, &plan);
}

pal_status cublaslt_product(const ProductShape& shape, bool half, Arithmetic arithmetic, const void* a, const void* b,
                            const void* bias, void* d, bool accumulate, void* workspace, cudaStream_t stream) {
  Library& lib = library();
  /* The bias pointer is an attribute of the shared descriptor, hence the lock around both calls. */
  const std::lock_guard<std::mutex> lock(lib.mutex);
  Handle handle = nullptr;
  Plan* plan = nullptr;
  const auto address = [](const void* pointer) { return static_cast<uint32_t>(reinterpret_cast<uintptr_t>(pointer)); };
  const uint32_t alignment = row_alignment(shape, half, address(a) | address(b) | address(d) | address(bias));
  PAL_TRY(plan_of(lib, shape, half, arithmetic, bias != nullptr, alignment, &handle, &plan));
  if (!plan->usable) {
    return fail(PAL_UNSUPPORTED, "cuBLASLt has no algorithm for a %lld x %lld x %lld product (status %d)",
                static_cast<long long>(shape.rows), static_cast<long long>(shape.cols), static_cast<long long>(shape.inner),
                plan->answer);
  }
  if (bias != nullptr) {
    PAL_TRY(check(lib.call.descriptor_set(plan->descriptor, kDescriptorBiasPointer, &bias, sizeof(bias)), "bias"));
  }
  int answer = 0;
  const pal_status status =
      multiply(lib, handle, *plan, plan->heuristic, a, b, d, accumulate, workspace, stream, &answer);
  if (answer == kStatusAllocFailed || answer == kStatusInvalidValue || answer == kStatusArchMismatch || answer == kStatusNotSupported) {
    plan->usable = false; /* nothing was queued */
    plan->answer = answer;
    return fail(PAL_UNSUPPORTED, "cublasLtMatmul returned status %d", answer);
  }
  return status;
}

}  // namespace pal
