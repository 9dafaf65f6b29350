// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_FAULTS_H_
#define KAIROS_TESTS_TRANSPORTS_FAULTS_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <ostream>
#include <set>
#include <system_error>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/system_calls.h"

namespace kairos {

// What goes wrong at the nth moment of something, once or from then on. It counts and fails while
// it is armed, and is gone when it is destroyed.

inline constexpr std::size_t always = std::numeric_limits<std::size_t>::max();

class NoMemory {
 public:
  NoMemory(std::size_t nth, std::size_t times) : none_(nth, times) { none_.setPaused(true); }
  void arm(bool on) { none_.setPaused(!on); }
  // What is done cannot be delivered.
  bool mayHang() const { return true; }
  std::error_condition reported() const {
    return std::make_error_condition(std::errc::not_enough_memory);
  }
  bool happened() const { return none_.happened(); }

 private:
  OutOfMemory none_;
};

struct CallFault {
  SystemCall call;
  int error;
};

inline std::ostream& operator<<(std::ostream& out, const CallFault& fault) {
  return out << "call " << static_cast<int>(fault.call) << ": " << fault.error;
}

class FailedCall {
 public:
  FailedCall(const CallFault& fault, std::size_t nth, std::size_t times)
      : call_(fault.call), error_(fault.error) {
    pauseFailures(true);
    failCalls(call_, fault.error, times, nth - 1);
  }
  ~FailedCall() {
    failCalls(call_, 0, 0);
    pauseFailures(false);
  }
  FailedCall(const FailedCall&) = delete;
  FailedCall& operator=(const FailedCall&) = delete;
  void arm(bool on) { pauseFailures(!on); }
  bool mayHang() const { return false; }
  std::error_condition reported() const { return {error_, std::generic_category()}; }
  bool happened() const { return hasFailed(call_); }

 private:
  const SystemCall call_;
  const int error_;
};

// Plays with a fault at its first moment, at the next one, and so on, until it does not happen any
// more, or the test has failed. How often it happened; no descriptor is left.
template <class MakeFault, class Play>
std::size_t sweepFaults(MakeFault makeFault, Play play, std::size_t step = 1) {
  constexpr std::size_t momentsMax = 20'000;
  const std::set<Fd> before = openFds();
  std::size_t count = 0;
  for (std::size_t nth = 1; nth < momentsMax; nth += step, ++count) {
    SCOPED_TRACE(testing::Message() << "fault " << nth);
    const auto fault = makeFault(nth);
    play(*fault);
    if (!fault->happened() || testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(openedSince(before), std::set<Fd>());
  return count;
}

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_FAULTS_H_
