// SPDX-License-Identifier: MIT OR Apache-2.0
// What waiting for turns costs: no allocation, and no stack however long it goes on.
#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

class TurnCostTest : public testing::Test {
 protected:
  void poll() { EXPECT_FALSE(reactor_.poll(Clock::duration::zero()).error); }
  void pollUntil(const FutureBase& future) {
    while (!future.finished()) poll();
  }

  Reactor reactor_;
  FutureContext context_{reactor_};
};

Future<> passOn(FutureContext&, AsyncQueue<int>& from, AsyncQueue<int>& to, int times) {
  for (int i = 0; i < times; ++i) co_await to.addLast(co_await from.popFirst() + 1);
}

TEST_F(TurnCostTest, QueuesAllocateNothingBetweenCoroutines) {
  AsyncQueue<int> there(context_, 1);
  AsyncQueue<int> back(context_, 1);
  Future<> first = passOn(context_, there, back, 1100);
  Future<> second = passOn(context_, back, there, 1100);
  EXPECT_TRUE(there.tryAddLast(0));
  for (int i = 0; i < 100; ++i) poll();
  const AllocationCount count;
  for (int i = 0; i < 1000; ++i) poll();
  EXPECT_EQ(count.allocations(), 0U);
  pollUntil(first);
  pollUntil(second);
  EXPECT_EQ(there.tryPopFirst(), 2200);
}

Future<> useAll(FutureContext& context, AsyncLock& lock, AsyncSemaphore& semaphore,
                TokenBucket& bucket, int times) {
  for (int i = 0; i < times; ++i) {
    {
      const auto guard = co_await lock.guard();
      co_await sleepAsync(context, Clock::duration::zero());
    }
    co_await semaphore.acquire();
    co_await bucket.consume(2);
    semaphore.release();
  }
}

TEST_F(TurnCostTest, LocksSemaphoresAndBucketsAllocateNothing) {
  AsyncLock lock(context_);
  AsyncSemaphore semaphore(context_, 2);
  TokenBucket bucket(context_, {.capacity = 4, .period = std::chrono::microseconds(1)});
  std::vector<Future<>> all;
  for (int i = 0; i < 8; ++i) all.push_back(useAll(context_, lock, semaphore, bucket, 100));
  for (int i = 0; i < 100; ++i) poll();
  const AllocationCount count;
  for (int i = 0; i < 500; ++i) poll();
  EXPECT_EQ(count.allocations(), 0U);
  for (Future<>& each : all) pollUntil(each);
}

Future<> readEvents(FutureContext&, AsyncEventQueue<int>& events, int times) {
  AsyncEventQueue<int>::Reader reader(events);
  for (int i = 0; i < times; ++i) EXPECT_EQ(co_await reader.next(), i);
}
Future<> readStream(FutureContext&, FutureStream<int>& stream) {
  for (int i = 0; auto item = co_await stream.read(); ++i) EXPECT_EQ(item, i);
}
Future<> waitForEvent(FutureContext&, AsyncEvent& event, int times) {
  for (int i = 0; i < times; ++i) {
    co_await event.wait();
    event.clear();
  }
}

TEST_F(TurnCostTest, EventsAndStreamsAllocateNothing) {
  AsyncEventQueue<int> events(context_);
  FutureStream<int> stream(context_);
  AsyncEvent event(context_);
  Future<> ofEvents = readEvents(context_, events, 1000);
  Future<> ofStream = readStream(context_, stream);
  Future<> ofEvent = waitForEvent(context_, event, 1000);
  const auto play = [&](int first, int last) {
    for (int i = first; i < last; ++i) {
      events.emit(i);
      EXPECT_TRUE(stream.tryWrite(i));
      event.fire();
      poll();
    }
  };
  play(0, 10);
  const AllocationCount count;
  play(10, 1000);
  EXPECT_EQ(count.allocations(), 0U);
  stream.complete();
  pollUntil(ofStream);
  EXPECT_TRUE(ofEvents.completed());
  EXPECT_TRUE(ofEvent.completed());
}

TEST_F(TurnCostTest, CallbacksAllocateNothing) {
  AsyncQueue<int> queue(context_);
  struct Taker {
    static void taken(void* udata) {
      auto& self = *static_cast<Taker*>(udata);
      self.sum += *self.turn.item;
      self.queue.popFirst(self.turn, taken, udata);
    }
    AsyncQueue<int>& queue;
    ItemTurn<int> turn{};
    int sum = 0;
  } taker{queue};
  queue.popFirst(taker.turn, Taker::taken, &taker);
  const auto play = [&](int items) {
    for (int i = 0; i < items; ++i) {
      EXPECT_TRUE(queue.tryAddLast(1));
      poll();
    }
  };
  play(1);
  const AllocationCount count;
  play(999);
  EXPECT_EQ(count.allocations(), 0U);
  EXPECT_EQ(taker.sum, 1000);
}

TEST_F(TurnCostTest, NothingIsTakenOfTheOs) {
  poll();
  const auto before = openFds();
  AsyncLock lock(context_);
  AsyncSemaphore semaphore(context_, 1);
  AsyncEvent event(context_);
  AsyncQueue<int> queue(context_);
  FutureStream<int> stream(context_);
  AsyncEventQueue<int> events(context_);
  TokenBucket bucket(context_, {.capacity = 2, .period = std::chrono::microseconds(1)});
  Future<> all = useAll(context_, lock, semaphore, bucket, 10);
  Future<> ofEvents = readEvents(context_, events, 1);
  Future<> ofStream = readStream(context_, stream);
  Future<> ofEvent = waitForEvent(context_, event, 1);
  EXPECT_TRUE(openedSince(before).empty());
  events.emit(0);
  stream.complete();
  event.fire();
  pollUntil(all);
  EXPECT_TRUE(ofEvents.completed() && ofStream.completed() && ofEvent.completed());
  EXPECT_TRUE(openedSince(before).empty());
}

// F60: a lock goes through a million hands, and all of them wait at the same time.
TEST_F(TurnCostTest, AMillionHandOversNeedNoStack) {
  constexpr std::size_t holders = 1'000'000;
  AsyncLock lock(context_);
  struct Holder {
    static void held(void* udata) {
      auto& self = *static_cast<Holder*>(udata);
      ++*self.count;
      self.lock->release();
    }
    AsyncLock* lock;
    std::size_t* count;
    Turn turn;
  };
  std::size_t count = 0;
  const auto all = std::make_unique<std::array<Holder, holders>>();
  for (Holder& holder : *all) {
    holder.lock = &lock;
    holder.count = &count;
    lock.acquire(holder.turn, Holder::held, &holder);
  }
  while (count < holders) poll();
  EXPECT_FALSE(lock.isLocked());
}

Future<> holdOnce(FutureContext&, AsyncLock& lock, std::size_t& count) {
  co_await lock.acquire();
  ++count;
  lock.release();
}

TEST_F(TurnCostTest, CoroutinesPassALockOnWithoutStack) {
  constexpr std::size_t holders = 100'000;
  AsyncLock lock(context_);
  std::size_t count = 0;
  std::vector<Future<>> all;
  EXPECT_TRUE(lock.tryAcquire());
  for (std::size_t i = 0; i < holders; ++i) all.push_back(holdOnce(context_, lock, count));
  lock.release();
  while (count < holders) poll();
}

}  // namespace
}  // namespace kairos
