/*
 * main.cu - times every kernel and the whole step with device events, cold and warm L2, inputs taken in turn.
 *
 *   bench [--json FILE] [--real FILE] [--rows N] [NAME...]      NAME: only benches whose name contains one of them
 *
 * Before anything of a shape is timed, 64 rows and 16 latents of it are compared with sums in double precision (verify.h); exit 1 if
 * they differ. Beside the selection CUB's is timed (cub_topk.h), and must select the same.
 * Prints a table; with --json the same as one JSON object, with the device, the backend of the products, the two ceilings
 * measured here (a large device copy, a large bf16 product) and the peak memory of encode and of a step. The file is written
 * anew after each shape, so that a run cut short leaves what it had.
 */
#include <cstring>

#include "cub_topk.h"
#include "fvu.h"
#include "hits.h"
#include "inputs.h"
#include "memory.h"
#include "operands.h"
#include "palimpsest_cuda.h"
#include "product.h"
#include "select.h"
#include "verify.h"

namespace pal::bench {
namespace {

struct Options {
  std::string json, real;
  int64_t rows = 0;
  std::vector<std::string> names;
  bool wants(const std::string& name) const {
    for (const std::string& part : names) {
      if (name.find(part) != std::string::npos) return true;
    }
    return names.empty();
  }
};

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    const bool takes_value = argument == "--json" || argument == "--real" || argument == "--rows";
    if (takes_value && i + 1 == count) {
      std::fprintf(stderr, "bench: %s needs a value\n", arguments[i]);
      std::exit(2);
    }
    if (argument == "--json") {
      options.json = arguments[++i];
    } else if (argument == "--real") {
      options.real = arguments[++i];
    } else if (argument == "--rows") {
      options.rows = std::atoll(arguments[++i]);
    } else {
      options.names.push_back(argument);
    }
  }
  return options;
}

void measure_ceilings(Bench& bench) {
  const Buffer<unsigned char> from(int64_t{1} << 30), to(int64_t{1} << 30);
  MUST(cudaMemsetAsync(from.get(), 1, from.bytes(), bench.stream()));
  const double bytes = 2.0 * static_cast<double>(from.bytes());
  const Times copy = bench.time(
      [&](int) { MUST(cudaMemcpyAsync(to.get(), from.get(), from.bytes(), cudaMemcpyDeviceToDevice, bench.stream())); }, false);
  bench.bytes_per_second = bytes / (copy.median * 1e-6);
  bench.add("ceiling copy", "1 GiB", {bytes, 0.0, 0.0}, "warm", copy);

  constexpr int64_t n = 8192;
  const Inputs random({n, n, n, 1}, bench.stream());
  const Operands operands(random.coder);
  const Buffer<bf16> d(n * n);
  const Buffer<unsigned char> workspace(static_cast<int64_t>(kProductWorkspaceBytes));
  const double operations = 2.0 * n * n * n;
  const Times product_time = bench.time(
      [&](int) {
        MUST(product({Form::NT, n, n, n, n, n, n}, operands.encoder, operands.decoder, nullptr, d.get(), workspace.get(), bench.stream()));
      },
      false);
  bench.operations_per_second = operations / (product_time.median * 1e-6);
  bench.add("ceiling product", "8192^3 bf16", {0.0, operations, 0.0}, "warm", product_time);
}

/* What pal_cuda_record_batch keeps, as Java's trainer has it. */
struct Log {
  static constexpr int64_t kLength = 64, kDeadAfter = 10'000'000;
  int64_t latents;
  Buffer<int64_t> counts, last, batch, progress, firings;
  Buffer<double> sums;

  explicit Log(const Shape& s)
      : latents(s.latents), counts(s.latents), last(s.latents), batch(s.latents), progress(2), firings(2 * kLength), sums(2 * kLength) {}
  void clear(cudaStream_t stream) const {
    for (const auto* array : {&counts, &last, &batch, &progress, &firings}) MUST(cudaMemsetAsync(array->get(), 0, array->bytes(), stream));
  }
  pal_cuda_record view() const {
    return {latents, kDeadAfter, kLength, counts.get(), last.get(), batch.get(), progress.get(), sums.get(), firings.get()};
  }
};

/* The stages of a step on their own, and together. */
class Stages {
 public:
  Stages(Bench& bench, const Options& options, const Inputs& in)
      : bench_(bench), options_(options), in_(in), s_(in.shape), b_(static_cast<double>(s_.rows)), d_(static_cast<double>(s_.width)),
        m_(static_cast<double>(s_.latents)), k_(static_cast<double>(s_.k)), values_(s_.rows * s_.k), indices_(s_.rows * s_.k),
        grad_(s_.rows * s_.width), sums_(2), counts_(s_.latents), log_(s_), first_(s_, bench.stream()), second_(s_, bench.stream()), hyper_(static_cast<int64_t>(pal_cuda_hyper_bytes())),
        space_(std::max(encode_bytes(), other_bytes())) {
    MUST(cudaMemsetAsync(counts_.get(), 0, counts_.bytes(), bench_.stream()));
    log_.clear(bench_.stream());
  }

  /* The arrays of a training step, and what the device says is in use after one; `before`: in use before the inputs. */
  Memory memory(double before) {
    Memory m{};
    const auto taken_by = [&](const std::function<void()>& run) {
      const double at_first = used_bytes();
      run();
      MUST(cudaStreamSynchronize(bench_.stream()));
      return used_bytes() - at_first;
    };
    m.encode_call = taken_by([&] { encode(0); });
    m.step_call = taken_by([&] { train(0, PAL_ADAM); });
    m.shape = s_.text();
    const auto bytes = [](const auto&... arrays) { return static_cast<double>((arrays.bytes() + ...)); };
    m.parameters = bytes(in_.encoder, in_.encoder_bias, in_.decoder, in_.decoder_bias);
    m.operands = bytes(in_.operands);
    m.state = 2.0 * bytes(first_.encoder, first_.encoder_bias, first_.decoder, first_.decoder_bias);
    m.input = bytes(*in_.x[0]);
    m.selected = bytes(values_, indices_);
    m.batch = bytes(*in_.x[0], *in_.y[0], grad_, sums_, log_.counts, log_.last, log_.batch) + m.selected;
    m.encode_space = static_cast<double>(encode_bytes());
    m.other_space = static_cast<double>(other_bytes());
    MUST(pal_cuda_set_chunk_bytes(kSmallChunk));
    m.small_encode_space = static_cast<double>(encode_bytes());
    MUST(pal_cuda_set_chunk_bytes(0));
    MUST(pal_cuda_set_encode("e2"));
    m.fused_encode_space = static_cast<double>(encode_bytes());
    MUST(pal_cuda_set_encode(""));
    /* Two of the three sets of inputs are the bench's own. */
    m.measured = used_bytes() - before - (kSets - 1) * bytes(*in_.x[0], *in_.y[0]);
    return m;
  }

  /* The first thing that was found wrong; empty where nothing was. */
  const std::string& problem() const { return problem_; }

  /* Compares the selection, the gradient and the backward pass, by either encoder, with double precision. */
  void verify() {
    for (const char* variant : {"e0", "e2"}) {
      MUST(pal_cuda_set_encode(variant));
      encode(0);
      MUST(pal_cuda_set_encode(""));
      loss(0);
      const Gradients gradients(s_, bench_.stream());
      const pal_gradients view = gradients.view();
      MUST(pal_backward(&in_.coder, in_.x_of(0), grad_.get(), s_.rows, s_.k, values_.get(), indices_.get(), &view, 0, space_.get(),
                        space_.bytes(), bench_.stream()));
      const std::string found = bench::problem_of({&in_.coder, in_.x_of(0), in_.y_of(0), s_.rows, s_.k, values_.get(), indices_.get(),
                                                   grad_.get(), sums_.get(), &view});
      note(found.empty() ? found : std::string(variant) + ": " + found);
    }
  }

  void run() {
    encode(0);
    loss(0);
    bench_encode();
    bench_forward();
    bench_backward();
    bench_whole();
  }

 private:
  void note(const std::string& problem) {
    if (!problem.empty()) std::fprintf(stderr, "bench: %s is WRONG: %s\n", s_.text().c_str(), problem.c_str());
    if (problem_.empty()) problem_ = problem;
  }

  int64_t encode_bytes() const {
    return static_cast<int64_t>(pal_encode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k, PAL_TOPK));
  }
  int64_t other_bytes() const {
    return static_cast<int64_t>(std::max({pal_step_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k),
                                          pal_backward_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k),
                                          pal_fvu_workspace_bytes(s_.width, s_.rows),
                                          pal_decode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k),
                                          pal_cuda_decode_loss_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k)}));
  }

  void encode(int i, pal_activation activation = PAL_TOPK) {
    MUST(pal_encode(&in_.coder, in_.x_of(i), s_.rows, s_.k, activation, values_.get(), indices_.get(), space_.get(),
                    space_.bytes(), bench_.stream()));
  }
  void loss(int i) {
    MUST(pal_cuda_decode_loss(&in_.coder, in_.x_of(i), in_.y_of(i), s_.rows, s_.k, values_.get(), indices_.get(), grad_.get(),
                              sums_.get(), space_.get(), space_.bytes(), bench_.stream()));
  }
  void step(int i, pal_optimizer optimizer) {
    const pal_hyper hyper{optimizer, 1e-5f, optimizer == PAL_ADAM ? 0.9f : 0.95f, 0.999f, 1e-8f, 1000};
    const pal_optimizer_state state{first_.view(), second_.view()};
    MUST(pal_step(&in_.coder, &state, in_.x_of(i), grad_.get(), s_.rows, s_.k, values_.get(), indices_.get(), &hyper, 0, 0,
                  space_.get(), space_.bytes(), bench_.stream()));
  }
  void record() {
    const pal_cuda_record to = log_.view();
    MUST(pal_cuda_record_batch(&to, values_.get(), indices_.get(), s_.rows, s_.k, sums_.get(), bench_.stream()));
  }
  void forward(int i) {
    encode(i);
    loss(i);
    record();
  }
  void train(int i, pal_optimizer optimizer) {
    forward(i);
    step(i, optimizer);
  }

  void report(const char* name, const Work& work, const std::function<void(int)>& run) {
    if (options_.wants(name)) bench_.report(name, s_.text(), work, run);
  }

  void bench_encode() {
    const double operations = 2.0 * b_ * d_ * m_;
    /* The bare product and the bare selection, on as many rows as a 512 MB buffer takes. */
    const int64_t stride = round_up<int64_t>(s_.latents, 8), inner = bf16_stride(s_.width);
    const int64_t rows = std::min<int64_t>(s_.rows, (int64_t{512} << 20) / (stride * 2));
    const double share = static_cast<double>(rows) / b_;
    const Operands operands(in_.coder);
    const Buffer<bf16> input(rows * inner), activations(rows * stride);
    const Buffer<unsigned char> space(static_cast<int64_t>(kProductWorkspaceBytes));
    MUST(cudaMemsetAsync(activations.get(), 0, activations.bytes(), bench_.stream())); /* the selection wants zeros in the padding */
    MUST(convert_to_bf16(in_.x_of(0), nullptr, rows, s_.width, inner, input.get(), bench_.stream()));
    const auto multiply = [&](int) {
      MUST(product({Form::NT, rows, s_.latents, inner, inner, inner, stride}, input.get(), operands.encoder, operands.encoder_bias,
                   activations.get(), space.get(), bench_.stream()));
    };
    multiply(0);
    const Work rows_work{share * b_ * (2.0 * m_ + 8.0 * k_), 0.0, share * b_};
    report("product", {0.0, operations * share, share * b_}, multiply);
    MUST(pal_cuda_set_product("mma"));
    report("mma product", {0.0, operations * share, share * b_}, multiply);
    MUST(pal_cuda_set_product(""));
    multiply(0);
    report("select", rows_work, [&](int) {
      MUST(select_topk(activations.get(), stride, s_.latents, rows, s_.k, values_.get(), indices_.get(), bench_.stream()));
    });
    if (options_.wants("select by cub")) bench_cub({activations.get(), stride, s_.latents, std::min(rows, cub_most_rows()), s_.k});
    if (s_.latents % s_.k == 0) {
      report("groupmax", rows_work, [&](int) {
        MUST(select_groupmax(activations.get(), stride, s_.latents, rows, s_.k, values_.get(), indices_.get(), bench_.stream()));
      });
    }
    report("convert", {b_ * d_ * 6.0 * share, 0.0, share * b_}, [&](int i) {
      MUST(convert_to_bf16(in_.x_of(i), nullptr, rows, s_.width, inner, input.get(), bench_.stream()));
    });
    for (const int megabytes : {32, 64, 128, 256, 512}) {
      MUST(pal_cuda_set_chunk_bytes(int64_t{megabytes} << 20));
      pal_encode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k, PAL_TOPK); /* plans are made here */
      report(("encode chunk " + std::to_string(megabytes) + " MiB").c_str(), {0.0, operations, b_}, [&](int i) { encode(i); });
    }
    for (const int megabytes : {64, 256, 512}) {
      MUST(pal_cuda_set_chunk_bytes(int64_t{megabytes} << 20));
      MUST(pal_cuda_set_overlap(1));
      pal_encode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k, PAL_TOPK);
      report(("encode overlapped " + std::to_string(megabytes) + " MiB").c_str(), {0.0, operations, b_}, [&](int i) { encode(i); });
      MUST(pal_cuda_set_overlap(0));
    }
    MUST(pal_cuda_set_chunk_bytes(0));
    if (options_.wants("encode timed candidates")) {
      MUST(pal_cuda_set_candidates(8));
      pal_encode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k, PAL_TOPK); /* timed here */
      report("encode timed candidates", {0.0, operations, b_}, [&](int i) { encode(i); });
      MUST(pal_cuda_set_candidates(1));
      pal_encode_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k, PAL_TOPK);
    }
    MUST(pal_cuda_set_encode("e2"));
    report("fused encode", {0.0, operations, b_}, [&](int i) { encode(i); });
    MUST(pal_cuda_set_encode(""));
    encode(0);
  }

  /* CUB's ways of the selection that values_ has from ours, and whether they select the same. */
  void bench_cub(const Selection& selection) {
    const auto r = static_cast<double>(selection.rows);
    MUST(select_topk(selection.activations, selection.stride, selection.latents, selection.rows, selection.k, values_.get(),
                     indices_.get(), bench_.stream()));
    for (const auto& cub : cub_topks(selection, bench_.stream())) {
      const cudaError_t error = cub->run(bench_.stream());
      if (error == cudaErrorNotSupported) {
        cudaGetLastError();
        std::printf("%s: not supported here\n", cub->name());
        continue;
      }
      MUST(error);
      note(problem_of(*cub, selection));
      bench_.report(cub->name(), Shape{selection.rows, s_.width, s_.latents, s_.k}.text(), {r * (2.0 * m_ + 8.0 * k_), 0.0, r},
                    [&](int) { MUST(cub->run(bench_.stream())); });
    }
  }
  std::string problem_of(const CubTopk& cub, const Selection& selection) const {
    std::vector<float> ours(static_cast<size_t>(s_.k));
    for (int64_t i = 0; i < kVerifiedRows; ++i) {
      const int64_t row = i * (selection.rows - 1) / (kVerifiedRows - 1);
      const std::vector<uint16_t> keys = cub.keys_of(row);
      MUST(cudaMemcpy(ours.data(), values_.get() + row * s_.k, ours.size() * sizeof(float), cudaMemcpyDeviceToHost));
      for (size_t s = 0; s < ours.size() && ours[s] > 0.0f; ++s) {
        uint32_t bits = 0; /* the lower half is 0: it was a bf16 */
        std::memcpy(&bits, &ours[s], sizeof(bits));
        if (keys[s] != bits >> 16) {
          return std::string(cub.name()) + ": another selection than ours in row " + std::to_string(row);
        }
      }
    }
    return "";
  }

  void bench_forward() {
    const double gather = b_ * k_ * d_ * 2.0;
    report("decode", {gather + b_ * d_ * 4.0, 0.0, b_}, [&](int i) {
      MUST(pal_decode(&in_.coder, in_.x_of(i), s_.rows, s_.k, values_.get(), indices_.get(), grad_.get(), space_.get(),
                      space_.bytes(), bench_.stream()));
    });
    report("fvu", {b_ * d_ * 20.0, 0.0, b_}, [&](int i) {
      MUST(pal_fvu(in_.x_of(i), in_.y_of(i), s_.rows, s_.width, grad_.get(), sums_.get(), space_.get(), space_.bytes(),
                   bench_.stream()));
    });
    report("decode_loss", {gather + b_ * d_ * 12.0, 0.0, b_}, [&](int i) { loss(i); });
    report("record", {b_ * k_ * 8.0 + m_ * 40.0, 0.0, b_}, [&](int) { record(); });
    report("firings", {b_ * k_ * 8.0, 0.0, b_}, [&](int) {
      MUST(pal_count_firings(values_.get(), indices_.get(), s_.rows, s_.k, s_.latents, counts_.get(), bench_.stream()));
    });
    loss(0);
  }

  void bench_backward() {
    Arena arena(space_.get());
    const HitList list(s_.width, s_.latents, s_.rows, s_.k, arena);
    report("sort", {b_ * k_ * 48.0, 0.0, b_}, [&](int) { MUST(list.sort.run(values_.get(), indices_.get(), bench_.stream())); });
    report("hits", {b_ * k_ * d_ * 2.0, 0.0, b_}, [&](int i) {
      const Batch batch{&in_.coder, in_.x_of(i), grad_.get(), values_.get(), indices_.get(), s_.rows, s_.k};
      MUST(list.prepare(batch, s_.width % 4 == 0, bench_.stream()));
    });
    const double weights = 2.0 * m_ * d_;
    {
      const Gradients gradients(s_, bench_.stream());
      const pal_gradients view = gradients.view();
      report("backward", {b_ * k_ * d_ * 10.0 + weights * 4.0, 0.0, b_}, [&](int i) {
        MUST(pal_backward(&in_.coder, in_.x_of(i), grad_.get(), s_.rows, s_.k, values_.get(), indices_.get(), &view, 0,
                          space_.get(), space_.bytes(), bench_.stream()));
      });
      const pal_hyper hyper{PAL_ADAM, 1e-5f, 0.9f, 0.999f, 1e-8f, 1000};
      report("update", {m_ * d_ * 28.0, 0.0, 0.0}, [&](int) {
        MUST(pal_update(in_.coder.encoder, view.encoder, first_.encoder.get(), second_.encoder.get(), s_.latents * s_.width, &hyper,
                        bench_.stream()));
      });
      report("rows remove_parallel", {m_ * d_ * 12.0, 0.0, 0.0}, [&](int) {
        MUST(pal_remove_parallel(in_.coder.encoder, view.decoder, s_.latents, s_.width, bench_.stream()));
      });
      report("rows normalize", {m_ * d_ * 8.0, 0.0, 0.0}, [&](int) {
        MUST(pal_normalize_rows(view.decoder, s_.latents, s_.width, bench_.stream()));
      });
    }
    report("step adam", {weights * 26.0 + b_ * k_ * d_ * 10.0, 0.0, b_}, [&](int i) { step(i, PAL_ADAM); });
    if (options_.wants("step adam bf16 rows")) {
      MUST(pal_cuda_set_bf16_rows(1));
      const Buffer<unsigned char> space(static_cast<int64_t>(pal_step_workspace_bytes(s_.width, s_.latents, s_.rows, s_.k)));
      const pal_hyper hyper{PAL_ADAM, 1e-5f, 0.9f, 0.999f, 1e-8f, 1000};
      const pal_optimizer_state state{first_.view(), second_.view()};
      report("step adam bf16 rows", {weights * 26.0 + b_ * d_ * 12.0 + b_ * k_ * d_ * 6.0, 0.0, b_}, [&](int i) {
        MUST(pal_step(&in_.coder, &state, in_.x_of(i), grad_.get(), s_.rows, s_.k, values_.get(), indices_.get(), &hyper, 0, 0, space.get(),
                      space.bytes(), bench_.stream()));
      });
      MUST(cudaStreamSynchronize(bench_.stream()));
      MUST(pal_cuda_set_bf16_rows(0));
    }
    report("step signum", {weights * 18.0 + b_ * k_ * d_ * 10.0, 0.0, b_}, [&](int i) { step(i, PAL_SIGNUM); });
  }

  void bench_whole() {
    const Work work{0.0, 2.0 * b_ * d_ * m_, b_};
    report("train adam", work, [&](int i) { train(i, PAL_ADAM); });
    report("train signum", work, [&](int i) { train(i, PAL_SIGNUM); });
    MUST(pal_cuda_set_encode("e2"));
    report("train adam fused encode", work, [&](int i) { train(i, PAL_ADAM); });
    MUST(pal_cuda_set_encode(""));
    if (options_.wants("train adam graph")) bench_graph(work);
  }

  /* A graph for each set of inputs; learning rate and t go to device memory before each replay. */
  void bench_graph(const Work& work) {
    const pal_optimizer_state state{first_.view(), second_.view()};
    train(0, PAL_ADAM); /* everything is loaded before the capture */
    MUST(cudaStreamSynchronize(bench_.stream()));
    cudaGraphExec_t replay[kSets] = {};
    for (int i = 0; i < kSets; ++i) {
      cudaGraph_t graph = nullptr;
      MUST(cudaStreamBeginCapture(bench_.stream(), cudaStreamCaptureModeThreadLocal));
      forward(i);
      MUST(pal_cuda_step(&in_.coder, &state, in_.x_of(i), grad_.get(), s_.rows, s_.k, values_.get(), indices_.get(), hyper_.get(),
                         PAL_ADAM, 0, 0, space_.get(), space_.bytes(), bench_.stream()));
      MUST(cudaStreamEndCapture(bench_.stream(), &graph));
      MUST(cudaGraphInstantiate(&replay[i], graph, 0));
      MUST(cudaGraphDestroy(graph));
    }
    bench_.report("train adam graph", s_.text(), work, [&](int i) {
      const pal_hyper hyper{PAL_ADAM, 1e-5f, 0.9f, 0.999f, 1e-8f, 1000 + i};
      MUST(pal_cuda_write_hyper(&hyper, hyper_.get(), bench_.stream()));
      MUST(cudaGraphLaunch(replay[i % kSets], bench_.stream()));
    });
    for (cudaGraphExec_t graph : replay) MUST(cudaGraphExecDestroy(graph));
  }

  Bench& bench_;
  const Options& options_;
  const Inputs& in_;
  const Shape& s_;
  double b_, d_, m_, k_;
  Buffer<float> values_;
  Buffer<int32_t> indices_;
  Buffer<float> grad_;
  Buffer<double> sums_;
  Buffer<int64_t> counts_;
  Log log_;
  Gradients first_, second_;
  Buffer<unsigned char> hyper_;
  Buffer<unsigned char> space_; /* scratch memory: the calls of a step share it, one after the other */
  std::string problem_;
};

void write_json(const Options& options, const Bench& bench, const std::vector<Memory>& memory) {
  std::FILE* out = std::fopen(options.json.c_str(), "w");
  if (out == nullptr) {
    std::fprintf(stderr, "bench: cannot write %s\n", options.json.c_str());
    std::exit(1);
  }
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  std::fprintf(out, "{\"device\":\"%s\",\"driver\":%d,\"runtime\":%d,\n \"copy_gigabytes_per_s\":%.1f,\"product_teraflops\":%.1f,\n",
               pal_describe(), driver, runtime, bench.bytes_per_second * 1e-9, bench.operations_per_second * 1e-12);
  std::fprintf(out, " \"memory\":[\n");
  for (size_t i = 0; i < memory.size(); ++i) {
    std::fprintf(out, "  %s%s\n", memory[i].json().c_str(), i + 1 < memory.size() ? "," : "");
  }
  std::fprintf(out, " ],\n \"results\":[\n");
  for (size_t i = 0; i < bench.lines().size(); ++i) {
    std::fprintf(out, "  %s%s\n", bench.lines()[i].c_str(), i + 1 < bench.lines().size() ? "," : "");
  }
  std::fprintf(out, " ]}\n");
  std::fclose(out);
}

int run(const Options& options) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::fprintf(stderr, "no usable GPU: %s\n", error == cudaSuccess ? "none found" : cudaGetErrorString(error));
    return 3;
  }
  std::printf("%s\n", pal_describe());
  cudaStream_t stream = nullptr;
  MUST(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  Bench bench(stream);
  bench.wake_up();
  measure_ceilings(bench);
  std::vector<Memory> memory;
  bool right = true;
  const auto run_all = [&](const std::function<Inputs()>& make) {
    const double before = used_bytes();
    const Inputs in = make();
    Stages stages(bench, options, in);
    memory.push_back(stages.memory(before));
    std::printf("%s\n", memory.back().text().c_str());
    stages.verify();
    if (stages.problem().empty()) std::printf("%s: 64 rows and 16 latents as in double precision\n", in.shape.text().c_str());
    stages.run();
    right = right && stages.problem().empty();
    MUST(cudaStreamSynchronize(stream));
    if (!options.json.empty()) write_json(options, bench, memory);
  };
  if (!options.real.empty()) {
    run_all([&] { return Inputs(options.real, options.rows > 0 ? options.rows : 8192, stream); });
  } else {
    for (const int64_t rows : {int64_t{8192}, int64_t{65536}}) {
      run_all([&] { return Inputs({options.rows > 0 ? options.rows : rows, 768, 32768, 32}, stream); });
      if (options.rows > 0) break;
    }
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace pal::bench

int main(int count, char** arguments) { return pal::bench::run(pal::bench::parse(count, arguments)); }
