/* cub_topk.cu - see cub_topk.h. */
#define CUB_DISABLE_TOPK_UNSUPPORTED_ARCH_ASSERT /* what an older device lacks it says when it is asked */

#include "cub_topk.h"

#include <cuda_bf16.h>

#include <algorithm>
#include <cub/version.cuh>

#if CUB_VERSION >= 300500 && __has_include(<cub/device/device_batched_topk.cuh>)
#define PAL_CUB_BATCHED_TOPK 1
#include <cub/device/device_batched_topk.cuh>
#include <cuda/iterator>
#else
#define PAL_CUB_BATCHED_TOPK 0
#include <cub/device/device_segmented_radix_sort.cuh>
#endif

#include "arena.h"
#include "timing.h"

namespace pal::bench {
namespace {

static_assert(sizeof(__nv_bfloat16) == sizeof(bf16), "one may be read as the other");

const __nv_bfloat16* keys_in(const Selection& s) { return reinterpret_cast<const __nv_bfloat16*>(s.activations); }

std::vector<uint16_t> best_of(const __nv_bfloat16* row, int64_t k) {
  std::vector<uint16_t> keys(static_cast<size_t>(k));
  MUST(cudaDeviceSynchronize());
  MUST(cudaMemcpy(keys.data(), row, keys.size() * sizeof(uint16_t), cudaMemcpyDeviceToHost));
  /* The bits of a negative number lie beyond those of a positive one. */
  std::sort(keys.begin(), keys.end(), [](uint16_t a, uint16_t b) { return static_cast<int16_t>(a) > static_cast<int16_t>(b); });
  return keys;
}

#if PAL_CUB_BATCHED_TOPK

/* What its kernels are made for. */
constexpr int64_t kMostLatents = 32768;
constexpr int64_t kMostK = 256;

namespace wanted {
namespace exec = cuda::execution;
/* Whichever of equal keys come first, in any order: the least that it can be asked for. */
struct Any {
  static constexpr const char* kName = "select by cub batched topk";
  static auto requirement() {
    return exec::require(exec::determinism::not_guaranteed, exec::tie_break::unspecified, exec::output_ordering::unsorted);
  }
};
/* As select.cu: of equal keys those with the lowest index. In any order still. */
struct Lowest {
  static constexpr const char* kName = "select by cub batched topk, ties by index";
  static auto requirement() {
    return exec::require(exec::determinism::gpu_to_gpu, exec::tie_break::prefer_smaller_index, exec::output_ordering::unsorted);
  }
};
}  // namespace wanted

template <class Wanted>
class Batched : public CubTopk {
 public:
  explicit Batched(const Selection& s) : s_(s), keys_(s.rows * s.k), indices_(s.rows * s.k) {
    size_t bytes = 0;
    if (fits() && call(nullptr, bytes, nullptr) == cudaSuccess) space_ = std::make_unique<Buffer<unsigned char>>(static_cast<int64_t>(bytes));
    cudaGetLastError();
  }
  const char* name() const override { return Wanted::kName; }
  cudaError_t run(cudaStream_t stream) override {
    if (space_ == nullptr) return cudaErrorNotSupported;
    size_t bytes = space_->bytes();
    return call(space_->get(), bytes, stream);
  }
  std::vector<uint16_t> keys_of(int64_t row) const override { return best_of(keys_.get() + row * s_.k, s_.k); }

 private:
  bool fits() const { return s_.latents <= kMostLatents && s_.k <= kMostK; }
  cudaError_t call(void* space, size_t& bytes, cudaStream_t stream) const {
    const auto rows_of = [](auto* first, int64_t stride) {
      return cuda::make_strided_iterator(cuda::make_counting_iterator(first), stride);
    };
    return cub::DeviceBatchedTopK::MaxPairs(
        space, bytes, rows_of(keys_in(s_), s_.stride), rows_of(keys_.get(), s_.k),
        cuda::make_constant_iterator(cuda::make_counting_iterator(int32_t{0})), rows_of(indices_.get(), s_.k),
        cuda::args::immediate{s_.latents, cuda::args::bounds<int64_t{1}, kMostLatents>()},
        cuda::args::immediate{s_.k, cuda::args::bounds<int64_t{1}, kMostK>()}, cuda::args::immediate{s_.rows},
        cuda::std::execution::env{cuda::stream_ref{stream}, Wanted::requirement()});
  }

  Selection s_;
  Buffer<__nv_bfloat16> keys_;
  Buffer<int32_t> indices_;
  std::unique_ptr<Buffer<unsigned char>> space_;
};

#else

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) fill_columns(int32_t* to, int64_t stride, int64_t elements) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < elements) to[at] = static_cast<int32_t>(at % stride);
}
__global__ void __launch_bounds__(kThreads) fill_offsets(int* to, int64_t stride, int64_t count) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < count) to[at] = static_cast<int>(at * stride);
}

/* Every row sorted as a whole: the columns between latents and stride are zeros, which are no larger than what is selected. */
class Sorted : public CubTopk {
 public:
  Sorted(const Selection& s, cudaStream_t stream)
      : s_(s), keys_(s.rows * s.stride), columns_(s.rows * s.stride), indices_(s.rows * s.stride), offsets_(s.rows + 1) {
    const auto fill = [&](auto* kernel, auto* to, int64_t count) {
      const auto blocks = static_cast<unsigned>(ceil_divide<int64_t>(count, kThreads));
      MUST(launch("fill", kernel, dim3(blocks), kThreads, 0, stream, to, s.stride, count));
    };
    fill(&fill_columns, columns_.get(), columns_.count());
    fill(&fill_offsets, offsets_.get(), offsets_.count());
    size_t bytes = 0;
    MUST(call(nullptr, bytes, stream));
    space_ = std::make_unique<Buffer<unsigned char>>(static_cast<int64_t>(bytes));
  }
  const char* name() const override { return "select by cub segmented sort"; }
  cudaError_t run(cudaStream_t stream) override {
    size_t bytes = space_->bytes();
    return call(space_->get(), bytes, stream);
  }
  std::vector<uint16_t> keys_of(int64_t row) const override { return best_of(keys_.get() + row * s_.stride, s_.k); }

 private:
  cudaError_t call(void* space, size_t& bytes, cudaStream_t stream) const {
    return cub::DeviceSegmentedRadixSort::SortPairsDescending(space, bytes, keys_in(s_), keys_.get(), columns_.get(), indices_.get(),
                                                              static_cast<int>(keys_.count()), static_cast<int>(s_.rows), offsets_.get(),
                                                              offsets_.get() + 1, 0, 16, stream);
  }

  Selection s_;
  Buffer<__nv_bfloat16> keys_;
  Buffer<int32_t> columns_, indices_;
  Buffer<int> offsets_;
  std::unique_ptr<Buffer<unsigned char>> space_;
};

#endif

}  // namespace

#if PAL_CUB_BATCHED_TOPK
std::vector<std::unique_ptr<CubTopk>> cub_topks(const Selection& selection, cudaStream_t) {
  std::vector<std::unique_ptr<CubTopk>> all;
  all.push_back(std::make_unique<Batched<wanted::Any>>(selection));
  all.push_back(std::make_unique<Batched<wanted::Lowest>>(selection));
  return all;
}
int64_t cub_most_rows() { return int64_t{1} << 31; }
#else
std::vector<std::unique_ptr<CubTopk>> cub_topks(const Selection& selection, cudaStream_t stream) {
  std::vector<std::unique_ptr<CubTopk>> all;
  all.push_back(std::make_unique<Sorted>(selection, stream));
  return all;
}
int64_t cub_most_rows() { return 1024; }
#endif

}  // namespace pal::bench
