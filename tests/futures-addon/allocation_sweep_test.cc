// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation fails in turn, in every kind of wait: who needs it is told, nothing is lost or
// left behind, and the others go on. IF13
#include <exception>
#include <limits>
#include <new>
#include <set>

#include "kairos/futures-addon/async_queue.h"
#include "kairos/tests/futures-addon/stage.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

// Whether there were so many.
bool play(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual, std::size_t nth) {
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

// The first time, when none fails, libraries take what they keep.
std::size_t sweep(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual) {
  constexpr std::size_t allocationsMax = 1000;
  EXPECT_FALSE(play(scenario, open, isVirtual, std::numeric_limits<std::size_t>::max()));
  std::size_t nth = 1;
  for (bool happened = true; happened && nth < allocationsMax; ++nth) {
    SCOPED_TRACE(testing::Message() << scenario.name << ", allocation " << nth);
    const std::set<Fd> fdsBefore = openFds();
    const AllocationCount memoryBefore;
    happened = play(scenario, open, isVirtual, nth);
    if (::testing::Test::HasFailure()) break;
    EXPECT_EQ(memoryBefore.bytes(), 0);
    EXPECT_EQ(openFds(), fdsBefore);
  }
  EXPECT_LT(nth, allocationsMax);
  return nth;
}

class AllocationSweepTest : public testing::TestWithParam<BackendKind> {
 protected:
  void sweepAll(const std::vector<StageScenario>& scenarios, bool isVirtual = true) {
    for (const StageScenario& scenario : scenarios) {
      EXPECT_GT(sweep(scenario, GetParam().open, isVirtual), 3U) << scenario.name;
      if (HasFailure()) return;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, AllocationSweepTest, backends(), backendName);

TEST_P(AllocationSweepTest, WaitsSurviveTheFailureOfAnyOne) { sweepAll(waitScenarios); }

TEST_P(AllocationSweepTest, TurnsSurviveTheFailureOfAnyOne) { sweepAll(turnScenarios); }

TEST_P(AllocationSweepTest, TransportsSurviveTheFailureOfAnyOne) { sweepAll(transportScenarios); }

TEST_P(AllocationSweepTest, WhatNeedsALibrarySurvivesTheFailureOfAnyOne) {
  sweepAll(libraryScenarios);
}

TEST_P(AllocationSweepTest, ProcessesAndSignalsSurviveTheFailureOfAnyOne) {
  sweepAll(slowScenarios, false);
}

TEST_P(AllocationSweepTest, AContextThatCannotBeMadeThrows) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  const OutOfMemory none(1, 1);
  EXPECT_THROW(FutureContext context(reactor), std::bad_alloc);
}

// IF9: an item that was handed over to one that goes before it knows, when there is no memory.
TEST_P(AllocationSweepTest, AnItemThatComesBackNeedsNone) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  FutureContext context(reactor);
  AsyncQueue<int> queue(context);
  {
    Probe probe;
    ItemTurn<int> turns[9];
    for (auto& turn : turns) queue.popFirst(turn, Probe::run, &probe);
    for (int i = 0; i < 9; ++i) EXPECT_TRUE(queue.tryAddLast(i));
    EXPECT_TRUE(queue.empty());
    const OutOfMemory none;
    for (auto& turn : turns) turn.forget();
    EXPECT_EQ(probe.runs(), 0U);
  }
  EXPECT_EQ(queue.size(), 9U);
}

}  // namespace
}  // namespace kairos
