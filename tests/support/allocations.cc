// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/support/allocations.h"

#include <bits/functexcept.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <new>

namespace kairos {
namespace {

std::size_t allocationCount = 0;
std::size_t liveBytes = 0;
std::size_t untilFailure = 0;  // allocations that still succeed, plus one
std::size_t failuresLeft = 0;
bool pausing = false;
bool failed = false;
bool throwingAllowed = false;

bool mustFail() {
  if (failuresLeft == 0 || pausing) return false;
  if (untilFailure > 1) {
    --untilFailure;
    return false;
  }
  --failuresLeft;
  return failed = true;
}

void* count(void* memory) {
  if (memory != nullptr) {
    ++allocationCount;
    liveBytes += ::malloc_usable_size(memory);
  }
  return memory;
}

}  // namespace

AllocationCount::AllocationCount() : allocations_(allocationCount), bytes_(liveBytes) {}

std::size_t AllocationCount::allocations() const { return allocationCount - allocations_; }

std::ptrdiff_t AllocationCount::bytes() const {
  return static_cast<std::ptrdiff_t>(liveBytes) - static_cast<std::ptrdiff_t>(bytes_);
}

OutOfMemory::OutOfMemory(std::size_t nth, std::size_t times) {
  failed = pausing = throwingAllowed = false;
  untilFailure = nth;
  failuresLeft = times;
}

OutOfMemory::~OutOfMemory() {
  failuresLeft = 0;
  throwingAllowed = false;
}

bool OutOfMemory::happened() const { return failed; }

void OutOfMemory::setThrowing(bool throwing) { throwingAllowed = throwing; }

void OutOfMemory::setPaused(bool paused) { pausing = paused; }

MemoryAssured::MemoryAssured() : before_(pausing) { pausing = true; }

MemoryAssured::~MemoryAssured() { pausing = before_; }

// The names that the linker gives to a wrapped symbol and to what it stood for.
extern "C" {

void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* memory, std::size_t size);
void __real_free(void* memory);

void* __wrap_malloc(std::size_t size) { return mustFail() ? nullptr : count(__real_malloc(size)); }

void* __wrap_calloc(std::size_t number, std::size_t size) {
  return mustFail() ? nullptr : count(__real_calloc(number, size));
}

void* __wrap_realloc(void* memory, std::size_t size) {
  if (mustFail()) return nullptr;
  const std::size_t before = memory != nullptr ? ::malloc_usable_size(memory) : 0;
  void* const grown = __real_realloc(memory, size);
  if (grown != nullptr) liveBytes -= before;
  return count(grown);
}

void __wrap_free(void* memory) {
  if (memory != nullptr) liveBytes -= ::malloc_usable_size(memory);
  __real_free(memory);
}

}  // extern "C"

}  // namespace kairos

// All forms end in these two; the array and nothrow forms of the standard library call them.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return kairos::__wrap_malloc(size);
}

void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return kairos::__wrap_malloc(size);
}

void* operator new(std::size_t size) {
  void* const memory = kairos::__wrap_malloc(size);
  if (memory != nullptr) return memory;
  if (kairos::throwingAllowed) std::__throw_bad_alloc();  // also without exceptions of our own
  std::fputs("operator new was called for lack of memory to throw\n", stderr);
  std::abort();
}

void* operator new[](std::size_t size) { return ::operator new(size); }

void operator delete(void* memory) noexcept { kairos::__wrap_free(memory); }
void operator delete(void* memory, std::size_t) noexcept { kairos::__wrap_free(memory); }
void operator delete[](void* memory) noexcept { kairos::__wrap_free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { kairos::__wrap_free(memory); }
