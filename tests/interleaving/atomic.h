// SPDX-License-Identifier: MIT OR Apache-2.0
// In the place of transports/detail/atomic.h: each operation is a step of its own.
#ifndef KAIROS_TESTS_INTERLEAVING_ATOMIC_H_
#define KAIROS_TESTS_INTERLEAVING_ATOMIC_H_

#include <atomic>

#include "kairos/tests/interleaving/schedules.h"

namespace kairos::detail {

template <class T>
class Atomic {
 public:
  explicit Atomic(T value) noexcept : value_(value) {}

  T load(std::memory_order order) const noexcept {
    Schedules::step();
    return value_.load(order);
  }
  T exchange(T value, std::memory_order order) noexcept {
    Schedules::step();
    return value_.exchange(value, order);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order success,
                             std::memory_order failure) noexcept {
    Schedules::step();
    return value_.compare_exchange_strong(expected, value, success, failure);
  }
  T fetch_add(T count, std::memory_order order) noexcept {
    Schedules::step();
    return value_.fetch_add(count, order);
  }
  T fetch_sub(T count, std::memory_order order) noexcept {
    Schedules::step();
    return value_.fetch_sub(count, order);
  }

 private:
  std::atomic<T> value_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TESTS_INTERLEAVING_ATOMIC_H_
