/* inputs.cu - see inputs.h. */
#include "inputs.h"

#include <fstream>

#include "arena.h"

namespace pal::bench {
namespace {

constexpr int kThreads = 256;
constexpr int kFeatures = 16; /* in a row of activations */

__device__ __forceinline__ unsigned long long mix(unsigned long long z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}
__device__ __forceinline__ float uniform(unsigned long long key) { return static_cast<float>(mix(key) >> 40) * 0x1p-24f; }
/* Four uniforms: near enough to a normal number of variance 1. */
__device__ __forceinline__ float normal(unsigned long long key) {
  float sum = -2.0f;
  for (unsigned i = 0; i < 4; ++i) sum += uniform(key * 4 + i + 0x9e3779b97f4a7c15ull);
  return sum * 1.7320508f;
}

__global__ void __launch_bounds__(kThreads) fill_normal(float* to, int64_t n, unsigned long long seed, float scale) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < n) to[at] = scale * normal(seed + static_cast<unsigned long long>(at));
}

/* The latent of the rank-th most frequent feature; each has its own, since the factor is a prime above 2^31 > latents. */
__device__ __forceinline__ int64_t scattered(int64_t rank, int64_t latents) {
  return static_cast<int64_t>(static_cast<unsigned long long>(rank) * 2654435761ull % static_cast<unsigned long long>(latents));
}

/* Row r: kFeatures encoder rows, a few of them far more often than the others, plus noise. */
__global__ void __launch_bounds__(kThreads)
    fill_activations(float* to, int64_t rows, int64_t width, const float* encoder, int64_t latents, unsigned long long seed) {
  const int64_t at = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= rows * width) return;
  const int64_t r = at / width, c = at % width;
  float sum = 0.3f * normal(seed * 31 + static_cast<unsigned long long>(at));
  for (int f = 0; f < kFeatures; ++f) {
    const unsigned long long key = seed * 7919 + static_cast<unsigned long long>(r * kFeatures + f);
    const float u = uniform(key);
    const float rank = powf(static_cast<float>(latents), u) - 1.0f; /* density 1 / rank */
    const int64_t latent = scattered(static_cast<int64_t>(rank) < latents ? static_cast<int64_t>(rank) : latents - 1, latents);
    sum += (0.5f + uniform(key ^ 0x5555)) * encoder[latent * width + c];
  }
  to[at] = sum;
}

unsigned blocks(int64_t n) { return static_cast<unsigned>(ceil_divide<int64_t>(n, kThreads)); }

void normal_into(const Buffer<float>& to, unsigned long long seed, float scale, cudaStream_t stream) {
  MUST(launch("fill_normal", &fill_normal, dim3(blocks(to.count())), kThreads, 0, stream, to.get(), to.count(), seed << 40, scale));
}

Shape read_header(const std::string& path, std::ifstream& in) {
  char magic[8];
  int64_t sizes[4];
  in.open(path, std::ios::binary);
  if (!in.read(magic, 8) || std::string(magic, 8) != "PALRAW1\n" || !in.read(reinterpret_cast<char*>(sizes), sizeof(sizes))) {
    std::fprintf(stderr, "bench: %s is no PALRAW1 file\n", path.c_str());
    std::exit(2);
  }
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

std::vector<float> read_floats(std::ifstream& in, int64_t count, const std::string& path) {
  std::vector<float> content(static_cast<size_t>(count));
  if (!in.read(reinterpret_cast<char*>(content.data()), count * 4)) {
    std::fprintf(stderr, "bench: %s ends too early\n", path.c_str());
    std::exit(2);
  }
  return content;
}

void upload(const Buffer<float>& to, const std::vector<float>& from) {
  MUST(cudaMemcpy(to.get(), from.data(), from.size() * 4, cudaMemcpyHostToDevice));
}

/* Rows first, first + 1, ... of `from`, over and over. */
std::vector<float> repeated(const std::vector<float>& from, int64_t width, int64_t rows, int64_t first) {
  std::vector<float> to;
  to.reserve(static_cast<size_t>(rows * width));
  const int64_t have = static_cast<int64_t>(from.size()) / width;
  for (int64_t r = 0; r < rows; ++r) {
    const auto at = from.begin() + (first + r) % have * width;
    to.insert(to.end(), at, at + width);
  }
  return to;
}

}  // namespace

std::string Shape::text() const {
  return "B " + std::to_string(rows) + " d " + std::to_string(width) + " M " + std::to_string(latents) + " k " + std::to_string(k);
}

Gradients::Gradients(const Shape& s, cudaStream_t stream)
    : encoder(s.latents * s.width), encoder_bias(s.latents), decoder(s.latents * s.width), decoder_bias(s.width) {
  for (const auto* array : {&encoder, &encoder_bias, &decoder, &decoder_bias}) {
    MUST(cudaMemsetAsync(array->get(), 0, array->bytes(), stream));
  }
}

Inputs::Inputs(const Shape& s, int)
    : shape(s), encoder(s.latents * s.width), encoder_bias(s.latents), decoder(s.latents * s.width), decoder_bias(s.width),
      operands(static_cast<int64_t>(pal_operands_bytes(s.width, s.latents))) {
  for (int i = 0; i < kSets; ++i) {
    x.push_back(std::make_unique<Buffer<float>>(s.rows * s.width));
    y.push_back(std::make_unique<Buffer<float>>(s.rows * s.width));
  }
}

void Inputs::finish(cudaStream_t stream) {
  MUST(cudaDeviceSynchronize()); /* uploads may still be under way, and our stream waits for no other */
  coder = {shape.width,   shape.latents,      encoder.get(), encoder_bias.get(), decoder.get(),
           decoder_bias.get(), nullptr, 0,             operands.get()};
  MUST(pal_refresh_operands(&coder, stream));
  MUST(cudaStreamSynchronize(stream));
}

Inputs::Inputs(const Shape& s, cudaStream_t stream) : Inputs(s, 0) {
  const float scale = 1.0f / sqrtf(static_cast<float>(s.width));
  normal_into(encoder, 1, scale, stream);
  normal_into(encoder_bias, 2, 0.05f, stream);
  normal_into(decoder, 3, scale, stream);
  normal_into(decoder_bias, 4, 0.05f, stream);
  for (int i = 0; i < kSets; ++i) {
    for (const auto* array : {x[static_cast<size_t>(i)].get(), y[static_cast<size_t>(i)].get()}) {
      MUST(launch("fill_activations", &fill_activations, dim3(blocks(array->count())), kThreads, 0, stream, array->get(), s.rows,
                  s.width, array == y[static_cast<size_t>(i)].get() ? decoder.get() : encoder.get(), s.latents,
                  static_cast<unsigned long long>(i + 11)));
    }
  }
  finish(stream);
}

Inputs::Inputs(const std::string& path, int64_t rows, cudaStream_t stream)
    : Inputs(
          [&] {
            std::ifstream in;
            const Shape s = read_header(path, in);
            return Shape{rows, s.width, s.latents, s.k};
          }(),
          0) {
  std::ifstream in;
  const Shape s = read_header(path, in);
  const auto file_x = read_floats(in, s.rows * s.width, path), file_y = read_floats(in, s.rows * s.width, path);
  for (int i = 0; i < kSets; ++i) {
    upload(*x[static_cast<size_t>(i)], repeated(file_x, s.width, rows, i * 97));
    upload(*y[static_cast<size_t>(i)], repeated(file_y, s.width, rows, i * 97));
  }
  upload(encoder, read_floats(in, s.latents * s.width, path));
  upload(encoder_bias, read_floats(in, s.latents, path));
  upload(decoder, read_floats(in, s.latents * s.width, path));
  upload(decoder_bias, read_floats(in, s.width, path));
  finish(stream);
}

}  // namespace pal::bench
