// Argument checks of the exported functions: one message style, before any work is done.
#ifndef PALIMPSEST_CHECKS_HPP
#define PALIMPSEST_CHECKS_HPP

#include <initializer_list>

#include "runtime.hpp"

#define PAL_TRY(expression)                                \
  do {                                                     \
    const pal_status pal_try_status = (expression);        \
    if (pal_try_status != PAL_OK) return pal_try_status;   \
  } while (0)

namespace palimpsest {

struct Named {
  const char* name;
  const void* pointer;
};

pal_status check_range(const char* function, const char* name, int64_t value, int64_t low, int64_t high);
pal_status check_pointers(const char* function, std::initializer_list<Named> pointers);
pal_status check_workspace(const char* function, const void* workspace, size_t given, size_t needed);
pal_status check_indices(const char* function, const int32_t* indices, int64_t rows, int64_t k, int64_t latents);
pal_status check_coder(const char* function, const pal_coder* coder);
pal_status check_gradients(const char* function, const char* what, const pal_gradients& gradients, bool skip);
pal_status check_hyper(const char* function, const pal_hyper* hyper);

constexpr int64_t kMaxLatents = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxRows = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxWidth = int64_t{1} << 20;

// What the *_workspace_bytes functions accept; anything else needs 0 bytes and is refused by the function itself.
constexpr bool valid_shape(int64_t width, int64_t latents, int64_t rows, int64_t k) {
  return width >= 1 && width <= kMaxWidth && latents >= 1 && latents <= kMaxLatents && rows >= 0 &&
         rows <= kMaxRows && k >= 1 && k <= latents;
}

// A workspace is sized for the threads of that time; where it turns out too small, fewer threads do the work.
template <class Bytes>
int threads_for(size_t given, const Bytes& bytes) {
  int count = threads();
  while (count > 1 && bytes(count) > given) --count;
  return count;
}

} // namespace palimpsest

#endif
