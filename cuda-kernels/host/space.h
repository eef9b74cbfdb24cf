/*
 * space.h - the emulated device's memory: one reserved range of addresses, so that a pointer into it is known by one comparison.
 * Its first part is the shared memory of the block that runs, the rest is for cudaMalloc.
 */
#pragma once

#include <cstddef>
#include <cstdint>

namespace pal::host {

constexpr std::size_t kSpaceBytes = std::size_t{4} << 30;
constexpr std::size_t kSharedWindow = std::size_t{1} << 20;

/* Where it begins; no address at all before the first use of space(). */
extern std::uintptr_t space_begin;

/* Reserves the range at the first call; ends the program if there is no room for it. */
unsigned char* space();

/* `bytes` of addresses that take memory only where they are touched, zeros at first; ends the program if it cannot. */
void* reserve(std::size_t bytes);
void give_back(void* reserved, std::size_t bytes);

}  // namespace pal::host
