// The slow, obviously right version of everything, in double precision; and the data that the tests run on.
#ifndef PALIMPSEST_REFERENCE_HPP
#define PALIMPSEST_REFERENCE_HPP

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "palimpsest.h"

namespace reference {

using Floats = std::vector<float>;
using Ints = std::vector<int32_t>;
using Doubles = std::vector<double>;

// A coder that owns its arrays.
struct Coder {
  int64_t width, latents;
  Floats encoder, encoder_bias, decoder, decoder_bias, skip;
  bool subtract;

  pal_coder view();
};

struct Batch {
  int64_t rows, k;
  Floats x, values;
  Ints indices;
};

// Scratch memory of exactly the size asked for (a sanitizer sees overruns), aligned, filled with rubbish.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* get() const { return memory_; }
  size_t bytes() const { return bytes_; }

 private:
  void* memory_;
  size_t bytes_;
};

// Heavy-tailed rows around a few centres, with some coordinates much larger than the rest.
Floats heavy_tailed(std::mt19937_64& random, int64_t rows, int64_t width);
// Encoder rows of uneven norm.
Coder random_coder(std::mt19937_64& random, int64_t width, int64_t latents, bool skip, bool subtract);

// a = relu(W_enc (x - c) + b_enc) [rows, latents].
Doubles activations(const Coder& coder, const Floats& x, int64_t rows);

// The same in single precision, in the order that palimpsest.h promises of the CPU; NaN counts as 0. The selection over
// these is what pal_encode must return bit by bit.
Floats promised_activations(const Coder& coder, const Floats& x, int64_t rows);
void select(const Floats& activations, int64_t rows, int64_t latents, int64_t k, bool groups, Floats& values,
            Ints& indices);

Doubles decode(const Coder& coder, const Batch& batch);

struct Gradients {
  Doubles encoder, encoder_bias, decoder, decoder_bias, skip;
};
Gradients backward(const Coder& coder, const Batch& batch, const Floats& grad);

// Runs `body` for every instruction set that this machine has, with 1 to 5 threads.
void for_every_way(const std::function<void()>& body);
// The same with one number of threads.
void for_every_instruction_set(int threads, const std::function<void()>& body);

Floats encode_values(Coder& coder, const Floats& x, int64_t rows, int64_t k, pal_activation activation, Ints& indices);

} // namespace reference

#endif
