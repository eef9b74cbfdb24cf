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
#include "palimpsest_cuda.h"

/* Every function of palimpsest.h, without its prefix. */
#define PAL_FUNCTIONS(F)                                                                                     \
  F(abi_version) F(last_error) F(describe) F(set_threads) F(threads) F(set_instruction_set)                 \
  F(operands_bytes) F(refresh_operands)                                                                      \
  F(encode_workspace_bytes) F(encode) F(decode_workspace_bytes) F(decode) F(fvu_workspace_bytes) F(fvu)      \
  F(count_firings) F(backward_workspace_bytes) F(backward) F(remove_parallel) F(normalize_rows) F(update)    \
  F(step_workspace_bytes) F(step)

/* The functions of palimpsest_cuda.h that are used through a table, without their prefix. */
#define PAL_CUDA_FUNCTIONS(F)                                                                                 \
  F(decode_loss_workspace_bytes) F(decode_loss) F(hyper_bytes) F(write_hyper) F(step) F(record_batch)         \
  F(begin_capture) F(end_capture) F(replay) F(free_graph)

typedef struct pal_table {
#define PAL_MEMBER(name) __typeof__(&pal_##name) name;
  PAL_FUNCTIONS(PAL_MEMBER)
#undef PAL_MEMBER
  /* All NULL where the library is not the CUDA library (pal_table_is_cuda). */
#define PAL_MEMBER(name) __typeof__(&pal_cuda_##name) cuda_##name;
  PAL_CUDA_FUNCTIONS(PAL_MEMBER)
#undef PAL_MEMBER
} pal_table;

/* 1 where the table has the functions of palimpsest_cuda.h, else 0. */
static inline int32_t pal_table_is_cuda(const pal_table* table) { return table->cuda_decode_loss != NULL; }

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
  if (dlsym(library, "pal_cuda_decode_loss") != NULL) {
#define PAL_RESOLVE_CUDA(name) PAL_RESOLVE(cuda_##name)
    PAL_CUDA_FUNCTIONS(PAL_RESOLVE_CUDA)
#undef PAL_RESOLVE_CUDA
  }
#undef PAL_RESOLVE
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
