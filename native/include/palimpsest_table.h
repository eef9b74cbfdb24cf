/*
 * palimpsest_table.h - the functions of palimpsest.h as a table of pointers: those of the library that the caller is linked
 * with, or of one that is opened at run time. So one process can use the CPU library it is linked with and the CUDA library
 * where there is one, through the same calls; neither hides the other's functions, which have the same names.
 */
#ifndef PALIMPSEST_TABLE_H
#define PALIMPSEST_TABLE_H

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "palimpsest.h"

/* Every function of palimpsest.h, without its prefix. */
#define PAL_FUNCTIONS(F)                                                                                     \
  F(abi_version) F(last_error) F(describe) F(set_threads) F(threads) F(set_instruction_set)                 \
  F(operands_bytes) F(refresh_operands)                                                                      \
  F(encode_workspace_bytes) F(encode) F(decode_workspace_bytes) F(decode) F(fvu_workspace_bytes) F(fvu)      \
  F(count_firings) F(backward_workspace_bytes) F(backward) F(remove_parallel) F(normalize_rows) F(update)    \
  F(step_workspace_bytes) F(step)

typedef struct pal_table {
#define PAL_MEMBER(name) __typeof__(&pal_##name) name;
  PAL_FUNCTIONS(PAL_MEMBER)
#undef PAL_MEMBER
  /*
   * pal_decode and pal_fvu in one, y_hat never written: pal_cuda_decode_loss of palimpsest_cuda.h. NULL where the library has no
   * such function (pal_table_fuses_loss).
   */
  size_t (*decode_loss_workspace_bytes)(int64_t width, int64_t latents, int64_t rows, int64_t k);
  pal_status (*decode_loss)(const pal_coder* coder, const float* x, const float* y, int64_t rows, int64_t k, const float* values,
                            const int32_t* indices, float* grad, double* sums, void* workspace, size_t workspace_bytes,
                            pal_stream stream);
} pal_table;

/* 1 where the table has decode_loss and decode_loss_workspace_bytes, else 0. */
static inline int32_t pal_table_fuses_loss(const pal_table* table) {
  return table->decode_loss != NULL && table->decode_loss_workspace_bytes != NULL;
}

/*
 * Fills the table from the library at `path`, which stays loaded. PAL_UNSUPPORTED where it cannot be opened, lacks a
 * function or has another interface version; `why` (why_bytes long) then says so, in one line.
 */
static inline pal_status pal_table_open(pal_table* table, const char* path, char* why, size_t why_bytes) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  memset(table, 0, sizeof(*table));
  if (library == NULL) {
    snprintf(why, why_bytes, "%s", dlerror());
    return PAL_UNSUPPORTED;
  }
#define PAL_RESOLVE(name)                                               \
  {                                                                     \
    void* found = dlsym(library, "pal_" #name);                         \
    if (found == NULL) {                                                \
      snprintf(why, why_bytes, "%s has no function pal_%s", path, #name); \
      return PAL_UNSUPPORTED;                                           \
    }                                                                   \
    memcpy(&table->name, &found, sizeof(found));                        \
  }
  PAL_FUNCTIONS(PAL_RESOLVE)
#undef PAL_RESOLVE
#define PAL_RESOLVE_OPTIONAL(name)                           \
  {                                                          \
    void* found = dlsym(library, "pal_cuda_" #name);         \
    memcpy(&table->name, &found, sizeof(found));             \
  }
  PAL_RESOLVE_OPTIONAL(decode_loss_workspace_bytes)
  PAL_RESOLVE_OPTIONAL(decode_loss)
#undef PAL_RESOLVE_OPTIONAL
  if (table->abi_version() != PAL_ABI_VERSION) {
    snprintf(why, why_bytes, "%s has interface version %d, expected %d", path, (int)table->abi_version(), PAL_ABI_VERSION);
    return PAL_UNSUPPORTED;
  }
  return PAL_OK;
}

/* Fills the table with the functions that the caller is linked with. */
static inline void pal_table_linked(pal_table* table) {
  memset(table, 0, sizeof(*table));
#define PAL_LINKED(name) table->name = &pal_##name;
  PAL_FUNCTIONS(PAL_LINKED)
#undef PAL_LINKED
}

#endif /* PALIMPSEST_TABLE_H */
