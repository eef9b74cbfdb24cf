/*
 * stream_test.cu - whole training steps on a stream that does not wait for the null stream, and replayed from a captured graph:
 * the bits of the null stream. On the device these are what a library gets wrong that synchronises, allocates or queues on a
 * stream of its own choice; emulated, the detector sees what the streams leave unordered.
 */
#include "palimpsest_cuda.h"
#include "training.h"

namespace pal::test {
namespace {

#define PAL_CUDA_OK(call)                                                        \
  do {                                                                           \
    const cudaError_t error = (call);                                            \
    expect(error == cudaSuccess, "%s: %s", #call, cudaGetErrorString(error));    \
  } while (false)

constexpr TrainingShape kShape{520, 20, 99, 5, true, true, true};
constexpr int64_t kSteps = 2;

/* A coder in training, on a stream; every call has scratch memory of its own. */
class Training {
 public:
  explicit Training(bool bf16)
      : random_(121), coder_({kShape.width, kShape.latents, kShape.skip, kShape.centre, bf16}, random_), batch_(kShape, random_),
        y_(normal_floats(random_, kShape.rows * kShape.width)), grad_(kShape.rows * kShape.width), sums_(2),
        counts_(zeros(kShape.latents)), last_(zeros(kShape.latents)), batch_counts_(zeros(kShape.latents)), progress_(zeros(2)),
        firings_log_(zeros(2 * kSteps)), sums_log_(2 * kSteps), first_(coder_.shape), second_(coder_.shape),
        hyper_(static_cast<int64_t>(pal_cuda_hyper_bytes())),
        encode_space_(bytes(pal_encode_workspace_bytes(kShape.width, kShape.latents, kShape.rows, kShape.k, PAL_TOPK))),
        loss_space_(bytes(pal_cuda_decode_loss_workspace_bytes(kShape.width, kShape.latents, kShape.rows, kShape.k))),
        step_space_(bytes(pal_step_workspace_bytes(kShape.width, kShape.latents, kShape.rows, kShape.k))) {
    first_.fill(coder_.shape, random_, 0.01, false);
    second_.fill(coder_.shape, random_, 0.01, true);
    PAL_CUDA_OK(cudaDeviceSynchronize()); /* uploads wait for no stream, and ours for none of them */
  }

  /* Before each step or replay: its learning rate and number. */
  void write_hyper(int64_t t, cudaStream_t stream) {
    const pal_hyper hyper{PAL_ADAM, 1e-3f / static_cast<float>(t), 0.9f, 0.999f, 1e-8f, t};
    PAL_OK_OR_FAULT(pal_cuda_write_hyper(&hyper, hyper_.get(), stream));
  }

  void step(cudaStream_t stream) {
    const pal_coder& c = coder_.coder;
    const TrainingShape& s = kShape;
    const pal_optimizer_state state{first_.view(coder_.shape), second_.view(coder_.shape)};
    PAL_OK_OR_FAULT(pal_encode(&c, batch_.x.get(), s.rows, s.k, PAL_TOPK, batch_.values.get(), batch_.indices.get(), encode_space_.get(),
                               encode_space_.bytes(), stream));
    PAL_OK_OR_FAULT(pal_cuda_decode_loss(&c, batch_.x.get(), y_.get(), s.rows, s.k, batch_.values.get(), batch_.indices.get(), grad_.get(),
                                         sums_.get(), loss_space_.get(), loss_space_.bytes(), stream));
    const pal_cuda_record record{s.latents,          2 * s.rows - 1,  kSteps,          counts_.get(),     last_.get(),
                                 batch_counts_.get(), progress_.get(), sums_log_.get(), firings_log_.get()};
    PAL_OK_OR_FAULT(pal_cuda_record_batch(&record, batch_.values.get(), batch_.indices.get(), s.rows, s.k, sums_.get(), stream));
    PAL_OK_OR_FAULT(pal_cuda_step(&c, &state, batch_.x.get(), grad_.get(), s.rows, s.k, batch_.values.get(), batch_.indices.get(),
                                  hyper_.get(), PAL_ADAM, 1, 1, step_space_.get(), step_space_.bytes(), stream));
  }

  /* After the stream has been waited for. */
  std::vector<unsigned char> results() const {
    std::vector<unsigned char> all;
    const Array<float>* const arrays[] = {coder_.device_encoder.get(), coder_.device_encoder_bias.get(), coder_.device_decoder.get(),
                                          coder_.device_decoder_bias.get(), coder_.device_skip.get(), &grad_, &batch_.values};
    for (const Array<float>* array : arrays) append_bytes(all, array->download());
    append_bytes(all, batch_.indices.download());
    append_bytes(all, sums_.download());
    append_bytes(all, sums_log_.download());
    for (const Array<int64_t>* array : {&counts_, &last_, &progress_, &firings_log_}) append_bytes(all, array->download());
    first_.append(all);
    second_.append(all);
    return all;
  }

 private:
  static int64_t bytes(size_t count) { return static_cast<int64_t>(count); }
  static std::vector<int64_t> zeros(int64_t count) { return std::vector<int64_t>(static_cast<size_t>(count), 0); }

  Random random_;
  TestCoder coder_;
  TestBatch batch_;
  Array<float> y_, grad_;
  Array<double> sums_;
  Array<int64_t> counts_, last_, batch_counts_, progress_, firings_log_;
  Array<double> sums_log_;
  GradientArrays first_, second_;
  Workspace hyper_, encode_space_, loss_space_, step_space_;
};

struct Variant {
  const char* name;
  bool bf16;
  const char* encode;
  const char* product;
  int overlap;
};
constexpr Variant kVariants[] = {{"fp32", false, "e0", "", 0},
                                 {"bf16", true, "e0", "", 0},
                                 {"bf16, two streams", true, "e0", "", 1},
                                 {"bf16, fused encode", true, "e2", "mma", 0}};

void with(const Variant& variant, const std::function<void()>& run) {
  PAL_OK_OR_FAULT(pal_cuda_set_encode(variant.encode));
  PAL_OK_OR_FAULT(pal_cuda_set_product(variant.product));
  PAL_OK_OR_FAULT(pal_cuda_set_overlap(variant.overlap));
  run();
  PAL_OK_OR_FAULT(pal_cuda_set_encode(""));
  PAL_OK_OR_FAULT(pal_cuda_set_product(""));
  PAL_OK_OR_FAULT(pal_cuda_set_overlap(0));
}

std::vector<unsigned char> on_stream(bool bf16, cudaStream_t stream) {
  Training training(bf16);
  for (int64_t t = 1; t <= kSteps; ++t) {
    training.write_hyper(t, stream);
    training.step(stream);
  }
  PAL_CUDA_OK(cudaStreamSynchronize(stream));
  return training.results();
}

std::vector<unsigned char> from_graph(bool bf16, cudaStream_t stream) {
  Training training(bf16);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t replay = nullptr;
  PAL_CUDA_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  training.step(stream);
  PAL_CUDA_OK(cudaStreamEndCapture(stream, &graph));
  PAL_CUDA_OK(cudaGraphInstantiate(&replay, graph, 0));
  for (int64_t t = 1; t <= kSteps; ++t) {
    training.write_hyper(t, stream);
    PAL_CUDA_OK(cudaGraphLaunch(replay, stream));
  }
  PAL_CUDA_OK(cudaStreamSynchronize(stream));
  PAL_CUDA_OK(cudaGraphExecDestroy(replay));
  PAL_CUDA_OK(cudaGraphDestroy(graph));
  return training.results();
}

/* Captured by the library on a stream of its own, replayed on another. */
std::vector<unsigned char> from_library_graph(bool bf16, cudaStream_t stream) {
  Training training(bf16);
  pal_stream capturing = nullptr;
  pal_cuda_graph graph = nullptr;
  PAL_OK_OR_FAULT(pal_cuda_begin_capture(&capturing));
  training.step(pal::as_stream(capturing));
  PAL_OK_OR_FAULT(pal_cuda_end_capture(capturing, &graph));
  for (int64_t t = 1; t <= kSteps; ++t) {
    training.write_hyper(t, stream);
    PAL_OK_OR_FAULT(pal_cuda_replay(graph, stream));
  }
  PAL_CUDA_OK(cudaStreamSynchronize(stream));
  PAL_OK_OR_FAULT(pal_cuda_free_graph(graph));
  return training.results();
}

void other_stream() {
  cudaStream_t stream = nullptr;
  PAL_CUDA_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (const Variant& variant : kVariants) {
    with(variant, [&] {
      expect(on_stream(variant.bf16, nullptr) == on_stream(variant.bf16, stream), "%s: other bits than on the null stream", variant.name);
    });
  }
  PAL_CUDA_OK(cudaStreamDestroy(stream));
}

void captured() {
  cudaStream_t stream = nullptr;
  PAL_CUDA_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (const Variant& variant : kVariants) {
    with(variant, [&] {
      const auto plain = on_stream(variant.bf16, stream); /* loads every kernel, too */
      expect(from_graph(variant.bf16, stream) == plain, "%s: other bits than without a graph", variant.name);
      for (cudaStream_t replayed_on : {stream, cudaStream_t{nullptr}}) {
        expect(from_library_graph(variant.bf16, replayed_on) == plain, "%s: other bits from the library's graph", variant.name);
      }
    });
  }
  PAL_CUDA_OK(cudaStreamDestroy(stream));
}

/* What is queued on another stream while one is captured is done at once, and no part of the graph: each has a side stream of its own. */
void captured_beside_another() {
  cudaStream_t captured_one = nullptr, other = nullptr;
  PAL_CUDA_OK(cudaStreamCreateWithFlags(&captured_one, cudaStreamNonBlocking));
  PAL_CUDA_OK(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
  with(kVariants[2], [&] {
    const auto plain = on_stream(true, other);
    on_stream(true, captured_one);
    Training in_graph(true), beside(true);
    for (Training* one : {&in_graph, &beside}) one->write_hyper(1, other);
    PAL_CUDA_OK(cudaStreamSynchronize(other));
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t replay = nullptr;
    PAL_CUDA_OK(cudaStreamBeginCapture(captured_one, cudaStreamCaptureModeThreadLocal));
    in_graph.step(captured_one);
    beside.step(other);
    beside.write_hyper(2, other);
    beside.step(other);
    PAL_CUDA_OK(cudaStreamEndCapture(captured_one, &graph));
    PAL_CUDA_OK(cudaStreamSynchronize(other));
    expect(beside.results() == plain, "other bits beside a capture");
    if (graph == nullptr) return;
    PAL_CUDA_OK(cudaGraphInstantiate(&replay, graph, 0));
    PAL_CUDA_OK(cudaGraphLaunch(replay, captured_one));
    in_graph.write_hyper(2, captured_one);
    PAL_CUDA_OK(cudaGraphLaunch(replay, captured_one));
    PAL_CUDA_OK(cudaStreamSynchronize(captured_one));
    expect(in_graph.results() == plain, "other bits from a graph captured beside other work");
    PAL_CUDA_OK(cudaGraphExecDestroy(replay));
    PAL_CUDA_OK(cudaGraphDestroy(graph));
  });
  PAL_CUDA_OK(cudaStreamDestroy(captured_one));
  PAL_CUDA_OK(cudaStreamDestroy(other));
}

/* What a capture does not allow breaks it: no graph comes of it, and the next capture is whole. */
void broken_capture() {
  pal_stream capturing = nullptr;
  pal_cuda_graph graph = nullptr;
  void* memory = nullptr;
  PAL_OK_OR_FAULT(pal_cuda_begin_capture(&capturing));
  expect(cudaMalloc(&memory, 64) != cudaSuccess, "an allocation within a capture");
  cudaGetLastError();
  expect(pal_cuda_end_capture(capturing, &graph) == PAL_DEVICE_ERROR && graph == nullptr, "a graph of a broken capture");
  PAL_CUDA_OK(cudaGetLastError());
  PAL_OK_OR_FAULT(pal_cuda_begin_capture(&capturing));
  PAL_OK_OR_FAULT(pal_cuda_end_capture(capturing, &graph));
  PAL_OK_OR_FAULT(pal_cuda_replay(graph, nullptr)); /* of nothing */
  PAL_OK_OR_FAULT(pal_cuda_free_graph(graph));
  PAL_OK_OR_FAULT(pal_cuda_free_graph(nullptr));
  expect(pal_cuda_replay(nullptr, nullptr) == PAL_INVALID_ARGUMENT, "no graph");
  expect(pal_cuda_begin_capture(nullptr) == PAL_INVALID_ARGUMENT, "nowhere to say the stream");
}

}  // namespace

std::vector<Case> stream_cases() { return {{"stream other than null", other_stream}, {"stream captured", captured}, {"stream captured beside another", captured_beside_another}, {"stream broken capture", broken_capture}}; }

}  // namespace pal::test
