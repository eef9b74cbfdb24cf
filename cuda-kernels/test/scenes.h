/*
 * scenes.h - every call of the library that queues kernels, each on a few small arrays of its own: for tests that ask the same of
 * all of them (kernels_test.cu). Together they go through every kernel of the library.
 */
#pragma once

#include <cmath>
#include <map>
#include <memory>

#include "reference.h"

namespace pal::test {

/* The arrays of a scene, by name. Those that are asked for begin one element behind a multiple of 256 bytes, the others on one. */
class Arrays {
 public:
  explicit Arrays(std::function<bool(const std::string&)> displaced) : displaced_(std::move(displaced)) {}

  template <class T>
  T* make(const std::string& name, const std::vector<T>& content) {
    T* const first = room<T>(name, static_cast<int64_t>(content.size()));
    cudaMemcpy(first, content.data(), content.size() * sizeof(T), cudaMemcpyHostToDevice);
    return first;
  }
  /* What a call writes and never reads. */
  template <class T>
  T* room(const std::string& name, int64_t count) {
    const int64_t skipped = displaced_(name) ? 1 : 0;
    const auto array = std::make_shared<Array<T>>(skipped + count);
    T* const first = array->get() + skipped;
    names_.push_back(name);
    readers_[name] = [array, first, count] {
      if (first != array->get() && !memory_is_untouched()) {
        unsigned char before[sizeof(T)];
        cudaMemcpy(before, array->get(), sizeof(T), cudaMemcpyDeviceToHost);
        for (const unsigned char byte : before) expect(byte == 0xff, "wrote before an array");
      }
      std::vector<T> found(static_cast<size_t>(count));
      const cudaError_t error = cudaMemcpy(found.data(), first, found.size() * sizeof(T), cudaMemcpyDeviceToHost);
      expect(error == cudaSuccess, "cudaMemcpy: %s", cudaGetErrorString(error));
      return numbers(found);
    };
    return first;
  }
  /* Scratch memory: always aligned, and not looked at afterwards. */
  void* space(size_t bytes) {
    spaces_.push_back(std::make_unique<Workspace>(static_cast<int64_t>(bytes)));
    return spaces_.back()->get();
  }

  const std::vector<std::string>& names() const { return names_; }
  std::vector<double> content(const std::string& name) const { return readers_.at(name)(); }

 private:
  template <class T>
  static std::vector<double> numbers(const std::vector<T>& content) {
    std::vector<double> all;
    for (const T one : content) all.push_back(number(one));
    return all;
  }
  template <class T>
  static double number(T value) {
    return static_cast<double>(value);
  }
  static double number(bf16 value) { return as_float(value); }

  std::function<bool(const std::string&)> displaced_;
  std::vector<std::string> names_;
  std::map<std::string, std::function<std::vector<double>()>> readers_;
  std::vector<std::unique_ptr<Workspace>> spaces_;
};

struct Scene {
  std::string name;
  std::function<void(Arrays&)> play; /* makes its arrays, the same at every call, and queues */
  double tolerance = 2e-5; /* of an array's largest number, between ways of the same sums */
};

/*
 * Those of products on the matrix unit fed by asynchronous copies (tile.cuh), and the others; of these apart, what needs longer rows or
 * more of them than the smallest.
 */
std::vector<Scene> tile_scenes();
std::vector<Scene> other_scenes();
std::vector<Scene> larger_scenes();

}  // namespace pal::test
