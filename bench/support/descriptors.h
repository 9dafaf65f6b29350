// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_SUPPORT_DESCRIPTORS_H_
#define KAIROS_BENCH_SUPPORT_DESCRIPTORS_H_

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <vector>

#include "kairos/bench/support/check.h"

namespace kairos::bench {

// Raises the soft limit of open descriptors to the hard one; returns it, or 2^20 if it is higher.
std::size_t raiseDescriptorLimit();

// How many descriptors a workload may open: the limit less what the program and a loop need.
std::size_t descriptorsAvailable();

// Descriptors that are closed with it.
class Descriptors {
 public:
  Descriptors() = default;
  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;
  ~Descriptors();

  int operator[](std::size_t i) const { return all_[i]; }
  std::size_t size() const { return all_.size(); }
  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }

  // Appends `count` eventfds, readable when `value` is not 0.
  void openEvents(std::size_t count, unsigned value);

  // Appends `count` socketpairs: the ends of pair i are at 2i and 2i + 1.
  void openPairs(std::size_t count);

 private:
  void adopt(int fd);

  std::vector<int> all_;
};

// One zeroed slot per possible descriptor, at an address that stays: memory that is not touched
// costs nothing. For loops whose API wants an object of the caller per descriptor.
template <class Slot>
class DescriptorTable {
 public:
  DescriptorTable() {
    static_assert(std::is_trivially_copyable_v<Slot>);
    slots_.reset(static_cast<Slot*>(std::calloc(raiseDescriptorLimit(), sizeof(Slot))));
    check(slots_ != nullptr, "memory for the descriptor table");
  }

  Slot& operator[](int fd) { return slots_.get()[fd]; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  std::unique_ptr<Slot, Free> slots_;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_SUPPORT_DESCRIPTORS_H_
