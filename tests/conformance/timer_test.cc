// SPDX-License-Identifier: MIT OR Apache-2.0
// Timers: when they run, in which order, and what removing does. On virtual time.
#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <vector>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class TimerTest : public VirtualTimeTest {
 protected:
  // A probe that notes its name when it runs.
  Probe& named(int name) {
    return probes_.emplace_back([this, name] { order_.push_back(name); });
  }

  std::deque<Probe> probes_;
  std::vector<int> order_;
};

using Order = std::vector<int>;

INSTANTIATE_TEST_SUITE_P(Backends, TimerTest, backends(), backendName);

// R24
TEST_P(TimerTest, RunsAllOverdueTimersInOnePollByDeadline) {
  Order expected;
  for (int i = 50; i >= 1; --i) addTimer(i * 1ms, named(i));
  for (int i = 1; i <= 50; ++i) expected.push_back(i);
  time_.advance(100ms);
  EXPECT_EQ(poll(0ms), 50u);
  EXPECT_EQ(order_, expected);
}

// R28
TEST_P(TimerTest, WaitsForItsDeadlineToTheNanosecond) {
  Probe timer;
  addTimer(200'001ns, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.waits(), Waits{200'001ns});
}

TEST_P(TimerTest, IsNotDueOneNanosecondEarly) {
  Probe timer;
  addTimer(1ms, timer);
  time_.advance(1ms - 1ns);
  EXPECT_EQ(poll(0ms), 0u);
  time_.advance(1ns);
  EXPECT_EQ(poll(0ms), 1u);
}

// R29
TEST_P(TimerTest, RunsByDeadlineWhateverTheOrderOfAddition) {
  for (const int delay : {30, 10, 20}) addTimer(delay * 1ms, named(delay));
  for (int polls = 1; polls <= 3; ++polls) {
    EXPECT_EQ(poll(Reactor::forever), 1u);
    EXPECT_EQ(time_.elapsed(), polls * 10ms);
  }
  EXPECT_EQ(order_, (Order{10, 20, 30}));
}

// R30
TEST_P(TimerTest, RunsEqualDeadlinesInTheOrderAdded) {
  const auto deadline = time_.now() + 10ms;
  Order expected;
  std::vector<TimerId> timers;
  for (int i = 0; i < 1000; ++i) timers.push_back(addTimer(deadline, named(i)));
  for (int i = 0; i < 1000; ++i) {
    if (i % 3 == 0) {
      EXPECT_TRUE(reactor_.removeTimer(timers[static_cast<std::size_t>(i)]));
    } else {
      expected.push_back(i);
    }
  }
  poll(Reactor::forever);
  EXPECT_EQ(order_, expected);
}

TEST_P(TimerTest, RunsEqualDeadlinesInTheOrderAddedWhateverTheWayOfAdding) {
  addTimer(time_.now() + 10ms, named(0));
  addTimer(10ms, named(1));
  time_.advance(4ms);
  addTimer(6ms, named(2));
  addTimer(time_.now() + 6ms, named(3));
  EXPECT_EQ(poll(5ms), 0u);
  addTimer(1ms, named(4));
  time_.advance(1ms);
  addTimer(time_.now(), named(5));
  EXPECT_EQ(poll(Reactor::forever), 6u);
  EXPECT_EQ(order_, (Order{0, 1, 2, 3, 4, 5}));
}

TEST_P(TimerTest, OrdersZeroDelaysByTheLastReadingOfTheClock) {
  Probe silent;
  addTimer(1h, silent);  // reads the clock
  const auto reading = time_.now();
  time_.advance(10ms);
  addTimer(reading + 1ns, named(3));
  addTimer(0ms, named(1));
  addTimer(reading, named(2));
  addTimer(reading - 1ns, named(0));
  addTimer(time_.now(), named(5));
  addTimer(reading + 1ns, named(4));
  EXPECT_EQ(poll(Reactor::forever), 6u);
  EXPECT_EQ(order_, (Order{0, 1, 2, 3, 4, 5}));
}

TEST_P(TimerTest, OrdersZeroDelaysAsTheyWereAddedAcrossReadings) {
  addTimer(0ms, named(0));
  addTimer(Clock::duration(-5ms), named(1));
  time_.advance(1ms);
  addTimer(1ms, named(9));  // reads the clock
  addTimer(0ms, named(2));
  addTimer(Clock::duration::min(), named(3));
  EXPECT_EQ(poll(0ms), 4u);
  EXPECT_EQ(order_, (Order{0, 1, 2, 3}));
}

TEST_P(TimerTest, ReadsNoClockForAZeroDelay) {
  Probe timer;
  addTimer(0ms, timer);
  addTimer(Clock::duration(-1), timer);
  addTimer(time_.now(), timer);
  EXPECT_EQ(time_.clockReadings(), 0u);
  EXPECT_EQ(poll(Reactor::forever), 3u);
  EXPECT_EQ(time_.waits(), Waits{0ms});
}

TEST_P(TimerTest, RunsAZeroDelayInTheNextPollWhoeverAddsIt) {
  const UniqueFd ready = counter(1);
  Probe deferred;
  Probe defer([&] { addTimer(0ms, deferred); });
  Probe timer([&] { addTimer(0ms, deferred); });
  addReader(ready.get(), defer);
  addTimer(0ms, timer);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(deferred.runs(), 0u);
  reactor_.removeReader(ready.get());
  EXPECT_EQ(poll(Reactor::forever), 2u);
  EXPECT_EQ(deferred.runs(), 2u);
}

TEST_P(TimerTest, CountsAPositiveDelayFromTheCall) {
  Probe timer;
  poll(0ms);
  time_.advance(200ms);  // without polling
  addTimer(100ms, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.elapsed(), 300ms);
}

TEST_P(TimerTest, IsNotRunByThePollInWhichItWasAddedAlthoughDue) {
  Probe added;
  Probe timer([&] {
    addTimer(time_.now() - 1h, added);
    addTimer(time_.now(), added);
    addTimer(0ms, added);
    addTimer(1ns, added);
    time_.advance(1ms);
  });
  addTimer(1ms, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(added.runs(), 0u);
  EXPECT_EQ(poll(Reactor::forever), 4u);
}

TEST_P(TimerTest, IsKeptForTheNextPollAlthoughAllOthersAreGone) {
  Probe added;
  Probe due;
  due.setAction([&] {
    if (due.runs() == 1) addTimer(time_.now() - 1h, added);
  });
  for (int i = 0; i < 5000; ++i) addTimer(time_.now(), due);
  EXPECT_EQ(poll(0ms), 5000u);
  EXPECT_EQ(added.runs(), 0u);
  EXPECT_EQ(poll(0ms), 1u);
}

TEST_P(TimerTest, IsKeptForTheNextPollHoweverManyAreDueInThisOne) {
  Probe added;
  Probe due([&] { addTimer(time_.now() - 1h, added); });
  for (int i = 0; i < 5000; ++i) addTimer(time_.now(), due);
  EXPECT_EQ(poll(0ms), 5000u);
  EXPECT_EQ(added.runs(), 0u);
  EXPECT_EQ(poll(0ms), 5000u);
  EXPECT_EQ(added.runs(), 5000u);
}

// R31 R32
TEST_P(TimerTest, NeverRunsOnceRemoved) {
  Probe timer;
  const TimerId id = addTimer(10ms, timer);
  EXPECT_TRUE(reactor_.removeTimer(id));
  EXPECT_FALSE(reactor_.removeTimer(id));
  EXPECT_EQ(poll(20ms), 0u);
  EXPECT_EQ(time_.elapsed(), 20ms) << "nor does it bound the wait";
}

// R32
TEST_P(TimerTest, CannotBeRemovedOnceRun) {
  Probe timer;
  const TimerId id = addTimer(1ms, timer);
  poll(1ms);
  EXPECT_FALSE(reactor_.removeTimer(id));
  EXPECT_FALSE(reactor_.removeTimer(id));
}

// R34
TEST_P(TimerTest, DoesNotRunWhenAnotherOfItsPollRemovesIt) {
  Probe victims[4];
  std::vector<TimerId> ids;
  Probe remover([&] {
    for (const TimerId id : ids) EXPECT_TRUE(reactor_.removeTimer(id));
  });
  addTimer(0ms, remover);
  ids.push_back(addTimer(0ms, victims[0]));
  ids.push_back(addTimer(time_.now(), victims[1]));
  ids.push_back(addTimer(1ms, victims[2]));
  ids.push_back(addTimer(2ms, victims[3]));
  time_.advance(1ms);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(poll(10ms), 0u);
  for (const Probe& victim : victims) EXPECT_EQ(victim.runs(), 0u);
}

// R35
TEST_P(TimerTest, IsGoneWhenItsCallbackBegins) {
  TimerId id{};
  bool removed = true;
  Probe timer([&] { removed = reactor_.removeTimer(id); });
  id = addTimer(1ms, timer);
  EXPECT_EQ(poll(1ms), 1u);
  EXPECT_FALSE(removed);
}

// R36
TEST_P(TimerTest, RunsAPastDeadlineInItsPlaceAmongTheDue) {
  addTimer(time_.now() - 1min, named(2));
  addTimer(time_.now(), named(3));
  addTimer(time_.now() - 1h, named(1));
  addTimer(time_.now() - 2h, named(0));
  EXPECT_EQ(poll(Reactor::forever), 4u);
  EXPECT_EQ(time_.waits(), Waits{0ms});
  EXPECT_EQ(order_, (Order{0, 1, 2, 3}));
}

// R37
TEST_P(TimerTest, RunsOncePerPollWhenReaddedWithTheSamePastDeadline) {
  const auto deadline = time_.now() - 1h;
  Probe timer;
  timer.setAction([&] { addTimer(deadline, timer); });
  addTimer(deadline, timer);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(poll(Reactor::forever), 1u);
}

// R40
TEST_P(TimerTest, RunsExactlyAtItsDeadline) {
  for (const auto delay : {10ms, 100ms, 1000ms}) {
    for (int i = 0; i < 10; ++i) {
      const auto deadline = time_.now() + delay;
      Probe timer([&] { EXPECT_EQ(time_.now(), deadline); });
      addTimer(delay, timer);
      EXPECT_EQ(poll(Reactor::forever), 1u);
    }
  }
  EXPECT_EQ(time_.waits().size(), 30u);
}

// R41
TEST_P(TimerTest, IsItselfAlthoughAnotherOneIsAlike) {
  Probe timer;
  const auto deadline = time_.now() + 1ms;
  const TimerId first = addTimer(deadline, timer);
  const TimerId second = addTimer(deadline, timer);
  EXPECT_NE(first, second);
  EXPECT_TRUE(reactor_.removeTimer(first));
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_FALSE(reactor_.removeTimer(second));
}

// R43
TEST_P(TimerTest, NeverRunsWithAnInfiniteDeadline) {
  Probe timer;
  const TimerId ids[] = {addTimer(Reactor::forever, timer),
                         addTimer(Clock::time_point::max(), timer)};
  EXPECT_EQ(poll(100ms), 0u);
  time_.interruptNextWait();
  EXPECT_EQ(poll(Reactor::forever), 0u) << "registered, so an unlimited wait is allowed";
  EXPECT_EQ(time_.waits().back(), VirtualTime::unlimited);
  time_.advance(Clock::duration::max());
  EXPECT_EQ(poll(0ms), 0u) << "not even at the end of time";
  for (const TimerId id : ids) EXPECT_TRUE(reactor_.removeTimer(id));
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// R23
TEST_P(TimerTest, TakesADistantDeadlineWithoutOverflow) {
  Probe timer;
  const auto last = Clock::time_point::max() - 1ns;
  addTimer(last, timer);
  addTimer(24h * 365 * 10, timer);
  addTimer(24h * 30, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.elapsed(), 24h * 30);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.elapsed(), 24h * 365 * 10);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(time_.now(), last);
}

// R23
TEST_P(TimerTest, SaturatesADelayThatReachesOverTheEndOfTime) {
  Probe timer;
  addTimer(Reactor::forever - 1ns, timer);
  time_.interruptNextWait();
  EXPECT_EQ(poll(Reactor::forever), 0u);
  EXPECT_GT(time_.waits().size(), 0u);
  EXPECT_TRUE(time_.waits().back() == VirtualTime::unlimited || time_.waits().back() > 24h * 365);
}

// R23
TEST_P(TimerTest, TakesTheEarliestDeadlineForDue) {
  addTimer(time_.now(), named(2));
  addTimer(Clock::time_point(), named(1));
  addTimer(Clock::time_point::min(), named(0));
  EXPECT_EQ(poll(Reactor::forever), 3u);
  EXPECT_EQ(order_, (Order{0, 1, 2}));
}

// R32
TEST_P(TimerTest, IdsAreNotReused) {
  std::set<TimerId> ids;
  Probe timer;
  for (int i = 0; i < 1000; ++i) {
    const TimerId kept = addTimer(0ms, timer);
    const TimerId removed = addTimer(1h, timer);
    EXPECT_TRUE(ids.insert(kept).second);
    EXPECT_TRUE(ids.insert(removed).second);
    EXPECT_TRUE(reactor_.removeTimer(removed));
    EXPECT_EQ(poll(0ms), 1u);
  }
  Probe live;
  addTimer(1ms, live);
  for (const TimerId id : ids) EXPECT_FALSE(reactor_.removeTimer(id));
  EXPECT_EQ(poll(1ms), 1u) << "no stale id meant the live timer";
}

TEST_P(TimerTest, IsNotAddedWithANullCallback) {
  EXPECT_EQ(reactor_.addTimer(1ms, nullptr, this), TimerId::none);
  EXPECT_EQ(reactor_.addTimer(0ms, nullptr, this), TimerId::none);
  EXPECT_EQ(reactor_.addTimer(time_.now(), nullptr, this), TimerId::none);
  EXPECT_FALSE(reactor_.removeTimer(TimerId::none));
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

TEST_P(TimerTest, OutlivesAClockThatStandsStill) {
  Probe timer;
  addTimer(1ms, timer);
  for (int i = 0; i < 10; ++i) {
    time_.interruptNextWait(0ms);
    EXPECT_EQ(poll(Reactor::forever), 0u);
  }
  EXPECT_EQ(poll(Reactor::forever), 1u);
}

TEST_P(TimerTest, IsNeverEarlyWhenEachReadingTakesTime) {
  time_.passPerReading(3ns);
  for (int i = 1; i <= 100; ++i) {
    const auto earliest = time_.now() + i * 1us;
    Probe timer([&] { EXPECT_GE(time_.now(), earliest); });
    addTimer(i * 1us, timer);
    EXPECT_EQ(poll(Reactor::forever), 1u);
  }
}

}  // namespace
}  // namespace kairos
