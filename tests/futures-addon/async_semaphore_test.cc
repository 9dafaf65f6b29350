// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_semaphore.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class AsyncSemaphoreTest : public FutureTest {
 protected:
  Future<> enter(char letter) {
    co_await semaphore_.acquire();
    text_ += letter;
  }
  FutureContext& futureContext() { return context_; }

  AsyncSemaphore semaphore_{context_, 3};
  std::string text_;
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncSemaphoreTest, backends(), backendName);

// F83
TEST_P(AsyncSemaphoreTest, CountsItsPlaces) {
  EXPECT_EQ(semaphore_.size(), 3U);
  EXPECT_TRUE(semaphore_.tryAcquire());
  EXPECT_TRUE(semaphore_.tryAcquire());
  EXPECT_EQ(semaphore_.available(), 1U);
  EXPECT_TRUE(semaphore_.tryAcquire());
  EXPECT_FALSE(semaphore_.tryAcquire());
  for (std::size_t available : {1U, 2U, 3U}) {
    semaphore_.release();
    EXPECT_EQ(semaphore_.available(), available);
  }
  EXPECT_THROW(semaphore_.release(), FutureError);
  EXPECT_THROW(AsyncSemaphore(context_, 0), FutureError);
}

// F83
TEST_P(AsyncSemaphoreTest, HandsItsPlacesOverInOrder) {
  std::vector<Future<>> all;
  for (char letter = 'a'; letter <= 'h'; ++letter) all.push_back(enter(letter));
  EXPECT_EQ(text_, "abc");
  EXPECT_EQ(semaphore_.waiters(), 5U);
  semaphore_.release();
  semaphore_.release();
  EXPECT_FALSE(semaphore_.tryAcquire()) << "nobody comes in between";
  settle();
  EXPECT_EQ(text_, "abcde");
  EXPECT_EQ(semaphore_.available(), 0U);
  for (int i = 0; i < 3; ++i) semaphore_.release();
  settle();
  EXPECT_EQ(text_, "abcdefgh");
  for (int i = 0; i < 3; ++i) semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 3U);
}

// F83: places that are handed over are nobody's to release.
TEST_P(AsyncSemaphoreTest, RefusesOneReleaseTooMany) {
  AsyncSemaphore one(context_, 1);
  ASSERT_TRUE(one.tryAcquire());
  Future<> waiting = asFuture(context_, one.acquire());
  one.release();
  EXPECT_THROW(one.release(), FutureError);
  settle();
  one.release();
  EXPECT_THROW(one.release(), FutureError);
}

Future<> enterFor(FutureContext& context, AsyncSemaphore& semaphore, milliseconds time) {
  const auto guard = co_await semaphore.guard();
  co_await sleepAsync(context, time);
}

// F83
TEST_P(AsyncSemaphoreTest, IsHeldByGuards) {
  std::vector<Future<>> all;
  for (int i = 1; i <= 5; ++i) all.push_back(enterFor(context_, semaphore_, milliseconds(10)));
  EXPECT_EQ(semaphore_.available(), 0U);
  EXPECT_EQ(semaphore_.waiters(), 2U);
  EXPECT_TRUE(all[0].tryCancel());
  settle();
  EXPECT_EQ(semaphore_.waiters(), 1U) << "a cancelled one has left";
  for (Future<>& each : all) settleUntil(each);
  EXPECT_EQ(semaphore_.available(), 3U);
}

TEST_P(AsyncSemaphoreTest, GuardsAreMovedAndReleased) {
  auto first = asFuture(context_, semaphore_.guard());
  auto second = asFuture(context_, semaphore_.guard());
  {
    AsyncSemaphore::Guard guard = std::move(first).read();
    EXPECT_EQ(semaphore_.available(), 1U);
    guard = std::move(second).read();
    EXPECT_EQ(semaphore_.available(), 2U) << "of the first place";
    const AsyncSemaphore::Guard other = std::move(guard);
    EXPECT_EQ(semaphore_.available(), 2U);
    EXPECT_THROW(semaphore_.release(), FutureError) << "that is for the guard to do";
  }
  EXPECT_EQ(semaphore_.available(), 3U);
}

TEST_P(AsyncSemaphoreTest, MayGoBeforeItsGuards) {
  auto semaphore = std::make_unique<AsyncSemaphore>(context_, 2);
  Future<> first = enterFor(context_, *semaphore, milliseconds(1));
  Future<> second = enterFor(context_, *semaphore, milliseconds(2));
  semaphore.reset();
  settleUntil(second);
  EXPECT_TRUE(first.completed());
}

// F85
TEST_P(AsyncSemaphoreTest, ForgetsWhoIsCancelledAtOnce) {
  std::vector<Future<>> all;
  for (char letter = 'a'; letter <= 'h'; ++letter) all.push_back(enter(letter));
  for (const std::size_t index : {6U, 3U}) EXPECT_TRUE(all[index].tryCancel());
  EXPECT_EQ(semaphore_.waiters(), 3U);
  for (int i = 0; i < 3; ++i) semaphore_.release();
  settle();
  EXPECT_EQ(text_, "abcefh");
}

Future<> acquireOn(FutureContext&, AsyncSemaphore& semaphore) { co_await semaphore.acquire(); }

// F85: whoever is cancelled, in whatever order, has left nothing by the next tick.
TEST_P(AsyncSemaphoreTest, KeepsNothingOfThoseWhoAreCancelled) {
  constexpr std::size_t many = 1000;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(semaphore_.tryAcquire());
  Future<> first = acquireOn(context_, semaphore_);
  std::vector<Future<>> all;
  for (std::size_t i = 0; i < many; ++i) all.push_back(acquireOn(context_, semaphore_));
  Future<> last = acquireOn(context_, semaphore_);
  EXPECT_EQ(context_.liveBlocks(), many + 2);
  for (std::size_t i = 0; i < many; ++i) EXPECT_TRUE(all[i * 7 % many].tryCancel());
  EXPECT_EQ(semaphore_.waiters(), 2U);
  all.clear();
  tick();
  EXPECT_EQ(context_.liveBlocks(), 2U);
  semaphore_.release();
  semaphore_.release();
  settle();
  EXPECT_TRUE(first.completed() && last.completed());
}

TEST_P(AsyncSemaphoreTest, IsUsedWithCallbacks) {
  std::vector<Turn> turns(5);
  std::vector<Probe> probes(5);
  for (std::size_t i = 0; i < 5; ++i) semaphore_.acquire(turns[i], Probe::run, &probes[i]);
  settle();
  EXPECT_EQ(semaphore_.waiters(), 2U);
  EXPECT_EQ(probes[2].runs(), 1U);
  EXPECT_EQ(probes[3].runs(), 0U);
  semaphore_.release();
  turns[3].forget();  // it has a place, and passes it on
  settle();
  EXPECT_EQ(probes[3].runs(), 0U);
  EXPECT_EQ(probes[4].runs(), 1U);
  for (int i = 0; i < 3; ++i) semaphore_.release();
  EXPECT_EQ(semaphore_.available(), 3U);
}

}  // namespace
}  // namespace kairos
