// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation of the core fails, in every scenario: the call that needed it says so, nothing is
// lost or left behind, and afterwards all works.
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/sweeps/sweep.h"

namespace kairos {
namespace {

class NoMemory final : public Fault {
 public:
  NoMemory(std::size_t nth, std::size_t times)
      : Fault(std::errc::not_enough_memory), none_(nth, times) {
    none_.setPaused(true);
  }
  bool happened() const override { return none_.happened(); }
  void setArmed(bool armed) override { none_.setPaused(!armed); }

 private:
  OutOfMemory none_;
};

using AllocationSweep = testing::TestWithParam<Maker>;

INSTANTIATE_TEST_SUITE_P(Reactors, AllocationSweep, makers(), makerName);

TEST_P(AllocationSweep, SurvivesTheFailureOfAnyOne) {
  const auto fail = [](std::size_t nth) { return std::make_unique<NoMemory>(nth, 1); };
  EXPECT_GT(sweep(GetParam(), fail), 20u);
}

TEST_P(AllocationSweep, SurvivesTheFailureOfAllFromAnyOneOn) {
  const auto fail = [](std::size_t nth) {
    return std::make_unique<NoMemory>(nth, std::numeric_limits<std::size_t>::max());
  };
  EXPECT_GT(sweep(GetParam(), fail), 20u);
}

}  // namespace
}  // namespace kairos
