/*
 * detector.h - finds races, and memory used wrongly, while emulated kernels run. The compiler calls us at every access to memory
 * (the hooks of -fsanitize=thread, without its run time), the emulation at every barrier, atomic and asynchronous copy. Built
 * with PAL_DETECTOR only; otherwise everything here is empty.
 *
 * Two accesses to the same bytes are a race if one of them writes, they are not both atomic, and nothing orders them. Order:
 *   - within a thread, the order of the program
 *   - between the threads of a block, __syncthreads
 *   - between the lanes of a warp, also __syncwarp with all lanes. Shuffles, votes and the matrix unit order nothing.
 *   - between the blocks of a launch, nothing
 *   - between launches, the streams they are on, the events these wait for, and what the host waits for
 * It does not matter in which order the emulation happened to run the threads, so one run shows all races of what it executes.
 *
 * Told too: accesses outside an array, in workspaces too, or not aligned to their size; reads of memory that nobody has written (fresh, or filled
 * with 0xFF); shared memory used while an asynchronous copy into it is under way; such copies left behind at a thread's end; the
 * host's own hands on device memory.
 */
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "site.h"

namespace pal::host::detector {

constexpr unsigned kMostStreams = 8;

/* Between the arrays that a workspace is divided into (src/arena.h). */
#if defined(PAL_DETECTOR)
constexpr std::size_t kArenaGap = 256;
#else
constexpr std::size_t kArenaGap = 0;
#endif

/* What is known to be over: of each stream, the work up to this moment. */
struct Clock {
  std::uint32_t seen[kMostStreams] = {};
  void join(const Clock& other) {
    for (unsigned s = 0; s < kMostStreams; ++s) seen[s] = seen[s] > other.seen[s] ? seen[s] : other.seen[s];
  }
};

#if defined(PAL_DETECTOR)

/* ---- what the emulation tells ------------------------------------------------------------------------------------------- */

void memory_made(const void* memory, std::size_t bytes);
void memory_freed(const void* memory, std::size_t bytes);
/* Of an array in device memory, `used` bytes are one now, and what follows up to `room` belongs to nobody until it is filled anew. */
void piece_made(const void* memory, std::size_t used, std::size_t room);

/* Work of stream `stream`, which knows `clock`: a launch, or a copy or filling of memory (one access each). */
void work_begins(unsigned stream, const Clock& clock);
void work_ends(Clock& clock);
void fills(const void* memory, std::size_t bytes, bool initialised);
void reads(const void* memory, std::size_t bytes);

void block_begins(unsigned block);
void shared_made(const void* memory, std::size_t bytes);
void thread_runs(unsigned thread);
void thread_ends(bool copies_left);
void barrier(Site site);
void warp_synchronised(unsigned warp, Site site);

void copy_begins(const void* to, const void* from, std::size_t bytes, std::size_t room, const void* caller);
void copy_arrives(const void* to, std::size_t room, const void* caller);
void atomic_access(const void* memory, std::size_t bytes, const void* caller);
/* An access that the device makes in one piece, at an address that must be a multiple of its size. */
void in_one_piece(const void* memory, std::size_t bytes);
void matrix_read(const void* memory, std::size_t bytes, const void* caller);

/* ---- for tests ------------------------------------------------------------------------------------------------------------ */

/* What has been found since the last call, once each: "write after read of shared memory: ...". */
std::vector<std::string> take_reports();
/* Only how many, without their places in the source, which take a while to find. */
std::size_t count_reports();

/* The barriers that have ordered something since `watch_sites(true)`. */
void watch_sites(bool on);
std::vector<Site> watched_sites();
/* From now on this barrier still makes the threads wait, but orders nothing, as if it were not there; line 0: none. */
void plant_missing_barrier(Site site);

#else

inline void memory_made(const void*, std::size_t) {}
inline void memory_freed(const void*, std::size_t) {}
inline void piece_made(const void*, std::size_t, std::size_t) {}
inline void work_begins(unsigned, const Clock&) {}
inline void work_ends(Clock&) {}
inline void fills(const void*, std::size_t, bool) {}
inline void reads(const void*, std::size_t) {}
inline void block_begins(unsigned) {}
inline void shared_made(const void*, std::size_t) {}
inline void thread_runs(unsigned) {}
inline void thread_ends(bool) {}
inline void barrier(Site) {}
inline void warp_synchronised(unsigned, Site) {}
inline void copy_begins(const void*, const void*, std::size_t, std::size_t, const void*) {}
inline void copy_arrives(const void*, std::size_t, const void*) {}
inline void atomic_access(const void*, std::size_t, const void*) {}
inline void in_one_piece(const void*, std::size_t) {}
inline void matrix_read(const void*, std::size_t, const void*) {}
inline std::vector<std::string> take_reports() { return {}; }

#endif

}  // namespace pal::host::detector
