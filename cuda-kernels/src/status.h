/* status.h - status codes with a message for the calling thread; no exception leaves the library. */
#pragma once

#include "palimpsest.h"

namespace pal {

/* Keeps the message for pal_last_error() and returns `status`. */
__attribute__((format(printf, 2, 3))) pal_status fail(pal_status status, const char* format, ...);

}  // namespace pal

#define PAL_REQUIRE(condition, ...)                                                      \
  do {                                                                                   \
    if (!(condition)) return ::pal::fail(PAL_INVALID_ARGUMENT, __VA_ARGS__);             \
  } while (false)

#define PAL_TRY(expression)                                        \
  do {                                                             \
    const pal_status pal_try_status = (expression);                \
    if (pal_try_status != PAL_OK) return pal_try_status;           \
  } while (false)
