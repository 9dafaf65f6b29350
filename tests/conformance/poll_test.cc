// SPDX-License-Identifier: MIT OR Apache-2.0
// One poll: what it waits for, what it runs, what it returns. On virtual time.
#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using PollTest = VirtualTimeTest;

INSTANTIATE_TEST_SUITE_P(Backends, PollTest, backends(), backendName);

// R01
TEST_P(PollTest, RunsATimerThatWasAddedBeforeAnythingElse) {
  Probe timer;
  addTimer(time_.now(), timer);
  EXPECT_EQ(timer.runs(), 0u) << "inside addTimer";
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(timer.runs(), 1u);
}

// R02
TEST_P(PollTest, ReturnsAlthoughATimerIsReaddedForEver) {
  Probe again;
  again.setAction([&] {
    time_.advance(1ms);
    addTimer(time_.now(), again);
  });
  addTimer(time_.now(), again);
  Probe chained;
  chained.setAction([&] {
    if (chained.runs() < 5) addTimer(10ms, chained);
  });
  addTimer(10ms, chained);
  std::size_t polls = 0;
  while (chained.runs() < 5 && polls < 1000) {
    poll(Reactor::forever);
    ++polls;
  }
  EXPECT_EQ(chained.runs(), 5u);
  EXPECT_EQ(again.runs(), polls) << "once in each";
  EXPECT_GT(polls, 10u);
}

// R03
TEST_P(PollTest, WaitsOnceForADistantTimer) {
  Probe timer;
  addTimer(1000ms, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.waits(), Waits{1000ms});
}

// R03
TEST_P(PollTest, WaitsAgainOnlyWhenItsTimeoutEnds) {
  Probe timer;
  addTimer(40ms, timer);
  while (timer.runs() == 0 && time_.waits().size() < 100) poll(10ms);
  EXPECT_EQ(time_.waits(), Waits(4, 10ms));
}

// R04
TEST_P(PollTest, PollsARepeatedTimerNoMoreThanNeeded) {
  Probe timer;
  timer.setAction([&] { addTimer(1000ms, timer); });
  addTimer(1000ms, timer);
  while (time_.elapsed() < 3s && time_.waits().size() < 100) poll(500ms);
  EXPECT_EQ(timer.runs(), 3u);
  EXPECT_EQ(time_.waits(), Waits(6, 500ms));
}

// R05
TEST_P(PollTest, DoesNotWaitWhenATimerIsDue) {
  Probe timer;
  addTimer(time_.now(), timer);
  EXPECT_EQ(poll(2000ms), 1u);
  EXPECT_EQ(time_.waits(), Waits{0ms});
}

// R05
TEST_P(PollTest, ReturnsAsSoonAsADescriptorIsReady) {
  const Pair ends = pair();
  Probe reader;
  addReader(ends.near.get(), reader);
  writeByte(ends.far.get());
  EXPECT_EQ(poll(2000ms), 1u);
  EXPECT_EQ(time_.elapsed(), 0ms);
}

// R07
TEST_P(PollTest, WaitsForATimerThatIsDueBeforeItsTimeout) {
  Probe timer;
  addTimer(1ms, timer);
  EXPECT_EQ(poll(500ms), 1u);
  EXPECT_EQ(time_.elapsed(), 1ms);
}

// R07
TEST_P(PollTest, RunsATimerThatBecameDueInACallbackWithoutWaiting) {
  Probe slow([&] { time_.advance(80ms); });
  Probe next;
  addTimer(40ms, slow);
  addTimer(100ms, next);
  EXPECT_EQ(poll(500ms), 1u);
  EXPECT_EQ(next.runs(), 0u);
  EXPECT_EQ(poll(500ms), 1u);
  EXPECT_EQ(next.runs(), 1u);
  EXPECT_EQ(time_.waits(), (Waits{40ms, 0ms}));
  EXPECT_EQ(time_.elapsed(), 120ms);
}

// R08
TEST_P(PollTest, WaitsForTheFirstTimerWhenUnlimited) {
  Probe timer;
  for (const Clock::duration unlimited : {Reactor::forever, Clock::duration(-1)}) {
    addTimer(50ms, timer);
    EXPECT_EQ(poll(unlimited), 1u);
  }
  EXPECT_EQ(time_.waits(), (Waits{50ms, 50ms}));
}

// R09
TEST_P(PollTest, AsksTheOsOnceWithoutBlockingWhenTheTimeoutIsZero) {
  const Pair ends = pair();
  Probe reader;
  Probe timer;
  addReader(ends.near.get(), reader);
  addTimer(10s, timer);
  EXPECT_EQ(poll(0ms), 0u);
  EXPECT_EQ(time_.waits(), Waits{0ms});
  EXPECT_EQ(time_.elapsed(), 0ms);
}

// R10
TEST_P(PollTest, RefusesToWaitForEverForNothing) {
  for (const Clock::duration unlimited : {Reactor::forever, Clock::duration(-1)}) {
    const PollResult result = reactor_.poll(unlimited);
    EXPECT_EQ(result.error, std::errc::resource_deadlock_would_occur);
    EXPECT_EQ(result.callbacks, 0u);
  }
  EXPECT_TRUE(time_.waits().empty());
}

// R10
TEST_P(PollTest, RefusesToWaitForEverAfterTheLastRegistrationWentAway) {
  const Pair ends = pair();
  Probe probe;
  addBoth(ends.near.get(), probe, probe);
  const TimerId timer = addTimer(1h, probe);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  reactor_.removeReader(ends.near.get());
  reactor_.removeWriter(ends.near.get());
  reactor_.removeTimer(timer);
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// R10
TEST_P(PollTest, SleepsForAFiniteTimeoutWithNothingRegistered) {
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(time_.waits(), Waits{50ms});
}

// R10 R11
TEST_P(PollTest, SleepsForItsTimeoutWhenNothingHappens) {
  const Pair ends = pair();
  Probe reader;
  Probe timer;
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(50ms), 0u);
  addTimer(1h, timer);
  EXPECT_EQ(poll(100ms), 0u);
  EXPECT_EQ(time_.waits(), (Waits{50ms, 100ms}));
}

// R13
TEST_P(PollTest, RunsWhatATimerCallbackDefersInTheNextPollWithoutWaiting) {
  Probe deferred;
  Probe timer([&] { addTimer(time_.now(), deferred); });
  addTimer(1ms, timer);
  EXPECT_EQ(poll(1ms), 1u);
  EXPECT_EQ(deferred.runs(), 0u);
  EXPECT_EQ(poll(5000ms), 1u);
  EXPECT_EQ(deferred.runs(), 1u);
  EXPECT_EQ(time_.waits(), (Waits{1ms, 0ms}));
}

// R13
TEST_P(PollTest, RunsWhatAReaderDefersInTheNextPollWithoutWaiting) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe deferred;
  Probe zero;
  Probe reader([&] {
    drain(ends.near.get());
    addTimer(time_.now(), deferred);
    addTimer(0ms, zero);
  });
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(5000ms), 1u);
  EXPECT_EQ(deferred.runs() + zero.runs(), 0u);
  EXPECT_EQ(poll(5000ms), 2u);
  EXPECT_EQ(time_.waits().back(), 0ms);
}

// R14
TEST_P(PollTest, ServesDescriptorsAndDeferredCallsSideBySide) {
  const Pair ends = pair();
  Probe reader([&] { drain(ends.near.get()); });
  addReader(ends.near.get(), reader);
  Probe deferred;
  deferred.setAction([&] {
    time_.advance(100us);
    addTimer(0ms, deferred);
  });
  addTimer(0ms, deferred);
  for (int i = 1; i <= 200; ++i) time_.at(i * 1ms, [&] { writeByte(ends.far.get()); });
  std::size_t polls = 0;
  for (; reader.runs() < 200 && polls < 10000; ++polls) poll(Reactor::forever);
  EXPECT_EQ(reader.runs(), 200u);
  EXPECT_EQ(deferred.runs(), polls);
}

// R15
TEST_P(PollTest, RunsTimersInTimeBesideADescriptorThatIsAlwaysReady) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader([&] { time_.advance(1ms); });
  addReader(ends.near.get(), reader);
  Clock::time_point deadline = time_.now() + 10ms;
  Clock::duration latest{};
  Probe timer;
  timer.setAction([&] {
    latest = std::max(latest, time_.now() - deadline);
    addTimer(deadline += 10ms, timer);
  });
  addTimer(deadline, timer);
  while (time_.elapsed() <= 300ms) poll(Reactor::forever);
  EXPECT_EQ(timer.runs(), 30u);
  EXPECT_EQ(latest, 1ms) << "the reader's, which runs first";
}

// R18
TEST_P(PollTest, ReturnsEarlyWhenItsWaitIsInterrupted) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader;
  Probe due;
  Probe later;
  addReader(ends.near.get(), reader);
  addTimer(100ms, due);
  addTimer(101ms, later);
  time_.interruptNextWait(100ms);
  EXPECT_EQ(poll(300ms), 1u);
  EXPECT_EQ(due.runs(), 1u);
  EXPECT_EQ(time_.elapsed(), 100ms);
  EXPECT_EQ(poll(300ms), 1u) << "the reader was not lost";
  EXPECT_EQ(reader.runs(), 1u);
  EXPECT_EQ(later.runs(), 0u);
}

// R17
TEST_P(PollTest, RunsATimerAtItsDeadlineAlthoughEachWaitIsInterrupted) {
  Probe timer;
  addTimer(50ms, timer);
  while (timer.runs() == 0 && time_.waits().size() < 100) {
    time_.interruptNextWait(9ms);
    poll(Reactor::forever);
  }
  EXPECT_EQ(time_.elapsed(), 50ms);
  EXPECT_EQ(time_.waits(), (Waits{50ms, 41ms, 32ms, 23ms, 14ms, 5ms}));
}

// R23
TEST_P(PollTest, TakesAnyNegativeTimeoutForUnlimited) {
  const Pair ends = pair();
  Probe reader;
  addReader(ends.near.get(), reader);
  const auto negative = {Clock::duration(-1),
                         Clock::duration(-1ms * std::numeric_limits<int>::max()),
                         Clock::duration::min(), Clock::duration::min() + 1ns};
  for (const Clock::duration timeout : negative) {
    time_.interruptNextWait();
    EXPECT_EQ(poll(timeout), 0u);
    ASSERT_EQ(time_.waits().back(), VirtualTime::unlimited);
  }
}

// R23
TEST_P(PollTest, TakesAnyPositiveTimeoutWithoutOverflow) {
  const Pair ends = pair();
  Probe reader;
  addReader(ends.near.get(), reader);
  for (const Clock::duration timeout : {Reactor::forever - 1ns, Clock::duration(24h * 365 * 200),
                                        Clock::duration(1ms * std::numeric_limits<int>::max())}) {
    time_.interruptNextWait();
    EXPECT_EQ(poll(timeout), 0u);
    EXPECT_EQ(time_.waits().back(), timeout);
  }
}

TEST_P(PollTest, ReturnsEarlyFromAWaitThatTheOsCuts) {
  Probe timer;
  addTimer(24h * 30, timer);
  time_.cutWaits(24h * 20);
  EXPECT_EQ(poll(Reactor::forever), 0u);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.elapsed(), 24h * 30);
}

// R26
TEST_P(PollTest, ReturnsHowManyCallbacksItRan) {
  Random random;
  std::size_t runs = 0;
  Probe count([&] { ++runs; });
  std::deque<Pair> pairs;
  for (int i = 0; i < 8; ++i) pairs.push_back(pair());
  for (const Pair& ends : pairs) addReader(ends.near.get(), count);
  for (int i = 0; i < 1000; ++i) {
    const Pair& ends = pairs[random.below(pairs.size())];
    if (random.oneIn(2)) writeByte(ends.far.get());
    if (random.oneIn(3)) drain(ends.near.get());
    if (random.oneIn(2)) addTimer(random.below(10) * 1ms, count);
    if (random.oneIn(4) && reactor_.removeWriter(ends.near.get()) == false) {
      addWriter(ends.near.get(), count);
    }
    const std::size_t before = runs;
    const std::size_t told = poll(random.below(5) * 1ms);
    ASSERT_EQ(told, runs - before);
  }
  EXPECT_GT(runs, 1000u);
}

TEST_P(PollTest, ReadsNoClockWithoutTimers) {
  const Pair ends = pair();
  Probe reader;
  addReader(ends.near.get(), reader);
  poll(10ms);
  writeByte(ends.far.get());
  poll(Reactor::forever);
  poll(0ms);
  EXPECT_EQ(reader.runs(), 2u);
  EXPECT_EQ(time_.clockReadings(), 0u);
}

TEST_P(PollTest, ReadsTheClockAtMostTwiceWithTimers) {
  Probe timer;
  for (int i = 1; i <= 10; ++i) addTimer(i * 1ms, timer);
  while (timer.runs() < 10) {
    time_.forget();
    poll(Reactor::forever);
    ASSERT_LE(time_.clockReadings(), 2u);
    ASSERT_EQ(time_.waits().size(), 1u);
  }
}

TEST_P(PollTest, JudgesDeadlinesByOneReadingAfterTheWait) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe slow([&] { time_.advance(1h); });
  Probe due([&] { time_.advance(1h); });
  Probe later;
  addReader(ends.near.get(), slow);
  addTimer(1ms, later);
  addTimer(time_.now(), due);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(later.runs(), 0u) << "time passed in callbacks only";
  EXPECT_EQ(poll(0ms), 2u);
}

TEST_P(PollTest, RunsAllThatBecameDueWhenItWakesLate) {
  Probe timer;
  for (int i = 10; i < 15; ++i) addTimer(i * 1ms, timer);
  time_.wakeLate(3ms);
  EXPECT_EQ(poll(Reactor::forever), 4u);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.elapsed(), 14ms);
}

TEST_P(PollTest, ReportsARefusedWaitEachTime) {
  const Pair ends = pair();
  Probe probe;
  addReader(ends.near.get(), probe);
  addTimer(time_.now(), probe);
  writeByte(ends.far.get());
  time_.failWait(std::errc::not_enough_memory, 2);
  for (int i = 0; i < 2; ++i) {
    const PollResult result = reactor_.poll(Reactor::forever);
    EXPECT_EQ(result.error, std::errc::not_enough_memory);
  }
  const std::size_t meanwhile = probe.runs();
  EXPECT_EQ(poll(0ms) + meanwhile, 2u) << "nothing is lost";
}

TEST_P(PollTest, ReportsABackendThatCannotBeOpenedEachTime) {
  const auto error = std::make_error_code(std::errc::too_many_files_open);
  Reactor reactor{detail::ReactorAccess::create({nullptr, error})};
  const Pair ends = pair();
  Probe probe;
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(reactor.addReader(ends.near.get(), Probe::run, &probe), error);
    EXPECT_EQ(reactor.addWriter(ends.near.get(), Probe::run, &probe), error);
    EXPECT_FALSE(reactor.removeReader(ends.near.get()));
    EXPECT_EQ(reactor.poll(0ms).error, error);
    EXPECT_EQ(reactor.poll(Reactor::forever).error, error);
  }
  EXPECT_EQ(probe.runs(), 0u);
}

}  // namespace
}  // namespace kairos
