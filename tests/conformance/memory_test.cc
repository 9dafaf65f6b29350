// SPDX-License-Identifier: MIT OR Apache-2.0
// Memory: how much, when it is taken and given back, and what happens without any.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

void ignore(void*) {}

class MemoryTest : public RealTimeTest {
 protected:
  // Memory of the first timers and of their lists, which is kept.
  static constexpr std::ptrdiff_t timerBlock = 128 << 10;

  // Adds timers of `next()` and compares what they take with `bytesEach`.
  template <class Next>
  void expectBytesPerTimer(std::ptrdiff_t bytesEach, Next next) {
    const AllocationCount before;
    std::ptrdiff_t pending = 0;
    // At and right after powers of two, where an array that doubles would have doubled.
    for (const std::ptrdiff_t many : {1'000, 1'025, 16'385, 100'000, 131'073, 1'000'000}) {
      for (; pending < many; ++pending) {
        ASSERT_NE(reactor_.addTimer(next(), ignore, nullptr), TimerId::none);
      }
      EXPECT_LE(before.bytes(), many * bytesEach + timerBlock) << many;
    }
  }

  // What keeps the memory of many timers for those that may come again.
  void pollWithoutTimers(int times) {
    while (times-- > 0) EXPECT_EQ(poll(0ms), 0u);
  }

  TimerId addIdleTimer(Clock::duration delay) { return reactor_.addTimer(delay, ignore, nullptr); }
};

INSTANTIATE_TEST_SUITE_P(Backends, MemoryTest, backends(), backendName);

// R68
TEST_P(MemoryTest, AllocatesNothingInTheSteadyState) {
  const Pair ends = pair();
  Probe reader([&] { drain(ends.near.get()); });
  const auto round = [&](int i) {
    writeByte(ends.far.get());
    const TimerId timeout = addIdleTimer(1h);
    addIdleTimer(0ms);
    if (i % 2 == 0) addIdleTimer(1us);
    EXPECT_FALSE(reactor_.addWriter(ends.near.get(), ignore, nullptr));
    if (i % 3 == 0) poll(0ms);
    EXPECT_TRUE(reactor_.removeWriter(ends.near.get()));
    poll(0ms);
    EXPECT_TRUE(reactor_.removeTimer(timeout));
    if (i % 5 == 0) {
      EXPECT_TRUE(reactor_.removeReader(ends.near.get()));
      addReader(ends.near.get(), reader);
    }
  };
  addReader(ends.near.get(), reader);
  addIdleTimer(24h);  // so that the timers' memory is not given back
  for (int i = 0; i < 1000; ++i) round(i);
  const AllocationCount count;
  for (int i = 0; i < 100'000; ++i) round(i);
  EXPECT_EQ(count.allocations(), 0u);
  addIdleTimer(24h);
  const auto inUse = std::make_unique<int>(0);
  EXPECT_GT(count.allocations(), 0u) << "this count would have seen it";
}

// R39
TEST_P(MemoryTest, UsesTheMemoryOfRemovedTimersAgain) {
  std::vector<TimerId> timers(10'000);
  const auto fill = [&] {
    for (TimerId& timer : timers) timer = addIdleTimer(1h);
  };
  const auto removeAll = [&] {
    for (const TimerId timer : timers) EXPECT_TRUE(reactor_.removeTimer(timer));
  };
  const AllocationCount before;
  const TimerId live[] = {addIdleTimer(1min), addIdleTimer(2min), addIdleTimer(3min)};
  fill();
  removeAll();
  const AllocationCount peak;
  fill();
  EXPECT_EQ(peak.allocations(), 0u) << "up to the former peak";
  removeAll();
  for (const TimerId timer : live) EXPECT_TRUE(reactor_.removeTimer(timer));
  pollWithoutTimers(63);
  fill();
  EXPECT_EQ(peak.allocations(), 0u) << "kept for a while";
  EXPECT_EQ(poll(0ms), 0u);
  removeAll();
  pollWithoutTimers(63);
  EXPECT_GT(before.bytes(), timerBlock) << "timers in between count";
  pollWithoutTimers(1);
  EXPECT_LE(before.bytes(), timerBlock) << "given back";
}

// R42
TEST_P(MemoryTest, TakesAtMost64BytesPerPendingTimer) {
  Random random;
  expectBytesPerTimer(64, [&] { return random.below(3'600'000'000) * 1us + 1h; });
}

// R42
TEST_P(MemoryTest, TakesAtMost64BytesPerTimerThatIsDueWhenAdded) {
  const AllocationCount before;
  const auto past = Clock::now() - 1h;
  expectBytesPerTimer(64, [&] { return past; });
  EXPECT_EQ(poll(0ms), 1'000'000u);
  pollWithoutTimers(64);
  EXPECT_LE(before.bytes(), timerBlock);
}

// R42
TEST_P(MemoryTest, IsGivenBackAfterManyDueTimers) {
  const AllocationCount before;
  const auto past = Clock::now() - 1h;
  for (int i = 0; i < 30'000; ++i) reactor_.addTimer(past, ignore, nullptr);
  EXPECT_GT(before.bytes(), timerBlock);
  EXPECT_EQ(poll(0ms), 30'000u);
  pollWithoutTimers(64);
  EXPECT_LE(before.bytes(), timerBlock);
}

// R65
TEST_P(MemoryTest, TakesNoneForARefusedDescriptor) {
  const AllocationCount count;
  const UniqueFd directory(::open("/", O_RDONLY | O_CLOEXEC));
  for (const Fd fd : {-1, std::numeric_limits<Fd>::max(), std::numeric_limits<Fd>::min(), 1'000'000,
                      unusedFd(), directory.get()}) {
    EXPECT_TRUE(reactor_.addReader(fd, ignore, nullptr)) << fd;
    EXPECT_TRUE(reactor_.addWriter(fd, ignore, nullptr)) << fd;
    EXPECT_FALSE(reactor_.removeReader(fd));
  }
  EXPECT_EQ(count.allocations(), 0u);
  EXPECT_EQ(count.bytes(), 0);
}

// R64
TEST_P(MemoryTest, TakesLittleForTheHighestDescriptorThatTheLimitAllows) {
  constexpr std::size_t sensible = 1u << 20;  // more would be the kernel's memory, not ours
  const auto highest = static_cast<Fd>(std::min(raiseFdLimit(), sensible) - 1);
  const UniqueFd ready = counter(1);
  duplicateTo(ready.get(), highest);
  const UniqueFd high(highest);
  Probe reader;
  const AllocationCount count;
  addReader(high.get(), reader);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_TRUE(reactor_.removeReader(high.get()));
  EXPECT_LT(count.bytes(), 8 << 20);
}

// R71
TEST_P(MemoryTest, IsGivenBackByTheDestructor) {
  const AllocationCount count;
  {
    Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
    std::deque<UniqueFd> counters;
    for (int i = 0; i < 200; ++i) {
      EXPECT_FALSE(reactor.addReader(counters.emplace_back(counter(1)).get(), ignore, nullptr));
      reactor.addTimer(i * 1h, ignore, nullptr);
    }
    for (int i = 0; i < 3; ++i) reactor.poll(0ms);
    EXPECT_GT(count.bytes(), 0);
  }
  EXPECT_EQ(count.bytes(), 0);
}

TEST_P(MemoryTest, GrowsWithTheNumberOfRegistrationsNotWithTheirHistory) {
  const auto churn = [&] {
    for (int i = 0; i < 100'000; ++i) {
      const UniqueFd ready = counter(1);
      EXPECT_FALSE(reactor_.addReader(ready.get(), ignore, nullptr));
      EXPECT_TRUE(reactor_.removeTimer(addIdleTimer(1h)));
      if (i % 100 == 0) poll(0ms);
      EXPECT_TRUE(reactor_.removeReader(ready.get()));
    }
  };
  churn();
  const AllocationCount count;
  churn();
  EXPECT_EQ(count.bytes(), 0);
}

// Each allocation of the core fails in turn: a sensible answer, and nothing is left behind.
class OutOfMemoryTest : public RealTimeTest {
 protected:
  // Calls `call`, which says whether it succeeded, until no allocation of it fails any more, and
  // `check` after each failure; how often one did.
  template <class Call, class Check>
  static std::size_t failEachAllocationOf(Call call, Check check) {
    for (std::size_t nth = 1; nth < 1000; ++nth) {
      bool succeeded = false;
      bool failed = false;
      {
        const OutOfMemory none(nth);
        succeeded = call();
        failed = none.happened();
      }
      EXPECT_EQ(succeeded, !failed) << nth;
      if (!failed) return nth - 1;
      check();
    }
    return 1000;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, OutOfMemoryTest, backends(), backendName);

TEST_P(OutOfMemoryTest, IsReportedByTheAdditionOfADescriptor) {
  const UniqueFd ready = counter(1);
  Probe probe;
  std::error_code error;
  const std::size_t failures = failEachAllocationOf(
      [&] { return !(error = reactor_.addReader(ready.get(), Probe::run, &probe)); },
      [&] {
        EXPECT_EQ(error, std::errc::not_enough_memory);
        EXPECT_FALSE(reactor_.removeReader(ready.get()));
        EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
        for (const Fd epoll : epollFds()) EXPECT_TRUE(kernelSet(epoll).empty());
      });
  EXPECT_GT(failures, 0u);
  EXPECT_EQ(poll(0ms), 1u);
}

TEST_P(OutOfMemoryTest, IsReportedByTheAdditionOfATimer) {
  Probe timer;
  std::size_t added = 0;
  const auto add = [&](auto when) {
    return failEachAllocationOf(
        [&] {
          const bool success = reactor_.addTimer(when, Probe::run, &timer) != TimerId::none;
          added += success ? 1u : 0u;
          return success;
        },
        [] {});
  };
  EXPECT_GT(add(Clock::duration(0)), 0u);
  add(Clock::duration(1));
  add(Clock::now());
  add(Clock::duration(1ms));
  const OutOfMemory none;  // polling takes none
  std::size_t ran = 0;
  while (ran < added) {
    const PollResult result = reactor_.poll(10s);
    ASSERT_FALSE(result.error);
    ASSERT_GT(result.callbacks, 0u);
    ran += result.callbacks;
  }
  EXPECT_EQ(timer.runs(), added);
}

TEST_P(OutOfMemoryTest, DoesNotKeepPollFromServingWhatIsRegistered) {
  std::deque<UniqueFd> counters;
  std::deque<Probe> probes;
  for (int i = 0; i < 300; ++i) {
    addReader(counters.emplace_back(counter(1)).get(), probes.emplace_back());
  }
  const OutOfMemory none;
  for (int i = 0; i < 20; ++i) {
    const PollResult result = reactor_.poll(0ms);
    ASSERT_FALSE(result.error);
    ASSERT_GT(result.callbacks, 0u);
  }
  for (const Probe& probe : probes) EXPECT_GT(probe.runs(), 0u);
}

TEST_P(OutOfMemoryTest, IsReportedByEachCallOfAReactorThatCouldNotBeMade) {
  const UniqueFd ready = counter(1);
  const std::set<Fd> before = openFds();
  const std::size_t failures = failEachAllocationOf(
      [&] {
        Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
        const bool whole = !reactor.poll(0ms).error;
        if (!whole) {
          EXPECT_EQ(reactor.poll(Reactor::forever).error, std::errc::not_enough_memory);
          EXPECT_EQ(reactor.addReader(ready.get(), ignore, nullptr), std::errc::not_enough_memory);
          EXPECT_EQ(reactor.addWriter(ready.get(), ignore, nullptr), std::errc::not_enough_memory);
          EXPECT_FALSE(reactor.removeReader(ready.get()));
          EXPECT_FALSE(reactor.removeTimer(TimerId::none));
        }
        return whole;
      },
      [&] { EXPECT_EQ(openFds(), before); });
  EXPECT_GT(failures, 0u);
}

// The constructor that users call.
TEST(DefaultReactorOutOfMemoryTest, IsReportedByEachCall) {
  std::size_t failures = 0;
  for (std::size_t nth = 1; nth < 100; ++nth) {
    const OutOfMemory none(nth);
    Reactor reactor;
    const std::error_code error = reactor.poll(0ms).error;
    if (!none.happened()) break;
    ++failures;
    EXPECT_TRUE(!error || error == std::errc::not_enough_memory) << error.message();
  }
  EXPECT_GT(failures, 0u);
}

}  // namespace
}  // namespace kairos
