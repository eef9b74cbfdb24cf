// Random encode problems of the kinds that break bounds: heavy tails, equal rows, zeros, numbers from the smallest
// subnormal to the largest float, infinities and NaN, k from 1 to M, odd widths. One seed, one problem.
#ifndef PALIMPSEST_ADVERSARY_HPP
#define PALIMPSEST_ADVERSARY_HPP

#include "reference.hpp"

namespace reference {

struct EncodeProblem {
  Coder coder;
  Floats x; // [rows, width]
  int64_t rows, k;
  pal_activation activation;
};

EncodeProblem adversarial_problem(uint64_t seed);

} // namespace reference

#endif
