// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SUPPORT_ALLOCATIONS_H_
#define KAIROS_TESTS_SUPPORT_ALLOCATIONS_H_

#include <cstddef>
#include <limits>

namespace kairos {

// Counts, and fails, the heap allocations of the objects linked into a test program: by the
// linker's --wrap for the malloc family and by replacing operator new; not what shared libraries
// take for themselves. Requires linkstatic. One thread only.
class AllocationCount {
 public:
  AllocationCount();
  std::size_t allocations() const;  // since this was made
  std::ptrdiff_t bytes() const;     // allocated and not freed, less what it was then

 private:
  std::size_t allocations_;
  std::size_t bytes_;
};

// While it lives, allocations fail: `times` of them, from the `nth` on, counted from 1. An operator
// new that would have to throw aborts: the library promises to use none.
class OutOfMemory {
 public:
  explicit OutOfMemory(std::size_t nth = 1,
                       std::size_t times = std::numeric_limits<std::size_t>::max());
  ~OutOfMemory();
  OutOfMemory(const OutOfMemory&) = delete;
  OutOfMemory& operator=(const OutOfMemory&) = delete;

  bool happened() const;

  // It throws std::bad_alloc then, for a library that promises no more than that.
  void setThrowing(bool throwing);

  // While it is paused, allocations succeed and are not counted.
  void setPaused(bool paused);
};

// While one lives, OutOfMemory is paused: for what a test does itself.
class MemoryAssured {
 public:
  MemoryAssured();
  ~MemoryAssured();
  MemoryAssured(const MemoryAssured&) = delete;
  MemoryAssured& operator=(const MemoryAssured&) = delete;

 private:
  const bool before_;
};

}  // namespace kairos

#endif  // KAIROS_TESTS_SUPPORT_ALLOCATIONS_H_
