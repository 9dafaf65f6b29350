// SPDX-License-Identifier: MIT OR Apache-2.0
// What a ThreadSignal takes of descriptors and of memory, with one thread.
#include <sys/select.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

class ThreadSignalCostTest : public testing::Test {
 protected:
  void poll(Clock::duration timeout) { EXPECT_FALSE(reactor_.poll(timeout).error); }
  Future<> waitOn(const ThreadSignal& signal) {
    return asFuture(futures_, signal.wait(transports_));
  }
  void expectNothingRegistered() {
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }

  Reactor reactor_;
  FutureContext futures_{reactor_};
  TransportContext transports_{reactor_};
};

// F90
TEST_F(ThreadSignalCostTest, IsRegisteredByAWaitAndFreedAfterItsClose) {
  poll(Clock::duration::zero());
  const auto before = openFds();
  {
    const ThreadSignal signal;
    EXPECT_EQ(openedSince(before).size(), 1U);
    expectNothingRegistered();
    Future<> waiting = waitOn(signal);
    signal.fire();
    while (!waiting.finished()) poll(Reactor::forever);
    EXPECT_TRUE(waiting.completed());
    expectNothingRegistered();
    signal.close();
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// F90: while somebody waits, its last handle may go.
TEST_F(ThreadSignalCostTest, IsFreedByTheEndOfAWait) {
  poll(Clock::duration::zero());
  const auto before = openFds();
  Future<> waiting = waitOn(ThreadSignal());
  EXPECT_FALSE(openedSince(before).empty());
  EXPECT_TRUE(waiting.tryCancel());
  while (!waiting.finished()) poll(Reactor::forever);
  waiting = Future<>();
  EXPECT_TRUE(openedSince(before).empty());
}

// F94
TEST_F(ThreadSignalCostTest, IsWaitedForWhateverTheNumberOfItsDescriptor) {
  constexpr Fd most = FD_SETSIZE;
  if (raiseFdLimit() < 2 * most) GTEST_SKIP() << "too few descriptors";
  std::vector<UniqueFd> others;
  others.push_back(counter());
  while (others.back().get() < most) others.push_back(duplicate(others.front().get()));
  const auto before = openFds();
  const ThreadSignal signal;
  ASSERT_GT(*openedSince(before).begin(), most);
  const auto start = Clock::now();
  EXPECT_FALSE(signal.waitSync(milliseconds(1)));
  EXPECT_GE(Clock::now() - start, milliseconds(1));
  signal.fire();
  EXPECT_TRUE(signal.waitSync(seconds(30)));
  Future<> waiting = waitOn(signal);
  signal.fire();
  while (!waiting.finished()) poll(Reactor::forever);
  EXPECT_TRUE(waiting.completed());
}

const ThreadSignal* firedByHandler = nullptr;

// F95
TEST_F(ThreadSignalCostTest, IsFiredWithoutMemory) {
  const ThreadSignal signal;
  firedByHandler = &signal;
  struct sigaction before {};
  struct sigaction fire {};
  fire.sa_handler = [](int) { firedByHandler->fire(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &fire, &before), 0);
  {
    const AllocationCount count;
    for (int i = 0; i < 100; ++i) {
      signal.fire();
      EXPECT_TRUE(signal.waitSync(Clock::duration::zero()));
      errno = 4711;
      ::raise(SIGUSR1);
      EXPECT_EQ(errno, 4711);
      EXPECT_TRUE(signal.waitSync(Clock::duration::zero()));
    }
    EXPECT_EQ(count.allocations(), 0U);
  }
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

}  // namespace
}  // namespace kairos
