#include "emulation.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "fiber.h"
#include "space.h"

thread_local uint3 threadIdx, blockIdx;
thread_local dim3 blockDim, gridDim;

namespace pal::host {
namespace {

constexpr std::size_t kStackBytes = 256 * 1024;
constexpr unsigned kWarp = 32;
constexpr unsigned kMaxThreads = 1024;
constexpr unsigned kMaxGridY = 65535;
constexpr unsigned kManyBlocks = 2048;
/* Shared memory of a block: for every launch, and for one that asked (compute capability 9.0 and 10.0). */
constexpr std::size_t kSharedBytes = 48 * 1024;
constexpr std::size_t kMostSharedBytes = 227 * 1024;
constexpr std::size_t kSharedGap = 128; /* between arrays, for the detector */

enum class State { READY, AT_BARRIER, AT_WARP_OPERATION, DONE };

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes, room;
};

struct Thread {
  State state = State::READY;
  Site site{};
  WarpOperation operation{};
  unsigned mask = 0;
  std::uint64_t value = 0;
  int argument = 0;
  std::uint64_t result = 0;
  unsigned char given[2][32] = {};       /* to exchange(), in turn */
  unsigned exchanges = 0;
  std::vector<std::vector<Copy>> copies; /* by group, the last one still open */
};

/* One block in flight; the fibers and their stacks are kept from block to block. */
struct Machine {
  std::vector<Fiber> fibers;
  std::vector<Thread> threads;
  std::vector<unsigned> order;
  unsigned current = 0;
  unsigned waiting_at_barrier = 0;
  std::vector<unsigned> waiting_in_warp; /* lanes at a warp operation, per warp */
  const std::function<void()>* kernel = nullptr;
  std::string error;
  Order order_kind = Order::FORWARD;
  std::mt19937_64 random;
  std::vector<std::pair<const void*, unsigned char*>> shared; /* static arrays by site; a kernel has a handful */
  std::size_t dynamic_bytes = 0;
  std::size_t shared_bytes = 0; /* static and dynamic, so far */
  std::size_t shared_end = 0;   /* in the window, with the gaps between the arrays */
  std::size_t shared_limit = kSharedBytes;
  bool ends_of_grids = false;
  Statistics statistics{};
};

Machine& machine() {
  static Machine instance;
  return instance;
}

std::string place(const Thread& thread) {
  const char* slash = std::strrchr(thread.site.file, '/');
  return std::string(slash == nullptr ? thread.site.file : slash + 1) + ":" + std::to_string(thread.site.line);
}

void fiber_body(void* argument) {
  Machine& m = machine();
  const auto index = static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(argument));
  (*m.kernel)();
  const auto& copies = m.threads[index].copies;
  detector::thread_ends(std::any_of(copies.begin(), copies.end(), [](const auto& group) { return !group.empty(); }));
  m.threads[index].state = State::DONE;
}

void wait_here() {
  Machine& m = machine();
  m.fibers[m.current].yield();
}

std::uint64_t lane_result(WarpOperation operation, const Thread* warp, unsigned lane, unsigned mask) {
  const Thread& self = warp[lane];
  int source = static_cast<int>(lane);
  switch (operation) {
    case WarpOperation::SYNC:
    case WarpOperation::EXCHANGE:
      return 0;
    case WarpOperation::SHUFFLE:
      source = self.argument & 31;
      break;
    case WarpOperation::SHUFFLE_XOR:
      source = static_cast<int>(lane) ^ self.argument;
      break;
    case WarpOperation::SHUFFLE_UP:
      source = static_cast<int>(lane) - self.argument;
      break;
    case WarpOperation::SHUFFLE_DOWN:
      source = static_cast<int>(lane) + self.argument;
      break;
    default: {
      std::uint64_t result = 0;
      for (unsigned other = 0; other < kWarp; ++other) {
        if ((mask >> other & 1u) == 0) continue;
        const std::uint64_t value = warp[other].value;
        if (operation == WarpOperation::BALLOT) result |= static_cast<std::uint64_t>(value != 0) << other;
        if (operation == WarpOperation::MATCH) result |= static_cast<std::uint64_t>(value == self.value) << other;
        if (operation == WarpOperation::ADD) result = static_cast<unsigned>(result + value);
        if (operation == WarpOperation::MAXIMUM) result = std::max(result, value);
      }
      return result;
    }
  }
  if (source < 0 || source > 31) return self.value; /* as the hardware: out of range keeps the lane's own value */
  if ((mask >> source & 1u) == 0) return 0xffffffffffffffffu; /* undefined on the device */
  return warp[source].value;
}

/* Completes the warp operation the current thread has just reached, if it was the last lane of its mask. */
void try_warp_operation() {
  Machine& m = machine();
  const Thread& self = m.threads[m.current];
  unsigned& waiting = m.waiting_in_warp[m.current / kWarp];
  Thread* warp = &m.threads[m.current / kWarp * kWarp];
  const unsigned lanes = std::min<unsigned>(kWarp, static_cast<unsigned>(m.threads.size()) - m.current / kWarp * kWarp);
  if (lanes == kWarp && waiting < static_cast<unsigned>(__builtin_popcount(self.mask))) return;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if ((self.mask >> lane & 1u) == 0) continue;
    if (lane >= lanes) violation(place(self) + ": warp operation names lane " + std::to_string(lane) + ", which the block lacks");
    const Thread& other = warp[lane];
    if (other.state != State::AT_WARP_OPERATION || other.operation != self.operation || other.mask != self.mask ||
        other.site.line != self.site.line || other.site.file != self.site.file) {
      return;
    }
  }
  const unsigned mask = self.mask;
  const WarpOperation operation = self.operation;
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (mask >> lane & 1u) warp[lane].result = lane_result(operation, warp, lane, mask);
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if (mask >> lane & 1u) warp[lane].state = State::READY;
  }
  waiting -= static_cast<unsigned>(__builtin_popcount(mask));
  ++m.statistics.warp_operations;
  if (operation == WarpOperation::SYNC && mask == 0xffffffffu) detector::warp_synchronised(m.current / kWarp, self.site);
}

/* Lets everybody go on when all threads wait at one barrier. */
void try_barrier() {
  Machine& m = machine();
  if (m.waiting_at_barrier != m.threads.size()) return;
  std::uint64_t sum = 0;
  for (const Thread& thread : m.threads) {
    if (thread.site.line != m.threads[0].site.line || thread.site.file != m.threads[0].site.file) {
      violation("threads of one block wait at different barriers: " + place(m.threads[0]) + " and " + place(thread));
    }
    sum += thread.value;
  }
  for (Thread& thread : m.threads) {
    thread.result = sum;
    thread.state = State::READY;
  }
  m.waiting_at_barrier = 0;
  ++m.statistics.barriers;
  detector::barrier(m.threads[0].site);
}

/* Nobody can run and not all are done: tells who waits where. */
std::string deadlock() {
  const Machine& m = machine();
  unsigned done = 0;
  std::map<std::string, unsigned> waiting;
  for (const Thread& thread : m.threads) {
    if (thread.state == State::DONE) ++done;
    if (thread.state == State::AT_BARRIER) ++waiting["barrier " + place(thread)];
    if (thread.state == State::AT_WARP_OPERATION) ++waiting["warp operation " + place(thread)];
  }
  std::string text = "divergence: of " + std::to_string(m.threads.size()) + " threads " + std::to_string(done) + " returned";
  for (const auto& [where, count] : waiting) text += ", " + std::to_string(count) + " wait at " + where;
  return text;
}

/* The next part of the window, filled with 0xFF, a gap behind it. */
unsigned char* take_shared(std::size_t bytes) {
  Machine& m = machine();
  unsigned char* memory = space() + m.shared_end;
  std::memset(memory, 0xff, bytes);
  if (bytes > 0) detector::shared_made(memory, bytes);
  m.shared_bytes += bytes;
  m.shared_end += (bytes + kSharedGap + 255) / 256 * 256;
  return memory;
}

bool run_block(unsigned threads) {
  Machine& m = machine();
  m.threads.assign(threads, Thread{});
  m.waiting_at_barrier = 0;
  m.waiting_in_warp.assign((threads + kWarp - 1) / kWarp, 0u);
  detector::block_begins(blockIdx.y * gridDim.x + blockIdx.x);
  m.shared.clear();
  m.shared_bytes = m.shared_end = 0;
  take_shared(m.dynamic_bytes);
  while (m.fibers.size() < threads) m.fibers.emplace_back(kStackBytes);
  for (unsigned i = 0; i < threads; ++i) m.fibers[i].start(&fiber_body, reinterpret_cast<void*>(std::uintptr_t{i}));

  m.order.resize(threads);
  std::iota(m.order.begin(), m.order.end(), 0u);
  if (m.order_kind == Order::REVERSE) std::reverse(m.order.begin(), m.order.end());
  for (;;) {
    if (m.order_kind == Order::SHUFFLED) std::shuffle(m.order.begin(), m.order.end(), m.random);
    bool ran = false;
    for (unsigned i : m.order) {
      if (m.threads[i].state != State::READY) continue;
      ran = true;
      m.current = i;
      threadIdx = {i, 0, 0};
      detector::thread_runs(i);
      m.fibers[i].resume();
      if (!m.error.empty()) return false;
    }
    if (!ran) break;
  }
  const bool done =
      std::all_of(m.threads.begin(), m.threads.end(), [](const Thread& t) { return t.state == State::DONE; });
  if (!done) m.error = deadlock();
  return done;
}

}  // namespace

void set_order(Order order, std::uint64_t seed) {
  machine().order_kind = order;
  machine().random.seed(seed);
}

void run_ends_of_grids(bool on) { machine().ends_of_grids = on; }

const std::string& launch_error() { return machine().error; }

Statistics statistics() { return machine().statistics; }

void violation(const std::string& message) {
  Machine& m = machine();
  m.error = message;
  for (;;) wait_here();
}

std::uint64_t warp_operation(WarpOperation operation, unsigned mask, std::uint64_t value, int argument, Site site) {
  Machine& m = machine();
  Thread& self = m.threads[m.current];
  self.site = site;
  if ((mask >> (m.current % kWarp) & 1u) == 0) violation(place(self) + ": the calling lane is not in the warp operation's mask");
  self.operation = operation;
  self.mask = mask;
  self.value = value;
  self.argument = argument;
  self.state = State::AT_WARP_OPERATION;
  ++m.waiting_in_warp[m.current / kWarp];
  try_warp_operation();
  if (self.state != State::READY) wait_here();
  return self.result;
}

namespace {

/*
 * Where copies of what every lane of the calling warp gave lie (32 bytes at most), once all have given theirs. They stay until
 * the warp's next exchange but one.
 */
std::array<const void*, 32> exchange(const void* mine, std::size_t bytes, Site site) {
  Machine& m = machine();
  Thread& self = m.threads[m.current];
  const unsigned turn = self.exchanges++ % 2;
  std::memcpy(self.given[turn], mine, bytes);
  warp_operation(WarpOperation::EXCHANGE, 0xffffffffu, 0, 0, site);
  std::array<const void*, 32> all{};
  for (unsigned lane = 0; lane < kWarp; ++lane) all[lane] = m.threads[m.current / kWarp * kWarp + lane].given[turn];
  return all;
}

}  // namespace

void multiply_add_twin(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], Site site) {
  const auto half = [](unsigned word, int which) { return __uint_as_float(which == 0 ? word << 16 : word & 0xffff0000u); };
  struct Fragments {
    unsigned a[4], b[2];
  };
  const Fragments mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  const auto all = exchange(&mine, sizeof(mine), site);
  const int lane = static_cast<int>(machine().current % kWarp), q = lane / 4, p = lane % 4;
  for (int i = 0; i < 4; ++i) {
    const int column = 2 * p + i % 2;
    for (int c = 0; c < 16; ++c) {
      const auto* from_a = static_cast<const Fragments*>(all[static_cast<std::size_t>(q * 4 + c % 8 / 2)]);
      const auto* from_b = static_cast<const Fragments*>(all[static_cast<std::size_t>(column * 4 + c % 8 / 2)]);
      d[i] += half(from_a->a[i / 2 + c / 8 * 2], c % 2) * half(from_b->b[c / 8], c % 2);
    }
  }
}

void load_matrices_twin(unsigned (&to)[4], const void* row, Site site) {
  detector::matrix_read(row, 16, __builtin_return_address(0));
  const auto all = exchange(&row, sizeof(row), site);
  const unsigned lane = machine().current % kWarp;
  for (unsigned j = 0; j < 4; ++j) {
    const auto* from = *static_cast<const unsigned char* const*>(all[j * 8 + lane / 4]);
    std::memcpy(&to[j], from + lane % 4 * 4, 4);
  }
}

void copy_async(void* to, const void* from, std::size_t bytes, std::size_t room) {
  auto& groups = machine().threads[machine().current].copies;
  if (groups.empty()) groups.emplace_back();
  groups.back().push_back({to, from, bytes, room});
  detector::copy_begins(to, from, bytes, room, __builtin_return_address(0));
}

void commit_copies() {
  auto& groups = machine().threads[machine().current].copies;
  if (groups.empty()) groups.emplace_back();
  groups.emplace_back();
}

void wait_copies(std::size_t groups_left) {
  auto& groups = machine().threads[machine().current].copies;
  while (groups.size() > groups_left + 1) { /* the open one counts for none */
    for (const Copy& copy : groups.front()) {
      detector::copy_arrives(copy.to, copy.room, __builtin_return_address(0));
      std::memcpy(copy.to, copy.from, copy.bytes);
      std::memset(static_cast<unsigned char*>(copy.to) + copy.bytes, 0, copy.room - copy.bytes);
    }
    groups.erase(groups.begin());
  }
}

int block_barrier(int value, Site site) {
  Machine& m = machine();
  Thread& self = m.threads[m.current];
  self.site = site;
  self.value = static_cast<std::uint64_t>(value);
  self.state = State::AT_BARRIER;
  ++m.waiting_at_barrier;
  try_barrier();
  if (self.state != State::READY) wait_here();
  return static_cast<int>(self.result);
}

void* shared_memory(const void* site, std::size_t bytes) {
  Machine& m = machine();
  auto& shared = m.shared;
  for (auto& [known, content] : shared) {
    if (known == site) return content;
  }
  if (m.shared_bytes + bytes > m.shared_limit) {
    violation(std::to_string(m.shared_bytes + bytes) + " bytes of shared memory, static and dynamic; the launch may use " +
              std::to_string(m.shared_limit));
  }
  shared.emplace_back(site, take_shared(bytes));
  return shared.back().second;
}

void* dynamic_shared_memory(std::size_t* bytes) {
  Machine& m = machine();
  *bytes = m.dynamic_bytes;
  return space(); /* the window's first array */
}

namespace {

/* All blocks, one after the other. */
void run_grid(dim3 grid, unsigned threads, std::size_t dynamic_shared_bytes, const std::function<void()>& kernel) {
  Machine& m = machine();
  m.kernel = &kernel;
  m.dynamic_bytes = dynamic_shared_bytes;
  gridDim = grid;
  blockDim = dim3(threads);
  ++m.statistics.launches;
  const std::uint64_t blocks = std::uint64_t{grid.x} * grid.y;
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      const std::uint64_t number = std::uint64_t{y} * grid.x + x;
      if (m.ends_of_grids && blocks > kManyBlocks && number > 0 && number < blocks - 1) continue;
      blockIdx = {x, y, 0};
      ++m.statistics.blocks;
      if (!run_block(threads)) {
        m.error += " (block " + std::to_string(x) + ", thread " + std::to_string(m.current) + ")";
        return;
      }
    }
  }
  if (!guards_intact()) m.error = "a kernel wrote outside an array in device memory";
}

}  // namespace

bool launch(dim3 grid, unsigned threads, std::size_t dynamic_shared_bytes, bool asked_for_shared,
            const std::function<void()>& kernel, cudaStream_t stream) {
  Machine& m = machine();
  if (!m.error.empty()) return false; /* sticky, as on the device */
  const std::size_t limit = asked_for_shared ? kMostSharedBytes : kSharedBytes;
  if (threads == 0 || threads > kMaxThreads || grid.x == 0 || grid.x > 0x7fffffffu || grid.y == 0 || grid.y > kMaxGridY ||
      grid.z != 1 || dynamic_shared_bytes > limit) {
    m.error = "launch of " + std::to_string(grid.x) + " x " + std::to_string(grid.y) + " blocks of " +
              std::to_string(threads) + " threads with " + std::to_string(dynamic_shared_bytes) + " bytes of shared memory";
    return false;
  }
  const cudaError_t queued = queue(stream, [=](Stream& on) {
    machine().shared_limit = limit;
    begin_work(on);
    run_grid(grid, threads, dynamic_shared_bytes, kernel);
    end_work(on);
  });
  if (queued != cudaSuccess && m.error.empty()) m.error = "launch on a stream that a capture does not allow";
  return m.error.empty();
}

namespace {

bool writing_down = false;
std::vector<Launch>& launches() {
  static std::vector<Launch> instance;
  return instance;
}

std::set<const void*>& run_kernels() {
  static std::set<const void*> instance;
  return instance;
}

}  // namespace

std::vector<const void*> take_run_kernels() {
  const std::vector<const void*> taken(run_kernels().begin(), run_kernels().end());
  run_kernels().clear();
  return taken;
}

void write_launches_down() { writing_down = true; }
const std::vector<Launch>& written_launches() { return launches(); }

bool launch_kernel(const void* function, dim3 grid, unsigned threads, std::size_t dynamic_shared_bytes,
                   const std::function<void()>& kernel, cudaStream_t stream) {
  if (writing_down) {
    launches().push_back({function, threads, dynamic_shared_bytes});
    return true;
  }
  run_kernels().insert(function);
  const std::size_t allowed = dynamic_shared_limit(function);
  return launch(grid, threads, dynamic_shared_bytes, allowed > 0 && dynamic_shared_bytes <= allowed, kernel, stream);
}

void clear_error() { machine().error.clear(); }

}  // namespace pal::host
