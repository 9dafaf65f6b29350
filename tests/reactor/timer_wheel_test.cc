// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace kairos::detail {
namespace {

class TimerWheelTest : public testing::Test {
 protected:
  // 0: the wheel did not take it.
  TimerIndex add(Nanoseconds deadline) {
    const TimerIndex timer = store_.allocate();
    store_[timer].deadline = deadline;
    store_[timer].order = ++additions_;
    return wheel_.add(store_[timer], timer) ? timer : 0;
  }

  // Empties the wheel, and checks that what comes out comes in order.
  std::vector<Nanoseconds> drain() {
    std::vector<Nanoseconds> out;
    while (!wheel_.empty()) {
      TimerList due;
      wheel_.splitFirst(due);
      while (!due.empty()) out.push_back(store_[store_.takeFirst(due)].deadline);
    }
    return out;
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
  for (const TimerIndex timer : timers) wheel_.remove(store_[timer]);
  EXPECT_TRUE(wheel_.empty());
  EXPECT_FALSE(wheel_.startsBy(never));
}

TEST_F(TimerWheelTest, SplitsAWideBucketAroundAFinerOneInItsTime) {
  add(5'000'000'000);  // far away: a wide bucket
  wheel_.advance(4'999'000'000);
  add(4'999'900'000);
  add(5'000'100'000);
  EXPECT_EQ(drain(), (std::vector<Nanoseconds>{4'999'900'000, 5'000'000'000, 5'000'100'000}));
}

TEST_F(TimerWheelTest, MovesOnlyAShareOfTheTimersAtOnce) {
  // Equal shares over two minutes: no split may touch more than a sixteenth of them.
  constexpr Nanoseconds count = 60'000;
  wheel_.advance(1);
  for (Nanoseconds i = 1; i <= count; ++i) add(i * 2'000'000);
  Nanoseconds most = 0;
  int splits = 0;
  while (!wheel_.empty()) {
    std::vector<std::uint32_t> before;
    for (TimerIndex t = 1; t <= count; ++t) before.push_back(store_[t].place());
    TimerList due;
    wheel_.splitFirst(due);
    Nanoseconds moved = 0;
    for (TimerIndex t = 1; t <= count; ++t) moved += store_[t].place() != before[t - 1] ? 1 : 0;
    most = std::max(most, moved);
    while (!due.empty()) store_[store_.takeFirst(due)].setPlace(inNothing);
    if (++splits > 200) break;
  }
  EXPECT_GT(most, 0);
  EXPECT_LE(most, count / 16);
}

}  // namespace
}  // namespace kairos::detail
