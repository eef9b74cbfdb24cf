/*
 * fiber.h - cooperative threads for the host emulation: each CUDA thread of a block is one fiber.
 *
 * A fiber is a stack and a saved stack pointer. Switching saves the callee-saved registers on the old stack and takes
 * them from the new one: a few nanoseconds on x86-64, where ucontext would enter the kernel twice for the signal mask.
 * Other processors use ucontext.
 */
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace pal::host {

class Fiber {
 public:
  explicit Fiber(std::size_t stack_bytes);
  ~Fiber();
  Fiber(Fiber&&) noexcept;
  Fiber& operator=(Fiber&&) noexcept;

  /* Prepares the fiber to run `body(argument)` at its next resume; whatever it ran before is dropped. */
  void start(void (*body)(void*), void* argument);
  /* Runs the fiber until it yields or its body returns. Called by the scheduler only. */
  void resume();
  /* Goes back to the scheduler. Called inside the fiber only. */
  void yield();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace pal::host
