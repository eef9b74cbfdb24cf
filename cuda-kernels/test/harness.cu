/* harness.cu - see harness.h. */
#include "harness.h"

#include <cmath>
#include <cstdarg>

namespace pal::test {

Tally& tally() {
  static Tally instance;
  return instance;
}

void expect(bool good, const char* format, ...) {
  ++tally().checks;
  if (good) return;
  ++tally().faults;
  std::fprintf(stderr, "FAULT %s: ", tally().where.c_str());
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "\n");
  if (tally().faults >= kMostFaults) {
    std::fprintf(stderr, "stopped after %d faults\n", kMostFaults);
    std::exit(1);
  }
}

void expect_ok(pal_status status, const char* call) { expect(status == PAL_OK, "%s: %s", call, pal_last_error()); }

void expect_close(double found, double wanted, double relative, double absolute, const char* what, long at) {
  const bool both_nan = std::isnan(found) && std::isnan(wanted);
  const bool good = both_nan || found == wanted || std::fabs(found - wanted) <= relative * std::fabs(wanted) + absolute;
  expect(good, "%s[%ld]: found %.9g, expected %.9g", what, at, found, wanted);
}

bool memory_is_untouched() {
  static const bool untouched = std::getenv("PALIMPSEST_UNTOUCHED") != nullptr;
  return untouched;
}

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(6.283185307179586 * uniform());
}

std::vector<float> normal_floats(Random& random, int64_t count, double scale) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(scale * random.normal());
  return values;
}

std::vector<float> integer_floats(Random& random, int64_t count, int low, int high) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random.integer(low, high));
  return values;
}

void expect_repeatable(const char* what, const std::function<std::vector<unsigned char>()>& run) {
#if defined(__CUDACC__)
  const auto first = run();
  for (int repeat = 0; repeat < 2; ++repeat) expect(run() == first, "%s: not the same bits when run again", what);
#else
  host::set_order(host::Order::FORWARD);
  const auto first = run();
  host::set_order(host::Order::REVERSE);
  expect(run() == first, "%s: other bits when the threads run in reverse order", what);
  host::set_order(host::Order::SHUFFLED, 7);
  expect(run() == first, "%s: other bits when the threads run in shuffled order", what);
  host::set_order(host::Order::FORWARD);
#endif
}

}  // namespace pal::test
