/*
 * detector_test.cu - the detector (host/detector.h) finds faults that were put there on purpose, and is silent where all is well:
 * small kernels with one fault each, and the library's own kernels with one of their barriers taken away. On the host alone.
 */
#include "harness.h"

#if defined(__CUDACC__) || !defined(PAL_DETECTOR)

std::vector<pal::test::Case> pal::test::detector_cases() { return {}; }

#else

#include <algorithm>

#include "arena.h"
#include "block.cuh"
#include "mma.cuh"
#include "palimpsest_cuda.h"
#include "training.h"

namespace pal::test {
namespace {

namespace detector = host::detector;
constexpr unsigned kThreads = 64;

unsigned me() { return threadIdx.x; }
unsigned neighbour() { return (threadIdx.x + 1) % kThreads; }
unsigned lane_neighbour() { return threadIdx.x / 32 * 32 + (threadIdx.x + 1) % 32; }

/* ---- one fault each ------------------------------------------------------------------------------------------------------- */

void no_barrier_before_the_read(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  numbers[me()] = 1;
  out[me()] = numbers[neighbour()];
}
void no_barrier_after_the_read(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  numbers[me()] = 1;
  __syncthreads();
  out[me()] = numbers[neighbour()];
  numbers[me()] = 2;
}
/* The first reader is forgotten by nobody, however many read after it. */
void writes_what_many_read(int* out) {
  PAL_SHARED(int, number, 1);
  if (me() == 40) number[0] = 1;
  __syncthreads();
  for (int round = 0; round < 3; ++round) out[me()] = number[0];
  if (me() == 40) number[0] = 2;
}
void all_write_one_place(int*) {
  PAL_SHARED(int, number, 1);
  number[0] = static_cast<int>(me());
}
void no_syncwarp(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  numbers[me()] = 1;
  out[me()] = numbers[lane_neighbour()];
}
void shuffle_for_syncwarp(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  numbers[me()] = __shfl_xor_sync(kFullMask, 1, 1);
  __ballot_sync(kFullMask, 1);
  out[me()] = numbers[lane_neighbour()];
}
void syncwarp_for_barrier(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  numbers[me()] = 1;
  __syncwarp();
  out[me()] = numbers[neighbour()];
}
void counter_read_too_early(int* out) {
  PAL_SHARED(int, counter, 1);
  if (me() == 0) counter[0] = 0;
  __syncthreads();
  atomicAdd(&counter[0], 1);
  out[me()] = counter[0];
}
void counter_set_too_late(int* out) {
  PAL_SHARED(int, counter, 1);
  if (me() == 0) counter[0] = 0;
  out[me()] = atomicAdd(&counter[0], 1);
}
void blocks_write_one_place(int* out) {
  if (me() == 0) out[0] = static_cast<int>(blockIdx.x);
}
void block_reads_anothers(int* out) {
  out[blockIdx.x * kThreads + me()] = 1;
  __syncthreads();
  if (blockIdx.x == 1) out[blockIdx.x * kThreads + me()] += out[me()];
}
void misaligned(int* out) {
  const auto four = load_word<uint4>(out + 2);
  if (four.x != 0) out[me()] = static_cast<int>(four.y);
}
void reads_past_the_end(int* out) { out[me()] = out[2 * kThreads + me()]; }
void reads_past_a_shared_array(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  const int* plain = numbers; /* no index check */
  numbers[me()] = 1;
  __syncthreads();
  out[me()] = plain[me() + 1];
}
void reads_what_nobody_wrote(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  if (me() > 0) numbers[me()] = 1;
  __syncthreads();
  out[me()] = numbers[neighbour()];
}
void reads_unwritten_device_memory(int* out) { out[me()] = out[kThreads + me()]; }

/* Asynchronous copies: `out` is what is copied. */
struct Stage {
  bf16* memory;
  const bf16* from;
  Stage(bf16* shared, int* out) : memory(shared), from(reinterpret_cast<const bf16*>(out)) {}
  void load(int stage) const { copy_async(memory + (stage * 32 + me() % 32) * 8, from + me() % 32 * 8, true); }
  float read(int stage, unsigned thread) const { return to_float(memory[(stage * 32 + thread % 32) * 8]); }
};
#define PAL_STAGES(name)                \
  PAL_SHARED(bf16, stages, 2 * 32 * 8); \
  const Stage name(stages, out)

void copy_read_too_early(int* out) {
  PAL_STAGES(s);
  if (me() >= 32) return;
  s.load(0);
  commit_copies();
  const float early = s.read(0, me());
  wait_copies<0>();
  out[me()] = static_cast<int>(early);
}
void copy_of_another_without_barrier(int* out) {
  PAL_STAGES(s);
  if (me() < 32) s.load(0);
  commit_copies();
  wait_copies<0>();
  const float other = s.read(0, me());
  __syncthreads();
  if (me() >= 32) out[me()] = static_cast<int>(other);
}
void copy_over_what_is_read(int* out) {
  PAL_STAGES(s);
  if (me() < 32) s.load(0);
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  const float other = s.read(0, neighbour());
  if (me() < 32) s.load(0); /* the next one, where others may still read */
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  out[me() + kThreads] = static_cast<int>(other);
}
void waits_for_a_group_too_few(int* out) {
  PAL_STAGES(s);
  if (me() >= 32) return;
  s.load(0);
  commit_copies();
  s.load(1);
  commit_copies();
  wait_copies<1>();
  const float second = s.read(1, me());
  wait_copies<0>();
  out[me() + kThreads] = static_cast<int>(second);
}
void leaves_a_copy_behind(int* out) {
  PAL_STAGES(s);
  if (me() < 32) s.load(0);
  commit_copies();
}

/* ---- and none ------------------------------------------------------------------------------------------------------------- */

void barriers(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  for (int round = 0; round < 3; ++round) {
    numbers[me()] = round;
    __syncthreads();
    out[blockIdx.x * kThreads + me()] = numbers[neighbour()];
    __syncthreads();
  }
}
void syncwarps(int* out) {
  PAL_SHARED(int, numbers, kThreads);
  for (int round = 0; round < 3; ++round) {
    numbers[me()] = round;
    __syncwarp();
    out[blockIdx.x * kThreads + me()] = numbers[lane_neighbour()];
    __syncwarp();
  }
}
void counters(int* out) {
  PAL_SHARED(int, counter, 1);
  if (me() == 0) counter[0] = 0;
  __syncthreads();
  atomicAdd(&counter[0], 1);
  atomicAdd(&out[0], 1); /* of all blocks */
  __syncthreads();
  out[1 + blockIdx.x * kThreads + me()] = counter[0];
}
/* Halves of one word belong to two threads. */
void halves(int* out) {
  auto* numbers = reinterpret_cast<bf16*>(out) + blockIdx.x * kThreads;
  numbers[me()].bits = static_cast<uint16_t>(me());
  __syncthreads();
  numbers[neighbour()].bits = 0;
}
void copies(int* out) {
  PAL_STAGES(s);
  if (me() < 32) s.load(0);
  commit_copies();
  for (int round = 0; round < 3; ++round) {
    wait_copies<0>();
    __syncthreads();
    if (me() < 32) s.load(1 - round % 2);
    commit_copies();
    const float other = s.read(round % 2, neighbour());
    __syncthreads();
    if (other < 0.0f) return;
  }
  wait_copies<0>();
}
void adds_one(int* out) { out[blockIdx.x * kThreads + me()] += 1; }

/* ---- the cases ------------------------------------------------------------------------------------------------------------- */

using Kernel = void (*)(int*);

/* What is told of a kernel, on 2 x 64 threads and an array of a number each that is written but for its second half on demand. */
std::vector<std::string> told_of(Kernel kernel, unsigned blocks, bool half_written) {
  const Array<int> out(std::vector<int>(2 * kThreads, 0));
  if (half_written) cudaMemset(out.get() + kThreads, 0xff, kThreads * sizeof(int));
  detector::take_reports();
  expect(host::launch(dim3(blocks), kThreads, 0, false, [&] { kernel(out.get()); }), "%s", host::launch_error().c_str());
  return detector::take_reports();
}

void expect_told(const char* name, const std::vector<std::string>& reports, const char* fault) {
  const bool told = std::any_of(reports.begin(), reports.end(), [&](const std::string& r) { return r.find(fault) == 0; });
  expect(told, "%s: not told of a '%s'; %zu reports%s%s", name, fault, reports.size(), reports.empty() ? "" : ", the first ",
         reports.empty() ? "" : reports[0].c_str());
}

void planted_faults() {
  const struct {
    const char* name;
    Kernel kernel;
    unsigned blocks;
    const char* fault;
  } faults[] = {
      {"no barrier before the read", no_barrier_before_the_read, 1, "read after write, shared"},
      {"no barrier after the read", no_barrier_after_the_read, 1, "write after read, shared"},
      {"writes what many read", writes_what_many_read, 1, "write after read, shared"},
      {"all write one place", all_write_one_place, 1, "write after write, shared"},
      {"no syncwarp", no_syncwarp, 1, "read after write, shared"},
      {"shuffle for syncwarp", shuffle_for_syncwarp, 1, "read after write, shared"},
      {"syncwarp for barrier", syncwarp_for_barrier, 1, "read after write, shared"},
      {"counter read too early", counter_read_too_early, 1, "atomic and plain access, shared"},
      {"counter set too late", counter_set_too_late, 1, "atomic and plain access, shared"},
      {"blocks write one place", blocks_write_one_place, 2, "write after write, device"},
      {"block reads another's", block_reads_anothers, 2, "read after write, device"},
      {"misaligned", misaligned, 1, "misaligned access, device"},
      {"reads past the end", reads_past_the_end, 1, "access outside an array, device"},
      {"reads past a shared array", reads_past_a_shared_array, 1, "access outside an array, shared"},
      {"reads what nobody wrote", reads_what_nobody_wrote, 1, "read of what nobody wrote, shared"},
      {"reads unwritten device memory", reads_unwritten_device_memory, 1, "read of what nobody wrote, device"},
      {"copy read too early", copy_read_too_early, 1, "access during an asynchronous copy, shared"},
      {"copy of another without barrier", copy_of_another_without_barrier, 1, "read after write, shared"},
      {"copy over what is read", copy_over_what_is_read, 1, "write after read, shared"},
      {"waits for a group too few", waits_for_a_group_too_few, 1, "access during an asynchronous copy, shared"},
      {"leaves a copy behind", leaves_a_copy_behind, 1, "asynchronous copy not waited for"},
  };
  for (const auto& fault : faults) {
    expect_told(fault.name, told_of(fault.kernel, fault.blocks, fault.kernel == reads_unwritten_device_memory), fault.fault);
  }
}

void nothing_planted() {
  const struct {
    const char* name;
    Kernel kernel;
  } kernels[] = {{"barriers", barriers}, {"syncwarps", syncwarps}, {"counters", counters}, {"halves", halves}, {"copies", copies}};
  for (const auto& one : kernels) {
    for (const host::Order order : {host::Order::FORWARD, host::Order::REVERSE, host::Order::SHUFFLED}) {
      host::set_order(order, 3);
      const unsigned blocks = one.kernel == counters ? 1 : 2;
      for (const std::string& report : told_of(one.kernel, blocks, false)) expect(false, "%s: %s", one.name, report.c_str());
    }
    host::set_order(host::Order::FORWARD);
  }
}

/* Memory that is given back, and the host's own hands on the device's. */
void outside_of_kernels() {
  int* gone = nullptr;
  cudaMalloc(&gone, kThreads * sizeof(int));
  cudaMemset(gone, 0, kThreads * sizeof(int));
  cudaFree(gone);
  host::launch(dim3(1), kThreads, 0, false, [=] { adds_one(gone); });
  expect_told("used after it was freed", detector::take_reports(), "access outside an array, device");

  /* Two arrays of a workspace; what fills the first a little too far reaches what belongs to neither. */
  const auto two_of = [](void* memory) {
    Arena arena(memory);
    int* const first = arena.take<int>(kThreads - 1);
    arena.take<int>(kThreads);
    return std::make_pair(first, arena.bytes());
  };
  Array<unsigned char> workspace(static_cast<int64_t>(two_of(nullptr).second));
  for (const size_t threads : {size_t{kThreads}, size_t{kThreads - 1}}) {
    workspace.upload(std::vector<unsigned char>(static_cast<size_t>(workspace.count()), 0));
    int* const first = two_of(workspace.get()).first;
    host::launch(dim3(1), static_cast<unsigned>(threads), 0, false, [=] { adds_one(first); });
    if (threads == kThreads) {
      expect_told("written behind an array of a workspace", detector::take_reports(), "access outside an array, device");
    } else {
      for (const std::string& report : detector::take_reports()) expect(false, "within an array of a workspace: %s", report.c_str());
    }
  }

  const Array<int> array(std::vector<int>(kThreads, 0));
  array.get()[3] = 1;
  expect_told("written by the host", detector::take_reports(), "access by the host, device");
}

/* Two streams, ordered by an event, by the host's waiting, or by nothing. */
void streams() {
  cudaStream_t one = nullptr, other = nullptr;
  cudaEvent_t done = nullptr;
  cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking);
  cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking);
  cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
  const Array<int> array(std::vector<int>(kThreads, 0));
  const auto add = [&](cudaStream_t stream) {
    host::launch(dim3(1), kThreads, 0, false, [memory = array.get()] { adds_one(memory); }, stream);
  };
  const auto silent = [&](const char* when) {
    for (const std::string& report : detector::take_reports()) expect(false, "%s: %s", when, report.c_str());
  };
  add(one);
  add(one);
  silent("one stream");
  cudaEventRecord(done, one);
  cudaStreamWaitEvent(other, done);
  add(other);
  silent("another that waits for an event");
  cudaStreamSynchronize(other);
  add(one);
  silent("the host has waited");
  add(other);
  expect_told("no event", detector::take_reports(), "write after write, device");
  add(nullptr);
  expect_told("the null stream waits for no stream that does not block", detector::take_reports(), "write after write, device");
  int copy[kThreads];
  add(one);
  detector::take_reports();
  cudaMemcpy(copy, array.get(), sizeof(copy), cudaMemcpyDeviceToHost);
  expect_told("copied before the stream was waited for", detector::take_reports(), "read after write, device");
  cudaDeviceSynchronize();
  cudaMemcpy(copy, array.get(), sizeof(copy), cudaMemcpyDeviceToHost);
  silent("copied after");
  expect(copy[5] == 7, "%d additions", copy[5]);

  /* A graph of both streams; replayed twice. */
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t replay = nullptr;
  cudaStreamBeginCapture(one, cudaStreamCaptureModeThreadLocal);
  add(one);
  cudaEventRecord(done, one);
  cudaStreamWaitEvent(other, done);
  add(other);
  cudaEventRecord(done, other);
  expect(cudaStreamEndCapture(one, &graph) == cudaErrorStreamCaptureUnjoined, "a stream that nobody waits for");
  for (const bool joined : {false, true}) {
    cudaStreamBeginCapture(one, cudaStreamCaptureModeThreadLocal);
    cudaEventRecord(done, one);
    cudaStreamWaitEvent(other, done);
    add(other);
    if (!joined) add(one);
    cudaEventRecord(done, other);
    cudaStreamWaitEvent(one, done);
    if (joined) add(one);
    expect(cudaStreamEndCapture(one, &graph) == cudaSuccess, "capture");
    silent("nothing runs while it is captured");
    cudaGraphInstantiate(&replay, graph, 0);
    expect(cudaGraphLaunch(replay, one) == cudaSuccess && cudaGraphLaunch(replay, one) == cudaSuccess, "replays");
    if (joined) {
      silent("a graph");
    } else {
      expect_told("branches of a graph", detector::take_reports(), "write after write, device");
    }
    cudaGraphExecDestroy(replay);
    cudaGraphDestroy(graph);
  }
  cudaStreamBeginCapture(one, cudaStreamCaptureModeThreadLocal);
  expect(cudaMemcpy(copy, array.get(), sizeof(copy), cudaMemcpyDeviceToHost) != cudaSuccess, "a copy that waits, within a capture");
  expect(cudaStreamEndCapture(one, &graph) != cudaSuccess, "which breaks it");
  cudaStreamDestroy(one);
  cudaStreamDestroy(other);
  cudaEventDestroy(done);
  cudaMemcpy(copy, array.get(), sizeof(copy), cudaMemcpyDeviceToHost);
  expect(copy[5] == 7 + 2 * 2 * 2, "%d additions with the graphs", copy[5]);
}

/* ---- the library's kernels without one of their barriers ------------------------------------------------------------------------- */

/* A call of the library that goes through many barriers. */
struct Scene {
  const char* name;
  std::function<void()> play;
};

Scene encode_scene(const char* name, const char* variant, const char* product, int64_t latents, int64_t k, bool bf16, bool ties) {
  return {name, [=] {
            Random random(5);
            const int64_t d = 40; /* more columns than the tiled product takes at a time */
            TestCoder coder({d, latents, false, false, bf16}, random);
            if (ties) coder.encoder.assign(coder.encoder.size(), 1.0f);
            if (ties) coder.encoder_bias.assign(coder.encoder_bias.size(), 2.0f);
            coder.upload();
            const int64_t rows = 2;
            const Array<float> x(ties ? std::vector<float>(rows * d, 1.0f) : normal_floats(random, rows * d)), values(rows * k);
            const Array<int32_t> indices(rows * k);
            PAL_OK_OR_FAULT(pal_cuda_set_encode(variant));
            PAL_OK_OR_FAULT(pal_cuda_set_product(product));
            const Workspace space(static_cast<int64_t>(pal_encode_workspace_bytes(d, latents, rows, k, PAL_TOPK)));
            PAL_OK_OR_FAULT(pal_encode(&coder.coder, x.get(), rows, k, PAL_TOPK, values.get(), indices.get(), space.get(),
                                       space.bytes(), nullptr));
            PAL_OK_OR_FAULT(pal_cuda_set_encode(""));
            PAL_OK_OR_FAULT(pal_cuda_set_product(""));
          }};
}

Scene training_scene(bool bf16) {
  return {bf16 ? "training, bf16" : "training, float", [=] {
            Random random(6);
            const TrainingShape s{40, 300, 150, 130, true, true, true}; /* more slots than the decoder takes at a time */
            const TestCoder coder({s.width, s.latents, s.skip, s.centre, bf16}, random);
            const TestBatch batch(s, random);
            const Array<float> y(normal_floats(random, s.rows * s.width)), grad(s.rows * s.width);
            const Array<double> sums(2);
            GradientArrays first(coder.shape), second(coder.shape);
            first.fill(coder.shape, random, 0.01, true);
            second.fill(coder.shape, random, 0.01, true);
            const pal_optimizer_state state{first.view(coder.shape), second.view(coder.shape)};
            const pal_hyper hyper{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
            const Workspace loss(static_cast<int64_t>(pal_cuda_decode_loss_workspace_bytes(s.width, s.latents, s.rows, s.k)));
            const Workspace step(static_cast<int64_t>(pal_step_workspace_bytes(s.width, s.latents, s.rows, s.k)));
            PAL_OK_OR_FAULT(pal_cuda_decode_loss(&coder.coder, batch.x.get(), y.get(), s.rows, s.k, batch.values.get(),
                                                 batch.indices.get(), grad.get(), sums.get(), loss.get(), loss.bytes(), nullptr));
            PAL_OK_OR_FAULT(pal_step(&coder.coder, &state, batch.x.get(), grad.get(), s.rows, s.k, batch.values.get(),
                                     batch.indices.get(), &hyper, 1, 1, step.get(), step.bytes(), nullptr));
          }};
}

void two_sums(int* out) {
  unsigned total = 0;
  const unsigned first = block_exclusive_sum(1u, &total);
  out[me()] = static_cast<int>(first + block_exclusive_sum(2u, &total));
}
Scene sum_scene() {
  return {"two sums of a block", [] {
            const Array<int> out(kThreads);
            host::launch(dim3(1), kThreads, 0, false, [&] { two_sums(out.get()); });
          }};
}

bool in_sources(const host::Site& site) { return std::strstr(site.file, "/src/") != nullptr; }

void missing_barriers() {
  const Scene scenes[] = {
      encode_scene("top-k", "e0", "", 2100, 20, true, false),
      encode_scene("top-k, floats, read twice", "e0", "tiled", 5000, 20, false, false),
      encode_scene("top-k by exact search", "e0", "", 2100, 20, true, true),
      encode_scene("fused top-k", "e2", "mma", 700, 70, true, false),
      encode_scene("fused top-k of ties", "e2", "mma", 700, 20, true, true),
      training_scene(false),
      training_scene(true),
      sum_scene(),
  };
  host::set_order(host::Order::REVERSE); /* so that what is found last comes first, and sorting has something to do */
  struct Found {
    host::Site site;
    bool told;
  };
  std::vector<Found> barriers;
  detector::take_reports();
  for (const Scene& scene : scenes) {
    detector::watch_sites(true);
    scene.play();
    detector::watch_sites(false);
    for (const std::string& report : detector::take_reports()) expect(false, "%s: %s", scene.name, report.c_str());
    for (const host::Site& site : detector::watched_sites()) {
      if (!in_sources(site)) continue;
      const auto known = std::find_if(barriers.begin(), barriers.end(), [&](const Found& one) {
        return one.site.line == site.line && std::strcmp(one.site.file, site.file) == 0;
      });
      Found* found = known == barriers.end() ? &barriers.emplace_back(Found{site, false}) : &*known;
      if (found->told) continue;
      detector::plant_missing_barrier(site);
      scene.play();
      detector::plant_missing_barrier({nullptr, 0});
      found->told = detector::count_reports() > 0;
    }
  }
  host::set_order(host::Order::FORWARD);
  expect(barriers.size() >= 25, "%zu barriers tried", barriers.size());
  for (const Found& one : barriers) {
    expect(one.told, "not told of anything without the barrier at %s:%d", std::strrchr(one.site.file, '/') + 1, one.site.line);
  }
}

}  // namespace

std::vector<Case> detector_cases() {
  return {{"detector planted faults", planted_faults},
          {"detector nothing planted", nothing_planted},
          {"detector outside of kernels", outside_of_kernels},
          {"detector streams", streams},
          {"detector missing barriers", missing_barriers}};
}

}  // namespace pal::test

#endif
