// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_lock.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class AsyncLockTest : public FutureTest {
 protected:
  // Holds the lock, writes `letter`, and releases it in the same tick.
  Future<> enter(char letter) {
    co_await lock_.acquire();
    text_ += letter;
    lock_.release();
  }
  // Holds it twice, with rests of its own in between.
  Future<> enterTwice(int first, Clock::duration rest) {
    for (const int number : {first, first + 1}) {
      co_await lock_.acquire();
      numbers_.push_back(number);
      co_await sleepAsync(context_, rest);
      lock_.release();
    }
  }
  FutureContext& futureContext() { return context_; }

  AsyncLock lock_{context_};
  std::string text_;
  std::vector<int> numbers_;
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncLockTest, backends(), backendName);

// F60
TEST_P(AsyncLockTest, IsHandedOverInOrder) {
  ASSERT_TRUE(lock_.tryAcquire());
  EXPECT_FALSE(lock_.tryAcquire());
  std::vector<Future<>> all;
  for (char letter = '0'; letter <= '9'; ++letter) all.push_back(enter(letter));
  EXPECT_EQ(lock_.waiters(), 10U);
  lock_.release();
  EXPECT_EQ(text_, "") << "never inside the call";
  settle();
  EXPECT_EQ(text_, "0123456789");
  EXPECT_FALSE(lock_.isLocked());
}

// F61: however long each of them rests.
TEST_P(AsyncLockTest, IsNotTakenBackByWhoReleasesIt) {
  using Rests = std::array<int, 3>;
  for (const Rests& rests : {Rests{0, 0, 0}, {10, 20, 50}, {50, 20, 10}, {100, 0, 1}}) {
    numbers_.clear();
    ASSERT_TRUE(lock_.tryAcquire());
    std::vector<Future<>> all;
    for (const int rest : rests) {
      const int number = static_cast<int>(all.size()) + 1;
      all.push_back(enterTwice(10 * number, milliseconds(rest)));
    }
    lock_.release();
    for (Future<>& each : all) settleUntil(each);
    EXPECT_EQ(numbers_, (std::vector{10, 20, 30, 11, 21, 31}));
  }
}

// F62
TEST_P(AsyncLockTest, ForgetsWhoIsCancelled) {
  ASSERT_TRUE(lock_.tryAcquire());
  Future<> first = enterTwice(10, milliseconds(1));
  Future<> second = enterTwice(20, milliseconds(1));
  Future<> third = enterTwice(30, milliseconds(1));
  EXPECT_TRUE(second.tryCancel());
  EXPECT_EQ(lock_.waiters(), 2U);
  lock_.release();
  settleUntil(first);
  settleUntil(third);
  EXPECT_EQ(numbers_, (std::vector{10, 30, 11, 31}));
  EXPECT_TRUE(second.cancelled());
}

// F63
TEST_P(AsyncLockTest, RefusesAReleaseByWhoDoesNotHoldIt) {
  EXPECT_THROW(lock_.release(), FutureError);
  ASSERT_TRUE(lock_.tryAcquire());
  Future<> waiting = enter('x');
  lock_.release();
  EXPECT_THROW(lock_.release(), FutureError) << "while it is handed over";
  settle();
  EXPECT_EQ(text_, "x");
  EXPECT_THROW(lock_.release(), FutureError);
}

// F64
TEST_P(AsyncLockTest, IsHeldByWhoIsCancelledTooLate) {
  ASSERT_TRUE(lock_.tryAcquire());
  Future<> first = enter('1');
  Future<> second = enter('2');
  lock_.release();
  EXPECT_FALSE(first.tryCancel());
  settle();
  EXPECT_EQ(text_, "12");
}

// F65
TEST_P(AsyncLockTest, StaysLockedWhileItIsHandedOver) {
  ASSERT_TRUE(lock_.tryAcquire());
  Future<> waiting = enter('x');
  lock_.release();
  EXPECT_TRUE(lock_.isLocked());
  EXPECT_FALSE(lock_.tryAcquire());
  settle();
  EXPECT_FALSE(lock_.isLocked());
}

Future<> holdUntil(FutureContext&, AsyncLock& lock, Future<> end) {
  const auto guard = co_await lock.guard();
  co_await end;
}

// F65
TEST_P(AsyncLockTest, IsReleasedByItsGuard) {
  Promise<> failing(context_);
  Promise<> cancelled(context_);
  Promise<> completed(context_);
  Future<> first = holdUntil(context_, lock_, failing.future());
  Future<> second = holdUntil(context_, lock_, cancelled.future());
  Future<> third = holdUntil(context_, lock_, completed.future());
  failing.fail(std::runtime_error("broken"));
  settle();
  EXPECT_THROW(first.read(), std::runtime_error);
  EXPECT_TRUE(lock_.isLocked());
  EXPECT_TRUE(second.tryCancel());
  settle();
  EXPECT_TRUE(second.cancelled());
  EXPECT_TRUE(lock_.isLocked());
  completed.complete();
  settle();
  EXPECT_FALSE(lock_.isLocked());
}

// F65
TEST_P(AsyncLockTest, RefusesThoseWhoWaitWhenItIsDestroyed) {
  std::optional<AsyncLock> lock(context_);
  ASSERT_TRUE(lock->tryAcquire());
  Future<> given = asFuture(context_, lock->acquire());
  Future<> waiting = asFuture(context_, lock->acquire());
  Turn turn;
  Probe probe;
  lock->acquire(turn, Probe::run, &probe);
  lock->release();
  lock.reset();
  settle();
  EXPECT_THROW(given.read(), FutureError);
  EXPECT_THROW(waiting.read(), FutureError);
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_FALSE(turn.isServed());
}

TEST_P(AsyncLockTest, IsUsedWithCallbacks) {
  Turn first;
  Turn second;
  Probe firstRan;
  Probe secondRan;
  lock_.acquire(first, Probe::run, &firstRan);
  lock_.acquire(second, Probe::run, &secondRan);
  EXPECT_TRUE(lock_.isLocked());
  EXPECT_EQ(firstRan.runs(), 0U) << "never inside the call";
  EXPECT_THROW(lock_.acquire(second, Probe::run, &secondRan), FutureError);
  settle();
  EXPECT_EQ(firstRan.runs(), 1U);
  EXPECT_EQ(secondRan.runs(), 0U);
  lock_.release();
  settle();
  EXPECT_EQ(secondRan.runs(), 1U);
  EXPECT_TRUE(second.isServed());
  EXPECT_THROW(lock_.acquire(first, nullptr, nullptr), FutureError);
}

// F64: one that goes after it was given the lock passes it on.
TEST_P(AsyncLockTest, IsPassedOnByATurnThatGoes) {
  auto first = std::make_unique<Turn>();
  auto second = std::make_unique<Turn>();
  Turn third;
  Probe probe;
  Probe never;
  ASSERT_TRUE(lock_.tryAcquire());
  lock_.acquire(*first, Probe::run, &never);
  lock_.acquire(*second, Probe::run, &never);
  lock_.acquire(third, Probe::run, &probe);
  lock_.release();
  first.reset();
  EXPECT_TRUE(lock_.isLocked());
  second->forget();
  settle();
  EXPECT_EQ(never.runs(), 0U);
  EXPECT_EQ(probe.runs(), 1U);
  lock_.release();
  EXPECT_FALSE(lock_.isLocked());
}

// F85
TEST_P(AsyncLockTest, KeepsTheOrderOfThoseWhoStay) {
  ASSERT_TRUE(lock_.tryAcquire());
  std::vector<Future<>> all;
  for (char letter = 'a'; letter <= 'j'; ++letter) all.push_back(enter(letter));
  for (const std::size_t index : {7U, 0U, 9U, 3U}) EXPECT_TRUE(all[index].tryCancel());
  EXPECT_EQ(lock_.waiters(), 6U);
  lock_.release();
  settle();
  EXPECT_EQ(text_, "bcefgi");
}

// F64: cancelled before or after each tick, it is never lost.
TEST_P(AsyncLockTest, SurvivesCancellingAtEveryPoint) {
  for (int ticks = 0; ticks < 6; ++ticks) {
    ASSERT_TRUE(lock_.tryAcquire());
    std::vector<Future<>> all;
    for (int i = 0; i < 3; ++i) all.push_back(enterTwice(i, milliseconds(0)));
    lock_.release();
    for (int i = 0; i < ticks; ++i) tick();
    for (Future<>& each : all) each.cancelSoon();
    settle();
    for (Future<>& each : all) EXPECT_TRUE(each.finished()) << ticks;
    // Cancelled while it held the lock, and has none of the guard's ways.
    if (lock_.isLocked()) lock_.release();
  }
}

Future<> holdWith(AsyncLock::Guard guard, FutureContext& context) {
  const AsyncLock::Guard held = std::move(guard);
  co_await sleepAsync(context, seconds(1));
}

// F65: as in a coroutine that is ended by its context, after the lock.
TEST_P(AsyncLockTest, IsDestroyedBeforeItsGuard) {
  std::optional<FutureContext> ended(std::in_place, reactor_);
  std::optional<AsyncLock> lock(std::in_place, *ended);
  Future<> holding = holdWith(asFuture(*ended, lock->guard()).read(), *ended);
  EXPECT_TRUE(lock->isLocked());
  lock.emplace(context_);  // where the other was
  ASSERT_TRUE(lock->tryAcquire());
  ended.reset();
  EXPECT_TRUE(holding.cancelled());
  EXPECT_TRUE(lock->isLocked());
}

// F65: at once, and not a second time by who has lost it.
TEST_P(AsyncLockTest, IsReleasedByAssignmentToItsGuard) {
  AsyncLock other(context_);
  AsyncLock::Guard guard = asFuture(context_, lock_.guard()).read();
  AsyncLock::Guard another = asFuture(context_, other.guard()).read();
  guard = std::move(another);
  EXPECT_FALSE(lock_.isLocked());
  EXPECT_TRUE(other.isLocked());
  other.release();
  EXPECT_TRUE(other.tryAcquire());
  guard.release();
  EXPECT_TRUE(other.isLocked());
}

Future<> lockOn(FutureContext&, AsyncLock& lock) { const auto guard = co_await lock.guard(); }

// One whose context ends before it knows that it has the lock, and of which there is a Future.
TEST_P(AsyncLockTest, GoesOnFromOneWhoseContextEnds) {
  AsyncLock lock(context_);
  ASSERT_TRUE(lock.tryAcquire());
  std::optional<FutureContext> ended(reactor_);
  Future<> given = lockOn(*ended, lock);
  Future<> next = lockOn(context_, lock);
  lock.release();
  ended.reset();
  EXPECT_TRUE(given.cancelled());
  settle();
  EXPECT_TRUE(next.completed());
  EXPECT_FALSE(lock.isLocked());
}

}  // namespace
}  // namespace kairos
