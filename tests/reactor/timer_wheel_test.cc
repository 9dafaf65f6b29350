// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace kairos::detail {
namespace {

// The place of one more timer, 0: there is none.
TimerIndex allocated(TimerStore& store) { return store.makeReady() ? store.allocate() : 0; }

class TimerWheelTest : public testing::Test {
 protected:
  // 0: the wheel did not take it.
  TimerIndex add(Nanoseconds deadline) {
    const TimerIndex timer = allocated(store_);
    store_[timer] = {deadline, ++additions_, {}};
    return wheel_.add(deadline, timer) ? timer : 0;
  }

  void remove(TimerIndex timer) {
    wheel_.noteRemoved(timer);
    store_.unlink(timer);
  }

  std::vector<TimerIndex> takeRunList() {
    std::vector<TimerIndex> timers;
    for (TimerIndex timer; (timer = store_.first(runList)) != 0; store_.unlink(timer)) {
      timers.push_back(timer);
    }
    return timers;
  }

  // Empties the wheel, and checks that what comes out comes in order.
  std::vector<Nanoseconds> drain() {
    std::vector<Nanoseconds> out;
    while (!wheel_.empty()) {
      wheel_.splitFirst();
      for (const TimerIndex timer : takeRunList()) out.push_back(store_[timer].deadline);
    }
    return out;
  }

  // What comes after each timer in its list: a timer that is moved is followed by another.
  std::vector<TimerIndex> nextTimers(const std::vector<TimerIndex>& timers) const {
    std::vector<TimerIndex> nexts;
    for (const TimerIndex timer : timers) nexts.push_back(store_.next(timer));
    return nexts;
  }

  TimerStore store_;
  TimerWheel wheel_{store_};
  std::uint64_t additions_ = 0;
};

TEST_F(TimerWheelTest, GivesOutDenselyAndSparselySetTimersInOrder) {
  std::mt19937_64 random(11);
  for (const unsigned magnitude : {14u, 20u, 30u, 45u, 62u}) {
    wheel_.advance(0);
    std::vector<Nanoseconds> expected;
    while (expected.size() < 20'000) {
      const auto deadline =
          static_cast<Nanoseconds>(random() % (std::uint64_t{1} << magnitude)) + 4096;
      if (add(deadline) == 0) break;  // the wheel was emptied up to beyond
      expected.push_back(deadline);
    }
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(drain(), expected);
  }
}

TEST_F(TimerWheelTest, TakesTheWholeRangeOfDeadlines) {
  const Nanoseconds least = std::numeric_limits<Nanoseconds>::min();
  EXPECT_EQ(add(least), 0u) << "emptied up to there from the beginning";
  const std::vector<Nanoseconds> deadlines{least + 4096, -1, 0, 1, 1LL << 40, never - 1};
  for (const Nanoseconds deadline : deadlines) EXPECT_NE(add(deadline), 0u);
  EXPECT_EQ(drain(), deadlines);
}

TEST_F(TimerWheelTest, ForgetsRemovedTimers) {
  std::vector<TimerIndex> timers;
  for (Nanoseconds i = 1; i < 5000; ++i) timers.push_back(add(i * 10'007));
  std::shuffle(timers.begin(), timers.end(), std::mt19937(3));
  for (const TimerIndex timer : timers) remove(timer);
  EXPECT_EQ(wheel_.earliest(additions_), never);
  EXPECT_EQ(drain(), std::vector<Nanoseconds>());
  EXPECT_FALSE(wheel_.startsBy(never));
}

TEST_F(TimerWheelTest, FindsTheEarliestAgainAfterItWasRemoved) {
  const TimerIndex first = add(5'000'000);
  const TimerIndex second = add(5'000'001);
  const TimerIndex third = add(70'000'000'000);
  EXPECT_EQ(wheel_.earliest(additions_), 5'000'000);
  remove(first);
  EXPECT_EQ(wheel_.earliest(additions_), 5'000'001);
  remove(second);
  EXPECT_EQ(wheel_.earliest(additions_), 70'000'000'000);
  remove(third);
  EXPECT_EQ(wheel_.earliest(additions_), never);
  EXPECT_TRUE(wheel_.empty()) << "that nothing is left was found out";
  add(80'000'000'000);
  EXPECT_EQ(wheel_.earliest(additions_), 80'000'000'000);
}

TEST_F(TimerWheelTest, SplitsAWideBucketAroundAFinerOneInItsTime) {
  add(5'000'000'000);  // far away: a wide bucket
  wheel_.advance(4'999'000'000);
  add(4'999'900'000);
  add(5'000'100'000);
  EXPECT_EQ(drain(), (std::vector<Nanoseconds>{4'999'900'000, 5'000'000'000, 5'000'100'000}));
}

TEST_F(TimerWheelTest, TakesAWideAndAFineBucketThatBeginTogether) {
  constexpr Nanoseconds tick = 4096;
  wheel_.advance(0);
  add(4096 * tick + 5);
  wheel_.advance(4090 * tick);
  add(4096 * tick + 3);  // the fine one came later
  EXPECT_EQ(drain(), (std::vector<Nanoseconds>{4096 * tick + 3, 4096 * tick + 5}));
  wheel_.advance(8197 * tick);
  add(8448 * tick);
  add(8457 * tick);  // the wide one
  EXPECT_EQ(drain(), (std::vector<Nanoseconds>{8448 * tick, 8457 * tick}));
}

TEST_F(TimerWheelTest, MovesOnlyAShareOfTheTimersAtOnce) {
  // Equal shares over two minutes: no split may touch more than a sixteenth of them.
  constexpr Nanoseconds count = 60'000;
  wheel_.advance(1);
  std::vector<TimerIndex> timers;
  for (Nanoseconds i = 1; i <= count; ++i) timers.push_back(add(i * 2'000'000));
  std::ptrdiff_t most = 0;
  int splits = 0;
  while (!wheel_.empty()) {
    const std::vector<TimerIndex> before = nextTimers(timers);
    wheel_.splitFirst();
    const std::vector<TimerIndex> after = nextTimers(timers);
    std::ptrdiff_t moved = 0;
    for (std::size_t i = 0; i < timers.size(); ++i) moved += before[i] != after[i] ? 1 : 0;
    most = std::max(most, moved);
    takeRunList();
    if (++splits > 200) break;
  }
  EXPECT_GT(most, 0);
  EXPECT_LE(most, count / 16);
}

}  // namespace
}  // namespace kairos::detail
