/* detector.cpp - see detector.h. */
#include "detector.h"

#if defined(PAL_DETECTOR)

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include <unistd.h>

#include "space.h"

extern "C" const char __executable_start;

namespace pal::host::detector {
namespace {

/* ---- the shadow of the memory ----------------------------------------------------------------------------------------- */

/*
 * One access. `epoch` numbers the stretches between barriers of all blocks in the order they run; `who` is the thread, how often
 * its warp has synchronised in this block, and the stream.
 */
struct Access {
  std::uint32_t epoch = 0;
  std::uint32_t who = 0;
  std::uint32_t place = 0; /* in the program */
};
constexpr unsigned kThreadBits = 10, kStreamShift = 29;
constexpr std::uint32_t kThreadMask = (1u << kThreadBits) - 1;

constexpr unsigned thread_of(std::uint32_t who) { return who & kThreadMask; }
constexpr unsigned warp_of(std::uint32_t who) { return thread_of(who) / 32; }

/*
 * The last write, and of reads and of atomics the last and one more, chosen so that whatever write comes next conflicts with one
 * of the two if it conflicts with any (remember()).
 */
struct Cell {
  Access write, reads[2], atomics[2];
};

/* States of two bytes. */
constexpr std::uint8_t kAllocated = 1, kInitialised = 2, kPending = 4, kSplit = 8, kGap = 16;

/*
 * A cell serves four bytes until somebody touches two of them alone; then they are split, and `upper` has the cell of the upper
 * two. So bf16 numbers have cells of their own, and floats need half as many.
 */
struct Shadow {
  std::uint8_t* state; /* a byte for two */
  Cell* lower;
  Cell* upper;
};

Shadow& shadow() {
  static Shadow instance = [] {
    space();
    Shadow made{};
    made.state = static_cast<std::uint8_t*>(reserve(kSpaceBytes / 2));
    made.lower = static_cast<Cell*>(reserve(kSpaceBytes / 4 * sizeof(Cell)));
    made.upper = static_cast<Cell*>(reserve(kSpaceBytes / 4 * sizeof(Cell)));
    return made;
  }();
  return instance;
}

/* ---- now ---------------------------------------------------------------------------------------------------------------- */

struct Now {
  Shadow memory{};
  bool running = false; /* a kernel's thread, or a copy */
  std::uint32_t epoch = 1;
  std::uint32_t block_first = 1, launch_first = 1; /* epochs */
  std::uint32_t who = 0;
  unsigned stream = 0, thread = 0, block = 0;
  Clock clock;
  std::vector<std::uint32_t> warp_epochs;
  std::vector<std::pair<const std::uint8_t*, std::size_t>> shared; /* states of the block's shared arrays */
  bool watching = false;
  std::vector<Site> sites;
  Site missing{nullptr, 0};
};
Now now;

void stands_for(unsigned thread) {
  now.thread = thread;
  const std::uint32_t warp_epoch = thread / 32 < now.warp_epochs.size() ? now.warp_epochs[thread / 32] : 0;
  now.who = now.stream << kStreamShift | ((warp_epoch << kThreadBits) & ((1u << kStreamShift) - 1)) | thread;
}

std::uint32_t place_of(const void* address) {
  return static_cast<std::uint32_t>(static_cast<const char*>(address) - &__executable_start);
}

/* ---- reports -------------------------------------------------------------------------------------------------------------- */

enum class Fault { READ_AFTER_WRITE, WRITE_AFTER_READ, WRITE_AFTER_WRITE, MIXED_WITH_ATOMIC, OUTSIDE, UNINITIALISED, PENDING, MISALIGNED,
                   UNFINISHED_COPY, BY_HOST };

const char* name_of(Fault fault) {
  switch (fault) {
    case Fault::READ_AFTER_WRITE: return "read after write";
    case Fault::WRITE_AFTER_READ: return "write after read";
    case Fault::WRITE_AFTER_WRITE: return "write after write";
    case Fault::MIXED_WITH_ATOMIC: return "atomic and plain access";
    case Fault::OUTSIDE: return "access outside an array";
    case Fault::UNINITIALISED: return "read of what nobody wrote";
    case Fault::PENDING: return "access during an asynchronous copy";
    case Fault::MISALIGNED: return "misaligned access";
    case Fault::UNFINISHED_COPY: return "asynchronous copy not waited for";
    case Fault::BY_HOST: return "access by the host";
  }
  return "";
}

struct Report {
  std::string what;
  std::uint32_t place, other;
  bool with_other;
  unsigned long times;
};
constexpr std::size_t kMostReports = 40;

std::map<std::tuple<Fault, std::uint32_t, std::uint32_t>, Report>& reports() {
  static std::map<std::tuple<Fault, std::uint32_t, std::uint32_t>, Report> instance;
  return instance;
}

[[gnu::noinline]] void tell(Fault fault, std::size_t at, std::uint32_t place, const Access* other) {
  auto& all = reports();
  const auto key = std::make_tuple(fault, place, other == nullptr ? 0u : other->place);
  const auto known = all.find(key);
  if (known != all.end()) {
    ++known->second.times;
    return;
  }
  if (all.size() >= kMostReports) return;
  char text[200];
  int used = std::snprintf(text, sizeof(text), "%s, %s memory, thread %u of block %u", name_of(fault),
                           at < kSharedWindow ? "shared" : "device", now.thread, now.block);
  if (other != nullptr) {
    std::snprintf(text + used, sizeof(text) - static_cast<std::size_t>(used), " and thread %u of %s", thread_of(other->who),
                  other->epoch >= now.block_first    ? "the same block"
                  : other->epoch >= now.launch_first ? "another block"
                                                     : "a launch before");
  }
  all[key] = {text, place, other == nullptr ? 0u : other->place, other != nullptr, 1};
}

/* "file:line (in ...)" of a place, by addr2line where there is one. */
std::string source_of(std::uint32_t place) {
  char command[512], path[256], line[512];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
  if (length <= 0) return "?";
  path[length] = '\0';
  /* The return address: the call lies before it. */
  std::snprintf(command, sizeof(command), "addr2line -i -s -e '%s' 0x%x 2>/dev/null", path, place - 1);
  std::string text;
  if (std::FILE* pipe = popen(command, "r")) {
    while (std::fgets(line, sizeof(line), pipe) != nullptr) {
      std::string one(line);
      one.erase(std::find_if(one.begin(), one.end(), [](char c) { return c == '\n' || c == ' '; }), one.end());
      text += (text.empty() ? "" : " < ") + one;
    }
    pclose(pipe);
  }
  if (!text.empty()) return text;
  std::snprintf(line, sizeof(line), "0x%x", place);
  return line;
}

/* ---- order ---------------------------------------------------------------------------------------------------------------- */

/* Whether nothing orders `before` before the access that is made now. */
template <bool kShared>
inline bool unordered(const Access& before) {
  if (before.epoch == now.epoch) {
    const std::uint32_t different = before.who ^ now.who;
    if ((different & kThreadMask) == 0) return false;
    const bool same_warp = (different & kThreadMask & ~31u) == 0;
    return !same_warp || (different & ~kThreadMask) == 0;
  }
  if (kShared || before.epoch >= now.block_first) return false; /* another block's shared memory was another memory */
  if (before.epoch >= now.launch_first) return true;
  return before.epoch > now.clock.seen[before.who >> kStreamShift];
}

/*
 * How much `candidate` adds to the present access for catching a later write: one of another block is unordered to what this one
 * orders, then another warp's, then another lane's.
 */
template <bool kShared>
inline int worth(const Access& candidate) {
  if (candidate.epoch == 0 || !unordered<kShared>(candidate)) return 0;
  if (candidate.epoch != now.epoch) return 3;
  return warp_of(candidate.who) != warp_of(now.who) ? 2 : 1;
}

template <bool kShared>
inline void remember(Access (&of)[2], const Access& access) {
  if (worth<kShared>(of[0]) >= worth<kShared>(of[1])) of[1] = of[0];
  of[0] = access;
}

enum class Kind { READ, WRITE, ATOMIC };

inline bool is_now(const Access& access) { return access.epoch == now.epoch && access.who == now.who; }

template <Kind kKind, bool kShared>
inline void visit(Cell& cell, std::size_t at, std::uint32_t place) {
  const Access access{now.epoch, now.who, place};
  const auto conflict = [&](const Access& before, Fault fault) {
    if (unordered<kShared>(before)) tell(fault, at, place, &before);
  };
  /* Whatever came between this thread's own access and now was compared with that access. */
  if (kKind != Kind::ATOMIC && is_now(cell.write)) return;
  if (kKind == Kind::READ && is_now(cell.reads[0])) return;
  conflict(cell.write, kKind == Kind::READ ? Fault::READ_AFTER_WRITE : kKind == Kind::WRITE ? Fault::WRITE_AFTER_WRITE : Fault::MIXED_WITH_ATOMIC);
  if (kKind != Kind::READ) {
    for (const Access& read : cell.reads) conflict(read, kKind == Kind::WRITE ? Fault::WRITE_AFTER_READ : Fault::MIXED_WITH_ATOMIC);
  }
  if (kKind != Kind::ATOMIC) {
    for (const Access& atomic : cell.atomics) conflict(atomic, Fault::MIXED_WITH_ATOMIC);
  }
  if (kKind == Kind::READ) remember<kShared>(cell.reads, access);
  if (kKind == Kind::ATOMIC) remember<kShared>(cell.atomics, access);
  if (kKind == Kind::WRITE) cell.write = access;
}

/* Four bytes, or two of them. */
template <Kind kKind, bool kShared>
inline void visit_word(std::size_t word, std::size_t at, std::uint32_t place) {
  visit<kKind, kShared>(now.memory.lower[word], at, place);
  if ((now.memory.state[word * 2] & kSplit) != 0) visit<kKind, kShared>(now.memory.upper[word], at, place);
}

template <Kind kKind, bool kShared>
inline void visit_half(std::size_t half, std::uint32_t place) {
  const std::size_t word = half / 2;
  if ((now.memory.state[word * 2] & kSplit) == 0) {
    now.memory.state[word * 2] |= kSplit;
    now.memory.upper[word] = now.memory.lower[word];
  }
  visit<kKind, kShared>(half % 2 == 0 ? now.memory.lower[word] : now.memory.upper[word], half * 2, place);
}

/*
 * Whether all of it may be touched; what a write touches is initialised from now on. A copy of all of an array reads what nobody wrote,
 * and gaps in it.
 */
template <Kind kKind>
inline bool allowed(std::size_t at, std::size_t bytes, std::uint32_t place, bool by_copy) {
  std::uint8_t* state = now.memory.state + at / 2;
  const std::size_t count = (at + bytes + 1) / 2 - at / 2;
  constexpr std::uint8_t kGood = kAllocated | kInitialised;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t found = state[i] & ~kSplit;
    if (__builtin_expect(found == kGood, 1)) continue;
    if ((found & kAllocated) == 0 || ((found & kGap) != 0 && !by_copy)) {
      tell(Fault::OUTSIDE, at, place, nullptr);
      return false;
    }
    if ((found & kPending) != 0) tell(Fault::PENDING, at, place, nullptr);
    if ((found & kInitialised) == 0) {
      if (kKind != Kind::WRITE && !by_copy) tell(Fault::UNINITIALISED, at, place, nullptr);
      if (kKind == Kind::WRITE) state[i] |= kInitialised;
    }
  }
  return true;
}

template <Kind kKind, bool kShared>
inline void visit_range(std::size_t at, std::size_t bytes, std::uint32_t place) {
  std::size_t half = at / 2;
  const std::size_t end = (at + bytes + 1) / 2;
  while (half < end) {
    if (half % 2 == 0 && half + 2 <= end) {
      visit_word<kKind, kShared>(half / 2, half * 2, place);
      half += 2;
    } else {
      visit_half<kKind, kShared>(half, place);
      ++half;
    }
  }
}

template <Kind kKind>
inline void note(std::size_t at, std::size_t bytes, const void* caller, bool by_copy = false) {
  const std::uint32_t place = place_of(caller);
  if (__builtin_expect(!now.running, 0)) {
    tell(Fault::BY_HOST, at, place, nullptr);
    return;
  }
  if (!allowed<kKind>(at, bytes, place, by_copy)) return;
  if (at < kSharedWindow) {
    visit_range<kKind, true>(at, bytes, place);
  } else {
    visit_range<kKind, false>(at, bytes, place);
  }
}

std::size_t offset_of(const void* memory) { return reinterpret_cast<std::uintptr_t>(memory) - space_begin; }

void set_state(const void* memory, std::size_t bytes, std::uint8_t state) {
  std::memset(shadow().state + offset_of(memory) / 2, state, (bytes + 1) / 2);
}

bool same(Site a, Site b) { return a.line == b.line && a.line != 0 && std::strcmp(a.file, b.file) == 0; }

/* Whether the barrier counts; what it is asked for by tests is remembered. */
bool counts(Site site) {
  if (now.watching && std::none_of(now.sites.begin(), now.sites.end(), [&](Site known) { return same(known, site); })) {
    now.sites.push_back(site);
  }
  return now.missing.line == 0 || !same(now.missing, site);
}

}  // namespace

/* ---- what the emulation tells ----------------------------------------------------------------------------------------------- */

void memory_made(const void* memory, std::size_t bytes) {
  now.memory = shadow();
  set_state(memory, bytes, kAllocated);
}
void memory_freed(const void* memory, std::size_t bytes) { set_state(memory, bytes, 0); }

void piece_made(const void* memory, std::size_t used, std::size_t room) {
  if (offset_of(memory) >= kSpaceBytes) return;
  std::uint8_t* state = shadow().state + offset_of(memory) / 2;
  const std::size_t end = (used + 1) / 2;
  for (std::size_t i = 0; i < end; ++i) state[i] &= static_cast<std::uint8_t>(~kGap);
  for (std::size_t i = end; i < room / 2; ++i) state[i] |= kGap;
}

void work_begins(unsigned stream, const Clock& clock) {
  now.memory = shadow();
  now.running = true;
  now.stream = stream;
  now.clock = clock;
  now.launch_first = now.block_first = ++now.epoch;
  now.block = 0;
  now.warp_epochs.assign(32, 0);
  stands_for(0);
}

void work_ends(Clock& clock) {
  now.running = false;
  clock.seen[now.stream] = now.epoch;
}

void fills(const void* memory, std::size_t bytes, bool initialised) {
  if (bytes == 0) return;
  if (offset_of(memory) >= kSpaceBytes) return; /* the host's own memory */
  std::uint8_t* state = now.memory.state + offset_of(memory) / 2;
  for (std::size_t i = 0; i < (bytes + 1) / 2; ++i) state[i] &= static_cast<std::uint8_t>(~kGap); /* an array in one piece again */
  note<Kind::WRITE>(offset_of(memory), bytes, __builtin_return_address(0));
  if (initialised) return;
  for (std::size_t i = 0; i < (bytes + 1) / 2; ++i) state[i] &= static_cast<std::uint8_t>(~kInitialised);
}

void reads(const void* memory, std::size_t bytes) {
  if (bytes == 0 || offset_of(memory) >= kSpaceBytes) return;
  note<Kind::READ>(offset_of(memory), bytes, __builtin_return_address(0), true);
}

void block_begins(unsigned block) {
  now.block = block;
  now.block_first = ++now.epoch;
  now.warp_epochs.assign(32, 0);
  for (const auto& [state, count] : now.shared) std::memset(const_cast<std::uint8_t*>(state), 0, count);
  now.shared.clear();
}

void shared_made(const void* memory, std::size_t bytes) {
  set_state(memory, bytes, kAllocated);
  now.shared.emplace_back(now.memory.state + offset_of(memory) / 2, (bytes + 1) / 2);
}

void thread_runs(unsigned thread) { stands_for(thread); }

void thread_ends(bool copies_left) {
  if (copies_left) tell(Fault::UNFINISHED_COPY, 0, 0, nullptr);
}

void barrier(Site site) {
  if (counts(site)) ++now.epoch;
}

void warp_synchronised(unsigned warp, Site site) {
  if (!counts(site)) return;
  ++now.warp_epochs[warp];
  stands_for(now.thread);
}

void copy_begins(const void* to, const void* from, std::size_t bytes, std::size_t room, const void* caller) {
  /* Both may be touched from now on until the thread waits for the copy. */
  if (offset_of(to) % 16 != 0 || offset_of(from) % 16 != 0) tell(Fault::MISALIGNED, offset_of(to), place_of(caller), nullptr);
  if (bytes > 0 && offset_of(from) < kSpaceBytes) note<Kind::READ>(offset_of(from), bytes, caller); /* else the host's own memory */
  note<Kind::WRITE>(offset_of(to), room, caller);
  std::uint8_t* state = now.memory.state + offset_of(to) / 2;
  for (std::size_t i = 0; i < room / 2; ++i) state[i] |= kPending;
}

void copy_arrives(const void* to, std::size_t room, const void* caller) {
  std::uint8_t* state = now.memory.state + offset_of(to) / 2;
  for (std::size_t i = 0; i < room / 2; ++i) state[i] &= static_cast<std::uint8_t>(~kPending);
  note<Kind::WRITE>(offset_of(to), room, caller);
}

void atomic_access(const void* memory, std::size_t bytes, const void* caller) {
  if (offset_of(memory) < kSpaceBytes) note<Kind::ATOMIC>(offset_of(memory), bytes, caller);
}

void in_one_piece(const void* memory, std::size_t bytes) {
  const std::size_t at = offset_of(memory);
  if (at < kSpaceBytes && at % bytes != 0) tell(Fault::MISALIGNED, at, place_of(__builtin_return_address(0)), nullptr);
}

void matrix_read(const void* memory, std::size_t bytes, const void* caller) {
  const std::size_t at = offset_of(memory);
  if (at >= kSpaceBytes) return;
  if (at % bytes != 0) tell(Fault::MISALIGNED, at, place_of(caller), nullptr);
  note<Kind::READ>(at, bytes, caller);
}

/* ---- for tests -------------------------------------------------------------------------------------------------------------- */

std::vector<std::string> take_reports() {
  std::vector<std::string> texts;
  for (const auto& [key, report] : reports()) {
    std::string text = report.what + ": " + source_of(report.place);
    if (report.with_other) text += " and " + source_of(report.other);
    if (report.times > 1) text += " (" + std::to_string(report.times) + " times)";
    texts.push_back(text);
  }
  reports().clear();
  return texts;
}

std::size_t count_reports() {
  const std::size_t count = reports().size();
  reports().clear();
  return count;
}

void watch_sites(bool on) {
  now.watching = on;
  if (on) now.sites.clear();
}
std::vector<Site> watched_sites() { return now.sites; }
void plant_missing_barrier(Site site) { now.missing = site; }

/* ---- what the compiler calls ------------------------------------------------------------------------------------------------ */

namespace {

template <Kind kKind>
inline void hook(const void* address, std::size_t bytes, const void* caller, bool aligned = false) {
  const std::size_t at = offset_of(address);
  if (__builtin_expect(at >= kSpaceBytes, 1)) return;
  if (aligned && __builtin_expect(at % bytes != 0, 0)) tell(Fault::MISALIGNED, at, place_of(caller), nullptr);
  note<kKind>(at, bytes, caller);
}

}  // namespace
}  // namespace pal::host::detector

extern "C" {

#define PAL_HOOKS(n)                                                                                                      \
  void __tsan_read##n(void* a) {                                                                                          \
    pal::host::detector::hook<pal::host::detector::Kind::READ>(a, n, __builtin_return_address(0), true);                  \
  }                                                                                                                       \
  void __tsan_write##n(void* a) {                                                                                         \
    pal::host::detector::hook<pal::host::detector::Kind::WRITE>(a, n, __builtin_return_address(0), true);                 \
  }                                                                                                                       \
  void __tsan_unaligned_read##n(void* a) {                                                                                \
    pal::host::detector::hook<pal::host::detector::Kind::READ>(a, n, __builtin_return_address(0));                        \
  }                                                                                                                       \
  void __tsan_unaligned_write##n(void* a) {                                                                               \
    pal::host::detector::hook<pal::host::detector::Kind::WRITE>(a, n, __builtin_return_address(0));                       \
  }
PAL_HOOKS(1)
PAL_HOOKS(2)
PAL_HOOKS(4)
PAL_HOOKS(8)
PAL_HOOKS(16)
#undef PAL_HOOKS

void __tsan_read_range(void* a, std::size_t n) {
  pal::host::detector::hook<pal::host::detector::Kind::READ>(a, n, __builtin_return_address(0));
}
void __tsan_write_range(void* a, std::size_t n) {
  pal::host::detector::hook<pal::host::detector::Kind::WRITE>(a, n, __builtin_return_address(0));
}
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}

/* The guards of local statics. */
unsigned char __tsan_atomic8_load(const volatile unsigned char* a, int) { return *a; }

}  // extern "C"

#endif
