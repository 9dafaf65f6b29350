// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation fails in turn, in every kind of wait: who needs it is told, nothing is lost or
// left behind, and the others go on. IF13
#include <cstddef>
#include <new>

#include "kairos/futures-addon/async_queue.h"
#include "kairos/tests/futures-addon/sweep.h"
#include "kairos/tests/support/allocations.h"

namespace kairos {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, AllocationSweepTest, backends(), backendName);

TEST_P(AllocationSweepTest, WaitsSurviveTheFailureOfAnyOne) { sweepAll(waitScenarios); }

TEST_P(AllocationSweepTest, TurnsSurviveTheFailureOfAnyOne) { sweepAll(turnScenarios); }

TEST_P(AllocationSweepTest, TransportsSurviveTheFailureOfAnyOne) { sweepAll(transportScenarios); }

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
