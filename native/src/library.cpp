#include "palimpsest.h"

int32_t pal_abi_version(void) { return PAL_ABI_VERSION; }
const char* pal_last_error(void) { return ""; }
const char* pal_describe(void) { return "cpu"; }
