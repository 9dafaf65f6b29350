// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_SWEEP_H_
#define KAIROS_TESTS_FUTURES_ADDON_SWEEP_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/futures-addon/stage.h"

// Scenarios, each played again and again with something else that goes wrong, until it comes to its
// end without it. Each time descriptors and memory are as before. The first time, when all goes
// well, libraries take what they keep.

namespace kairos {

// With each blow at each step. How many blows there were.
int sweepBlows(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual);
// Without the memory for each allocation. How many there were.
std::size_t sweepAllocations(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual);

class CancelSweepTest : public testing::TestWithParam<BackendKind> {
 protected:
  void sweepAll(const std::vector<StageScenario>& scenarios, int blowsMin, bool isVirtual = true);
};

class AllocationSweepTest : public testing::TestWithParam<BackendKind> {
 protected:
  void sweepAll(const std::vector<StageScenario>& scenarios, bool isVirtual = true);
};

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_SWEEP_H_
