// A test program in miniature: CHECK counts faults and prints the first ten, verdict() is main's result.
#ifndef PALIMPSEST_CHECK_HPP
#define PALIMPSEST_CHECK_HPP

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace test {

inline int faults = 0;
inline std::string context;

inline void fault(const char* file, int line, const std::string& what) {
  if (++faults <= 10) std::fprintf(stderr, "%s:%d: [%s] %s\n", file, line, context.c_str(), what.c_str());
}

inline int verdict(const char* subject) {
  if (faults == 0) return 0;
  std::fprintf(stderr, "%s: %d faults\n", subject, faults);
  return 1;
}

// Equal infinities agree.
inline bool near(double a, double b, double tolerance) { return a == b || std::fabs(a - b) <= tolerance; }

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

} // namespace test

#define CHECK(condition)                                                  \
  do {                                                                    \
    if (!(condition)) test::fault(__FILE__, __LINE__, #condition);        \
  } while (0)

#define CHECK_NEAR(a, b, tolerance)                                                                             \
  do {                                                                                                          \
    const double check_a = (a), check_b = (b);                                                                  \
    if (!test::near(check_a, check_b, tolerance))                                                               \
      test::fault(__FILE__, __LINE__,                                                                           \
                  std::string(#a " = ") + std::to_string(check_a) + ", " #b " = " + std::to_string(check_b));   \
  } while (0)

#define CHECK_OK(call)                                                                                 \
  do {                                                                                                 \
    if ((call) != PAL_OK) test::fault(__FILE__, __LINE__, std::string(#call ": ") + pal_last_error()); \
  } while (0)

#endif
