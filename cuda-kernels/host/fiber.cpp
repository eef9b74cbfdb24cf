#include "fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace pal::host {
namespace {

/* A stack with a page below it that must not be touched: one that is too small ends the program instead of overwriting another. */
class Stack {
 public:
  explicit Stack(std::size_t bytes) : guard_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))), bytes_(bytes + guard_) {
    void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, guard_, PROT_NONE) != 0) {
      std::fprintf(stderr, "emulation: no memory for a stack of %zu bytes\n", bytes);
      std::abort();
    }
    memory_ = static_cast<unsigned char*>(memory);
  }
  ~Stack() { munmap(memory_, bytes_); }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  unsigned char* get() const { return memory_ + guard_; }

 private:
  std::size_t guard_, bytes_;
  unsigned char* memory_ = nullptr;
};

}  // namespace
}  // namespace pal::host

#if defined(__x86_64__)

/* switch_stacks(&save, load): saves the System V callee-saved registers and the stack pointer, loads the other set. */
extern "C" void pal_host_switch_stacks(void** save, void* load);
asm(R"(
.text
.p2align 4
.globl pal_host_switch_stacks
.hidden pal_host_switch_stacks
.type pal_host_switch_stacks,@function
pal_host_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size pal_host_switch_stacks,.-pal_host_switch_stacks
)");

namespace pal::host {

struct Fiber::Context {
  std::size_t stack_bytes;
  Stack stack;
  void* fiber_stack = nullptr;
  void* scheduler_stack = nullptr;
  void (*body)(void*) = nullptr;
  void* argument = nullptr;

  static thread_local Context* entering;

  static void enter() {
    Context* self = entering;
    self->body(self->argument);
    for (;;) pal_host_switch_stacks(&self->fiber_stack, self->scheduler_stack);
  }
};

thread_local Fiber::Context* Fiber::Context::entering = nullptr;

void Fiber::start(void (*body)(void*), void* argument) {
  Context& c = *context_;
  c.body = body;
  c.argument = argument;
  const auto top = (reinterpret_cast<std::uintptr_t>(c.stack.get()) + c.stack_bytes) & ~std::uintptr_t{15};
  /* From the top: a return address that is never used, the entry point, six registers. */
  void** frame = reinterpret_cast<void**>(top) - 8;
  for (int i = 0; i < 6; ++i) frame[i] = nullptr;
  frame[6] = reinterpret_cast<void*>(&Context::enter);
  frame[7] = nullptr;
  c.fiber_stack = frame;
}

void Fiber::resume() {
  Context& c = *context_;
  Context::entering = &c;
  pal_host_switch_stacks(&c.scheduler_stack, c.fiber_stack);
}

void Fiber::yield() {
  Context& c = *context_;
  pal_host_switch_stacks(&c.fiber_stack, c.scheduler_stack);
}

}  // namespace pal::host

#else

#include <ucontext.h>

namespace pal::host {

struct Fiber::Context {
  std::size_t stack_bytes;
  Stack stack;
  ucontext_t fiber{};
  ucontext_t scheduler{};
  void (*body)(void*) = nullptr;
  void* argument = nullptr;

  static thread_local Context* entering;

  static void enter() {
    Context* self = entering;
    self->body(self->argument);
    for (;;) swapcontext(&self->fiber, &self->scheduler);
  }
};

thread_local Fiber::Context* Fiber::Context::entering = nullptr;

void Fiber::start(void (*body)(void*), void* argument) {
  Context& c = *context_;
  c.body = body;
  c.argument = argument;
  getcontext(&c.fiber);
  c.fiber.uc_stack.ss_sp = c.stack.get();
  c.fiber.uc_stack.ss_size = c.stack_bytes;
  c.fiber.uc_link = nullptr;
  makecontext(&c.fiber, reinterpret_cast<void (*)()>(&Context::enter), 0);
}

void Fiber::resume() {
  Context& c = *context_;
  Context::entering = &c;
  swapcontext(&c.scheduler, &c.fiber);
}

void Fiber::yield() {
  Context& c = *context_;
  swapcontext(&c.fiber, &c.scheduler);
}

}  // namespace pal::host

#endif

namespace pal::host {

Fiber::Fiber(std::size_t stack_bytes) : context_(new Context{stack_bytes, Stack(stack_bytes)}) {}
Fiber::~Fiber() = default;
Fiber::Fiber(Fiber&&) noexcept = default;
Fiber& Fiber::operator=(Fiber&&) noexcept = default;

}  // namespace pal::host
