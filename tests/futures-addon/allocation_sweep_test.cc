// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation fails in turn, in every kind of wait: who needs it is told, nothing is lost or
// left behind, and the others go on. IF13
#include <cstddef>
#include <new>
#include <utility>

#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/promise.h"
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

// The same, when a putter has taken its place in the queue.
TEST_P(AllocationSweepTest, AnItemThatComesBackToAFullQueueNeedsNone) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  FutureContext context(reactor);
  constexpr int limit = 8;  // as many as the first block holds
  AsyncQueue<int> queue(context, limit);
  for (int i = 0; i < limit; ++i) EXPECT_TRUE(queue.tryAddLast(i));
  Probe probe;
  ItemTurn<int> putter;
  queue.addLast(putter, limit, Probe::run, &probe);
  ItemTurn<int> taker;
  queue.popFirst(taker, Probe::run, &probe);
  const OutOfMemory none;
  taker.forget();
  EXPECT_EQ(queue.size(), 9U);
  EXPECT_EQ(queue[0], 0);
}

TEST_P(AllocationSweepTest, APromiseThatIsDroppedNeedsNone) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  FutureContext context(reactor);
  Future<int> future;
  {
    Promise<int> promise(context);
    future = promise.future();
    OutOfMemory none;
    none.setThrowing(true);
    { const Promise<int> dropped(std::move(promise)); }
  }
  EXPECT_TRUE(future.failed());
  EXPECT_THROW(future.read(), std::bad_alloc);
}

}  // namespace
}  // namespace kairos
