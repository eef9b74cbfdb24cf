/* site.h - a place in the source. */
#pragma once

namespace pal::host {

struct Site {
  const char* file;
  int line;
};

}  // namespace pal::host
