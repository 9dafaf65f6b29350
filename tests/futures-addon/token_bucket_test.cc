// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/token_bucket.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

// How many of so many attempts were successful.
int successes(TokenBucket& bucket, int attempts) {
  int count = 0;
  for (int i = 0; i < attempts; ++i) count += bucket.tryConsume(1) ? 1 : 0;
  return count;
}

// A clock that the test sets.
class TokenLevelTest : public testing::Test {
 protected:
  TokenLevelTest() { now_ = Clock::time_point(std::chrono::hours(1)); }

  static Clock::time_point now() { return now_; }
  void setTime(Clock::duration sinceStart) { now_ = start_ + sinceStart; }
  static TokenBucketOptions options(std::size_t capacity, Clock::duration period,
                                    Refill refill = Refill::continuous) {
    return {.capacity = capacity, .period = period, .refill = refill, .now = now};
  }

  Reactor reactor_;
  FutureContext context_{reactor_};
  static inline Clock::time_point now_{};
  const Clock::time_point start_{std::chrono::hours(1)};
};

// F86: "Scenario 1"
TEST_F(TokenLevelTest, FillsEvenly) {
  TokenBucket bucket(context_, options(10, seconds(1)));
  struct Step {
    int at;
    std::size_t consumed;
    bool isThere;
    std::size_t left;
  };
  const std::vector<Step> steps = {
      {0, 7, true, 3},      {200, 5, true, 0},   {650, 3, true, 1},
      {1000, 0, true, 5},   {1200, 6, true, 1},  {1800, 5, true, 2},
      {2100, 10, false, 5}, {2600, 10, true, 0}, {3000, 0, true, 4},
  };
  for (const Step& step : steps) {
    setTime(milliseconds(step.at));
    EXPECT_EQ(bucket.tryConsume(step.consumed), step.isThere) << step.at;
    EXPECT_EQ(bucket.available(), step.left) << step.at;
  }
}

// F86
TEST_F(TokenLevelTest, AllowsFiftyOfNinetyFourInFourPeriods) {
  TokenBucket bucket(context_, options(10, milliseconds(10)));
  int all = 0;
  for (int i = 0; i < 94; ++i) {
    setTime(milliseconds(std::min(i, 40)));
    all += successes(bucket, 1);
  }
  EXPECT_EQ(all, 50);
  EXPECT_EQ(bucket.available(), 0U);
}

// F86: the same in bursts.
TEST_F(TokenLevelTest, AllowsFiftyOfNinetyFourInBursts) {
  TokenBucket bucket(context_, options(10, milliseconds(10)));
  struct Burst {
    int at;
    int attempts;
    int allowed;
    std::size_t left;
  };
  const std::vector<Burst> bursts = {
      {0, 12, 10, 0}, {5, 7, 5, 0},  {10, 15, 5, 0}, {12, 3, 2, 0},
      {20, 25, 8, 0}, {30, 9, 9, 1}, {31, 3, 2, 0},  {40, 20, 9, 0},
  };
  for (const Burst& burst : bursts) {
    setTime(milliseconds(burst.at));
    EXPECT_EQ(successes(bucket, burst.attempts), burst.allowed) << burst.at;
    EXPECT_EQ(bucket.available(), burst.left) << burst.at;
  }
}

// F86
TEST_F(TokenLevelTest, GivesNoCreditForTimeWhileItIsFull) {
  TokenBucket bucket(context_, options(5, seconds(1)));
  setTime(milliseconds(2500));
  EXPECT_TRUE(bucket.tryConsume(1));
  setTime(milliseconds(2600));
  EXPECT_EQ(bucket.available(), 4U);
  setTime(milliseconds(2700));
  EXPECT_EQ(bucket.available(), 5U);
  EXPECT_EQ(successes(bucket, 10), 5);
}

// F86: parts of tokens are not lost, however often it is looked at.
TEST_F(TokenLevelTest, CountsPartsOfTokens) {
  TokenBucket bucket(context_, options(7000, std::chrono::hours(1)));
  EXPECT_TRUE(bucket.tryConsume(7000));
  int tokens = 0;
  for (int ms = 0; ms <= 51'429; ++ms) {  // 100 tokens take 51428.57 ms
    setTime(milliseconds(ms));
    tokens += successes(bucket, 1);
  }
  EXPECT_EQ(tokens, 100);
}

// F87
TEST_F(TokenLevelTest, FillsAtTheEndOfEachPeriod) {
  TokenBucket bucket(context_, options(10, milliseconds(100), Refill::discrete));
  EXPECT_TRUE(bucket.tryConsume(9));
  for (const int at : {50, 99}) {
    setTime(milliseconds(at));
    EXPECT_FALSE(bucket.tryConsume(2));
    EXPECT_EQ(bucket.available(), 1U);
  }
  setTime(milliseconds(100));
  EXPECT_EQ(bucket.available(), 10U);
  EXPECT_TRUE(bucket.tryConsume(10));
}

// F87
TEST_F(TokenLevelTest, KeepsItsPeriodsWhateverComesBetween) {
  TokenBucket bucket(context_, options(10, milliseconds(100), Refill::discrete));
  EXPECT_TRUE(bucket.tryConsume(10));
  setTime(milliseconds(370));
  EXPECT_TRUE(bucket.tryConsume(10)) << "late";
  bucket.replenish(3);
  EXPECT_TRUE(bucket.tryConsume(3));
  setTime(milliseconds(399));
  EXPECT_EQ(bucket.available(), 0U);
  setTime(milliseconds(400));
  EXPECT_EQ(bucket.available(), 10U);
}

// F88
TEST_F(TokenLevelTest, IsReplenishedByHand) {
  TokenBucket bucket(context_, options(1000, {}));
  EXPECT_TRUE(bucket.tryConsume(1000));
  setTime(std::chrono::hours(1000));
  EXPECT_FALSE(bucket.tryConsume(1));
  bucket.replenish(2000);
  EXPECT_TRUE(bucket.tryConsume(1000));
  EXPECT_FALSE(bucket.tryConsume(1));
}

// F89
TEST_F(TokenLevelTest, RefusesWhatMakesNoSense) {
  EXPECT_THROW(TokenBucket(context_, options(0, seconds(1))), FutureError);
  EXPECT_THROW(TokenBucket(context_, options(1, seconds(-1))), FutureError);
}

// F89: to ask how many there are changes nothing.
TEST_F(TokenLevelTest, IsTheSameHoweverOftenItIsAsked) {
  for (const Refill refill : {Refill::continuous, Refill::discrete}) {
    setTime(milliseconds(0));
    TokenBucket asked(context_, options(7, milliseconds(100), refill));
    TokenBucket other(context_, options(7, milliseconds(100), refill));
    EXPECT_TRUE(asked.tryConsume(7) && other.tryConsume(7));
    for (int ms = 1; ms <= 290; ++ms) {
      setTime(milliseconds(ms));
      EXPECT_EQ(asked.available(), asked.available());
      if (ms % 33 != 0) continue;
      EXPECT_EQ(asked.available(), other.available()) << ms;
      EXPECT_EQ(asked.tryConsume(2), other.tryConsume(2)) << ms;
    }
  }
}

TEST_F(TokenLevelTest, SurvivesTheLargestNumbers) {
  constexpr auto most = std::numeric_limits<std::size_t>::max();
  TokenBucket bucket(context_, options(most, Clock::duration::max()));
  EXPECT_TRUE(bucket.tryConsume(most));
  setTime(Clock::duration(4));
  EXPECT_EQ(bucket.available(), 8U);
  setTime(Clock::duration(-4));
  EXPECT_EQ(bucket.available(), 0U) << "a clock that goes back brings nothing";
}

// Those who wait, on the reactor's virtual time.
class TokenWaitTest : public FutureTest {
 protected:
  TokenWaitTest() { time = &time_; }

  static Clock::time_point now() { return time->now(); }
  static TokenBucketOptions options(std::size_t capacity, Clock::duration period) {
    return {.capacity = capacity, .period = period, .now = now};
  }
  Future<> consume(TokenBucket& bucket, std::size_t tokens) {
    return asFuture(context_, bucket.consume(tokens));
  }

 private:
  static inline VirtualTime* time;
};

INSTANTIATE_TEST_SUITE_P(Backends, TokenWaitTest, backends(), backendName);

TEST_P(TokenWaitTest, ServesInTimeAndInOrder) {
  TokenBucket bucket(context_, options(1000, seconds(1)));
  EXPECT_TRUE(bucket.tryConsume(1000));
  std::vector<Future<>> all;
  for (int i = 0; i < 15; ++i) all.push_back(consume(bucket, 100));
  for (int i = 0; i < 15; ++i) {
    settleUntil(all[static_cast<std::size_t>(i)]);
    EXPECT_EQ(time_.elapsed(), milliseconds(100 * (i + 1)));
  }
}

// F88
TEST_P(TokenWaitTest, WaitsForeverForWhatTakesForever) {
  for (const Refill refill : {Refill::continuous, Refill::discrete}) {
    TokenBucket bucket(context_, {.capacity = 1, .period = Reactor::forever, .refill = refill});
    EXPECT_TRUE(bucket.tryConsume(1));
    Probe probe;
    TokenTurn turn;
    bucket.consume(turn, 1, Probe::run, &probe);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(poll(), 0U) << "no timer is due";
    EXPECT_EQ(probe.runs(), 0U);
    bucket.replenish(1);
    settle();
    EXPECT_EQ(probe.runs(), 1U);
  }
}

// F88
TEST_P(TokenWaitTest, ServesMoreThanItHolds) {
  TokenBucket bucket(context_, options(100, milliseconds(100)));
  Future<> large = consume(bucket, 1000);
  settleUntil(large);
  EXPECT_EQ(time_.elapsed(), milliseconds(900));
}

// F88: period by period, and what is over of the last stays.
TEST_P(TokenWaitTest, ServesMoreThanItHoldsAtTheEndsOfPeriods) {
  TokenBucketOptions discrete = options(10, milliseconds(100));
  discrete.refill = Refill::discrete;
  TokenBucket bucket(context_, discrete);
  EXPECT_TRUE(bucket.tryConsume(3));
  Future<> large = consume(bucket, 25);
  Future<> next = consume(bucket, 1);
  settleUntil(large);
  EXPECT_EQ(time_.elapsed(), milliseconds(200)) << "7, 10 and 8 of 10";
  settle();
  EXPECT_TRUE(next.completed());
  EXPECT_EQ(bucket.available(), 1U);
}

// F88
TEST_P(TokenWaitTest, LetsNoNewcomerPassThoseWhoWait) {
  TokenBucket bucket(context_, options(10, seconds(1)));
  Future<> large = consume(bucket, 20);
  EXPECT_EQ(bucket.waiters(), 1U);
  EXPECT_EQ(bucket.available(), 0U);
  Future<> small = consume(bucket, 1);
  poll(milliseconds(500));
  EXPECT_FALSE(bucket.tryConsume(1));
  settleUntil(small);
  EXPECT_TRUE(large.completed());
  EXPECT_EQ(time_.elapsed(), milliseconds(1100));
}

// F88
TEST_P(TokenWaitTest, GivesTheTokensOfACancelledToTheNext) {
  TokenBucket bucket(context_, options(100, {}));
  Future<> first = consume(bucket, 20);
  Future<> large = consume(bucket, 1000);
  Future<> next = consume(bucket, 50);
  settle();
  EXPECT_TRUE(first.finished());
  EXPECT_FALSE(next.finished());
  EXPECT_TRUE(large.tryCancel());
  settle();
  EXPECT_TRUE(next.completed());
  EXPECT_EQ(bucket.available(), 30U);
}

// F88: though the bucket could not hold them.
TEST_P(TokenWaitTest, GivesAllTheTokensOfACancelledToThoseBehind) {
  TokenBucket bucket(context_, options(100, {}));
  Future<> large = consume(bucket, 1000);
  Future<> second = consume(bucket, 500);
  Future<> third = consume(bucket, 250);
  for (int i = 0; i < 8; ++i) bucket.replenish(100);
  EXPECT_TRUE(large.tryCancel());
  settle();
  EXPECT_TRUE(second.completed());
  EXPECT_TRUE(third.completed());
  EXPECT_EQ(bucket.available(), 100U) << "of 150, what it can hold";
}

// F88
TEST_P(TokenWaitTest, ServesThoseWhoWaitWhenReplenished) {
  TokenBucket bucket(context_, options(10, {}));
  EXPECT_TRUE(bucket.tryConsume(10));
  Future<> first = consume(bucket, 4);
  Future<> second = consume(bucket, 4);
  Future<> third = consume(bucket, 4);
  bucket.replenish(1000);  // no more than it holds
  settle();
  EXPECT_TRUE(second.completed());
  EXPECT_FALSE(third.finished());
  bucket.replenish(2);
  settle();
  EXPECT_TRUE(third.completed());
  EXPECT_EQ(bucket.available(), 0U);
}

TEST_P(TokenWaitTest, ServesThoseWhoWaitWhenReset) {
  TokenBucket bucket(context_, options(10, seconds(1)));
  EXPECT_TRUE(bucket.tryConsume(10));
  Future<> first = consume(bucket, 4);
  Future<> second = consume(bucket, 15);
  poll(milliseconds(300));  // the second has nothing yet but needs all that comes
  bucket.reset();
  settle();
  EXPECT_TRUE(first.completed());
  EXPECT_FALSE(second.finished());
  EXPECT_EQ(bucket.available(), 0U);
  settleUntil(second);
  EXPECT_EQ(time_.elapsed(), milliseconds(1200)) << "9 of 15 were missing at 300 ms";
}

// F87: the period begins anew.
TEST_F(TokenLevelTest, IsAsNewWhenReset) {
  for (const Refill refill : {Refill::continuous, Refill::discrete}) {
    setTime({});
    TokenBucket bucket(context_, options(10, seconds(1), refill));
    EXPECT_TRUE(bucket.tryConsume(10));
    setTime(milliseconds(750));
    bucket.reset();
    EXPECT_EQ(bucket.available(), 10U);
    EXPECT_TRUE(bucket.tryConsume(10));
    setTime(milliseconds(1650));
    EXPECT_EQ(bucket.available(), refill == Refill::continuous ? 9U : 0U);
    setTime(milliseconds(1750));
    EXPECT_EQ(bucket.available(), 10U);
  }
}

TEST_P(TokenWaitTest, IsUsedWithCallbacks) {
  TokenBucket bucket(context_, options(10, seconds(1)));
  Probe probe;
  auto given = std::make_unique<TokenTurn>();
  TokenTurn waiting;
  bucket.consume(*given, 10, Probe::run, &probe);
  bucket.consume(waiting, 5, Probe::run, &probe);
  given.reset();  // its tokens are for the next
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_TRUE(waiting.isServed());
  EXPECT_EQ(bucket.available(), 5U);
}

TEST_P(TokenWaitTest, RefusesThoseWhoWaitWhenItIsDestroyed) {
  auto bucket = std::make_unique<TokenBucket>(context_, options(1, seconds(1)));
  Future<> waiting = consume(*bucket, 2);
  bucket.reset();
  settle();
  EXPECT_THROW(waiting.read(), FutureError);
}

TEST_P(TokenWaitTest, LetsGoOnWhoHadHisTokensWhenItIsDestroyed) {
  auto bucket = std::make_unique<TokenBucket>(context_, options(1, {}));
  EXPECT_TRUE(bucket->tryConsume(1));
  Future<> served = consume(*bucket, 1);
  bucket->replenish(1);
  bucket.reset();
  settle();
  EXPECT_TRUE(served.completed());
}

}  // namespace
}  // namespace kairos
