/*
 * kernels_test.cu - what is asked of every call of the library (scenes.h): an array that is not aligned to 16 bytes is taken as any
 * other, and every kernel runs. The two cases "kernels of ..." are small enough for compute-sanitizer; that together they launch every
 * kernel there is, check.sh looks up.
 */
#include "mma.cuh"
#include "palimpsest_cuda.h"
#include "scenes.h"
#include "training.h"

namespace pal::test {
namespace {

constexpr unsigned kThreads = 64;

/* Each thread copies 16 bytes; when they have arrived for all, it reads its neighbour's. */
__global__ void copies_and_reads(const bf16* from, float* to) {
  PAL_DYNAMIC_SHARED(bf16, shared);
  bf16* const all = &shared[0];
  copy_async(all + threadIdx.x * 8, from + threadIdx.x * 8, true);
  commit_copies();
  wait_copies<0>();
  __syncthreads();
  const unsigned neighbour = (threadIdx.x + 1) % kThreads;
  for (unsigned i = 0; i < 8; ++i) to[neighbour * 8 + i] = to_float(all[neighbour * 8 + i]);
}

/* Right as it is: what a tool tells of it, it tells of tile.cuh for no reason. */
void asynchronous_copies() {
  std::vector<float> numbers;
  for (unsigned i = 0; i < 8 * kThreads; ++i) numbers.push_back(static_cast<float>(i % 256));
  const Array<bf16> from(as_bf16(numbers));
  const Array<float> to(static_cast<int64_t>(numbers.size()));
  PAL_OK_OR_FAULT(launch("copies_and_reads", &copies_and_reads, dim3(1), kThreads, kThreads * 16, nullptr, from.get(), to.get()));
  expect(to.download() == numbers, "copied something else");
}

/* All arrays of a scene that is played now, by name. */
std::map<std::string, std::vector<double>> play(const Scene& scene, const std::function<bool(const std::string&)>& displaced) {
  Arrays arrays(displaced);
  scene.play(arrays);
  std::map<std::string, std::vector<double>> contents;
  for (const std::string& name : arrays.names()) contents[name] = arrays.content(name);
  return contents;
}

bool none(const std::string&) { return false; }
bool all(const std::string&) { return true; }

/* Sums of rows that are not read in vectors are taken in another order. */
void expect_alike(const Scene& scene, const std::string& displaced, const std::map<std::string, std::vector<double>>& found,
                  const std::map<std::string, std::vector<double>>& wanted) {
  for (const auto& array : wanted) {
    const std::string& name = array.first;
    const std::vector<double>&numbers = array.second, &others = found.at(name);
    double size = 0.0;
    for (const double number : numbers) size = std::fmax(size, std::fabs(number));
    size_t at = 0;
    const auto alike = [&](size_t i) {
      return std::fabs(others[i] - numbers[i]) <= scene.tolerance * size || (std::isnan(others[i]) && std::isnan(numbers[i]));
    };
    while (at < numbers.size() && alike(at)) ++at;
    expect(at == numbers.size(), "%s, %s one element further on: %s[%zu] is %.9g, else %.9g", scene.name.c_str(), displaced.c_str(),
           name.c_str(), at, at < numbers.size() ? others[at] : 0.0, at < numbers.size() ? numbers[at] : 0.0);
  }
}

void kernels_of(const std::vector<Scene>& scenes) {
  for (const Scene& scene : scenes) expect_alike(scene, "all", play(scene, all), play(scene, none));
}
void kernels_of_tiles() { kernels_of(tile_scenes()); }
void kernels_of_the_others() {
  kernels_of(other_scenes());
  kernels_of(larger_scenes());
}

/*
 * One array at a time begins four bytes (two, eight) behind a multiple of 256. What reads or writes it as a vector all the same is told
 * of by the detector, and ends the kernel on a device.
 */
void displaced(const std::vector<Scene>& scenes) {
  for (const Scene& scene : scenes) {
    const auto wanted = play(scene, none);
    for (const auto& array : wanted) {
      const std::string& name = array.first;
      expect_alike(scene, name, play(scene, [&](const std::string& one) { return one == name; }), wanted);
#if !defined(__CUDACC__)
      for (const std::string& report : host::detector::take_reports()) {
        expect(false, "%s, %s one element further on: %s", scene.name.c_str(), name.c_str(), report.c_str());
      }
#endif
    }
  }
}
void displaced_tiles() { displaced(tile_scenes()); }
void displaced_others() { displaced(other_scenes()); }

/* Scratch memory and operands are for the caller to align, to 256 bytes: refused where they are not. */
void refused() {
  Random random(151);
  const TrainingShape s{6, 16, 24, 4, true, true, false};
  TestCoder coder({s.width, s.latents, s.skip, s.centre, true}, random);
  const TestBatch batch(s, random);
  const Array<float> y(s.rows * s.width), out(s.rows * s.width), values(s.rows * s.k);
  const Array<int32_t> indices(s.rows * s.k);
  const Array<double> sums(2);
  const GradientArrays first(coder.shape), second(coder.shape);
  const pal_gradients gradients = first.view(coder.shape);
  const pal_optimizer_state state{first.view(coder.shape), second.view(coder.shape)};
  const pal_hyper hyper{PAL_ADAM, 1e-3f, 0.9f, 0.999f, 1e-8f, 1};
  const Workspace space(int64_t{1} << 20), constants(static_cast<int64_t>(pal_cuda_hyper_bytes()));
  void* const memory = space.get() + 128;
  const size_t bytes = static_cast<size_t>(space.bytes()) - 128;
  const pal_coder& c = coder.coder;
  const float *x = batch.x.get(), *grad = batch.grad.get(), *z = batch.values.get();
  const int32_t* of = batch.indices.get();
  const struct {
    const char* call;
    pal_status status;
  } calls[] = {
      {"pal_encode", pal_encode(&c, x, s.rows, s.k, PAL_TOPK, values.get(), indices.get(), memory, bytes, nullptr)},
      {"pal_decode", pal_decode(&c, x, s.rows, s.k, z, of, out.get(), memory, bytes, nullptr)},
      {"pal_cuda_decode_loss",
       pal_cuda_decode_loss(&c, x, y.get(), s.rows, s.k, z, of, out.get(), sums.get(), memory, bytes, nullptr)},
      {"pal_fvu", pal_fvu(x, y.get(), s.rows, s.width, out.get(), sums.get(), memory, bytes, nullptr)},
      {"pal_backward", pal_backward(&c, x, grad, s.rows, s.k, z, of, &gradients, 0, memory, bytes, nullptr)},
      {"pal_step", pal_step(&c, &state, x, grad, s.rows, s.k, z, of, &hyper, 1, 1, memory, bytes, nullptr)},
      {"pal_cuda_step",
       pal_cuda_step(&c, &state, x, grad, s.rows, s.k, z, of, constants.get(), PAL_ADAM, 1, 1, memory, bytes, nullptr)}};
  for (const auto& [call, status] : calls) {
    expect(status == PAL_INVALID_ARGUMENT, "%s takes scratch memory 128 bytes behind a multiple of 256", call);
  }
  pal_coder displaced = c;
  displaced.operands = static_cast<unsigned char*>(c.operands) + 128;
  expect(pal_refresh_operands(&displaced, nullptr) == PAL_INVALID_ARGUMENT, "operands 128 bytes behind a multiple of 256");
  expect(std::strstr(pal_last_error(), "not aligned to 256 bytes") != nullptr, "message '%s'", pal_last_error());
}

}  // namespace

std::vector<Case> kernels_cases() {
  return {{"asynchronous copies", asynchronous_copies},
          {"kernels of tiles", kernels_of_tiles},
          {"kernels of all else", kernels_of_the_others},
          {"unaligned arrays of tiles", displaced_tiles},
          {"unaligned arrays", displaced_others},
          {"unaligned scratch memory", refused}};
}

}  // namespace pal::test
