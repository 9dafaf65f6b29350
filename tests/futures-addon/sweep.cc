// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/futures-addon/sweep.h"

#include <exception>
#include <limits>
#include <set>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

// Whether it was hit.
bool playUntilHit(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual, Blow blow,
                  int at) {
  Stage stage(open, isVirtual, blow, at);
  scenario.start(stage);
  stage.run();
  EXPECT_FALSE(stage.wasStuck());
  if (!::testing::Test::HasFailure() && blow <= Blow::cancelInTheNextPoll) scenario.check(stage);
  return stage.wasHit();
}

// Whether there were so many.
bool playWithout(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual,
                 std::size_t nth) {
  constexpr int alreadyHit = 0;
  Stage stage(open, isVirtual, Blow::cancelAtOnce, alreadyHit);
  OutOfMemory none(nth, 1);
  none.setThrowing(true);
  try {
    scenario.start(stage);
  } catch (const std::exception&) {
    EXPECT_TRUE(none.happened());
    stage.abort();
  }
  stage.run();
  const MemoryAssured assured;
  if (none.happened()) return true;
  EXPECT_TRUE(stage.root().completed() && !stage.wasStuck());
  scenario.check(stage);
  return false;
}

}  // namespace

int sweepBlows(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual) {
  constexpr int stepsMax = 1000;
  EXPECT_FALSE(playUntilHit(scenario, open, isVirtual, Blow::cancelAtOnce, stepsMax));
  int blows = 0;
  for (const Blow blow : allBlows) {
    for (int at = 1; at < stepsMax; ++at) {
      SCOPED_TRACE(testing::Message()
                   << scenario.name << ", blow " << static_cast<int>(blow) << " at step " << at);
      const std::set<Fd> fdsBefore = openFds();
      const AllocationCount memoryBefore;
      const bool wasHit = playUntilHit(scenario, open, isVirtual, blow, at);
      if (::testing::Test::HasFailure()) return blows;
      EXPECT_EQ(memoryBefore.bytes(), 0);
      EXPECT_EQ(openFds(), fdsBefore);
      if (!wasHit) break;
      ++blows;
    }
  }
  return blows;
}

std::size_t sweepAllocations(const StageScenario& scenario, VirtualTime::Open open,
                             bool isVirtual) {
  constexpr std::size_t allocationsMax = 1000;
  EXPECT_FALSE(playWithout(scenario, open, isVirtual, std::numeric_limits<std::size_t>::max()));
  std::size_t nth = 1;
  for (bool happened = true; happened && nth < allocationsMax; ++nth) {
    SCOPED_TRACE(testing::Message() << scenario.name << ", allocation " << nth);
    const std::set<Fd> fdsBefore = openFds();
    const AllocationCount memoryBefore;
    happened = playWithout(scenario, open, isVirtual, nth);
    if (::testing::Test::HasFailure()) break;
    EXPECT_EQ(memoryBefore.bytes(), 0);
    EXPECT_EQ(openFds(), fdsBefore);
  }
  EXPECT_LT(nth, allocationsMax);
  return nth;
}

void CancelSweepTest::sweepAll(const std::vector<StageScenario>& scenarios, int blowsMin,
                               bool isVirtual) {
  for (const StageScenario& scenario : scenarios) {
    EXPECT_GT(sweepBlows(scenario, GetParam().open, isVirtual), blowsMin) << scenario.name;
    if (HasFailure()) return;
  }
}

void AllocationSweepTest::sweepAll(const std::vector<StageScenario>& scenarios, bool isVirtual) {
  for (const StageScenario& scenario : scenarios) {
    EXPECT_GT(sweepAllocations(scenario, GetParam().open, isVirtual), 3U) << scenario.name;
    if (HasFailure()) return;
  }
}

}  // namespace kairos
