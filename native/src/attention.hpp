// Causal multi-head attention of a language model.
#ifndef PALIMPSEST_ATTENTION_HPP
#define PALIMPSEST_ATTENTION_HPP

#include "palimpsest_cpu.h"
#include "runtime.hpp"

namespace palimpsest {

size_t attention_workspace(int64_t length, int64_t channels, int thread_count);
void attention(const pal_cpu_heads& queries, const pal_cpu_heads& keys, const pal_cpu_heads& values,
               const pal_cpu_attention_shape& shape, float* out, void* workspace, int thread_count);

// Both with the workspace for the longest sequence.
void attention_after(const pal_cpu_heads& queries, const pal_cpu_sequences& sequences,
                     const pal_cpu_attention_shape& shape, float* out, void* workspace, int thread_count);

} // namespace palimpsest

#endif
