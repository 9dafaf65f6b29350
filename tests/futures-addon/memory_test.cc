// SPDX-License-Identifier: MIT OR Apache-2.0
// What futures and coroutines allocate.
#include <new>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/allocations.h"

namespace kairos {
namespace {

class MemoryTest : public FutureTest {
 protected:
  // How often `work` allocates when it has been done before.
  template <class Work>
  std::size_t allocationsOf(Work work) {
    for (int i = 0; i < 10; ++i) repeat(work);
    const AllocationCount count;
    for (int i = 0; i < 100; ++i) repeat(work);
    return count.allocations();
  }

 private:
  // What the test's clock has recorded is not the subject.
  template <class Work>
  void repeat(Work work) {
    work();
    time_.forget();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, MemoryTest, backends(), backendName);

Future<int> half(FutureContext&, int value) { co_return value / 2; }
Future<int> sleepy(FutureContext& context, int value) {
  co_await sleepAsync(context, milliseconds(1));
  co_return value + co_await half(context, value);
}

TEST_P(MemoryTest, IsTakenAgainByPromisesAndCallbacks) {
  Probe probe;
  EXPECT_EQ(allocationsOf([&] {
              Promise<int> promise(context_);
              promise.future().addCallback(Probe::run, &probe);
              promise.complete(1);
              settle();
            }),
            0U);
  EXPECT_EQ(probe.runs(), 110U);
}

TEST_P(MemoryTest, IsTakenAgainByCoroutinesAndSleeps) {
  EXPECT_EQ(allocationsOf([&] { EXPECT_EQ(waitFor(context_, sleepy(context_, 4)), 6); }), 0U);
}

TEST_P(MemoryTest, IsTakenAgainByWhatIsMadeOfFutures) {
  EXPECT_EQ(allocationsOf([&] {
              waitFor(context_, withTimeout(sleepy(context_, 1), seconds(1)));
              waitFor(context_, wait(sleepy(context_, 1), seconds(1)));
              waitFor(context_, sleepy(context_, 1) and sleepy(context_, 2));
              waitFor(context_, allFutures(sleepy(context_, 1), sleepy(context_, 2)));
              waitFor(context_, noCancel(sleepy(context_, 1)));
              waitFor(context_, cancelAndWait(sleepy(context_, 1)));
              asyncSpawn(context_, sleepy(context_, 1));
              drain(context_, seconds(1));
            }),
            0U);
}

Future<int> withoutContext(int value) { co_return value; }

// One for each call: the frame.
TEST_P(MemoryTest, IsAllocatedOnceForACallWithoutContext) {
  EXPECT_EQ(allocationsOf([&] { EXPECT_EQ(withoutContext(1).read(), 1); }), 100U);
}

// IX2, IF7
TEST_P(MemoryTest, GoesBack) {
  const AllocationCount count;
  {
    std::vector<Future<int>> all;
    for (int i = 0; i < 100'000; ++i) all.push_back(sleepy(context_, i));
    EXPECT_GE(context_.liveBlocks(), 100'000U);
    for (Future<int>& future : all) future.tryCancel();
    settle();
  }
  EXPECT_EQ(context_.liveBlocks(), 0U);
  for (int i = 0; i < 64; ++i) poll();  // without timers: their memory goes back
  EXPECT_LE(count.bytes(), 3 << 20);
}

// IF13: whichever allocation fails, the call that needed it says so, or the coroutine in which that
// was, and nothing is lost.
TEST_P(MemoryTest, IsMissedByWhoNeedsIt) {
  bool happened = true;
  std::size_t nth = 0;
  while (happened && nth < 100) {
    Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
    FutureContext context(reactor);
    OutOfMemory none(++nth, 1);
    bool isTold = false;
    try {
      EXPECT_EQ(waitFor(context, wait(noCancel(sleepy(context, 2)), seconds(1))), 3);
    } catch (const std::bad_alloc&) {
      isTold = true;
    }
    happened = none.happened();
    EXPECT_EQ(isTold, happened) << nth;
    drain(context, seconds(5));
    EXPECT_FALSE(context.hasPendingOperations());
    EXPECT_EQ(context.liveBlocks(), 0U);
  }
  EXPECT_GT(nth, 5U);
  EXPECT_LT(nth, 100U);
}

}  // namespace
}  // namespace kairos
