// SPDX-License-Identifier: MIT OR Apache-2.0
// What is refused where it is asked for, instead of a crash when it would run.
#include <cstddef>
#include <optional>
#include <string>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/periodic_timer.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class MisuseTest : public FutureTest {
 protected:
  template <class Call>
  void expectRefused(Call call) {
    EXPECT_THROW(call(), FutureError);
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, MisuseTest, backends(), backendName);

TEST_P(MisuseTest, FuturesRefuseToCallNothing) {
  Promise<> promise(context_);
  Future<> future = promise.future();
  Waiter waiter;
  for (const bool isFinished : {false, true}) {
    if (isFinished) promise.complete();
    expectRefused([&] { future.addCallback(nullptr, nullptr); });
    expectRefused([&] { future.addCallback(waiter, nullptr, nullptr); });
  }
  expectRefused([&] { context_.callSoon(nullptr, nullptr); });
  expectRefused([&] { context_.callSoon(waiter, nullptr, nullptr); });
  EXPECT_FALSE(waiter.isWaiting());
  EXPECT_FALSE(context_.hasPendingOperations());
}

TEST_P(MisuseTest, PeriodicTimersRefuseToCallNothing) {
  expectRefused([&] { PeriodicTimer(context_, seconds(1), nullptr, nullptr); });
}

TEST_P(MisuseTest, AWaiterWaitsForOneThingAtATime) {
  std::string text;
  Letter letter{text, 'a'};
  Promise<> first(context_);
  Promise<> second(context_);
  Waiter waiter;
  first.future().addCallback(waiter, Letter::write, &letter);
  expectRefused([&] { first.future().addCallback(waiter, Letter::write, &letter); });
  expectRefused([&] { second.future().addCallback(waiter, Letter::write, &letter); });
  expectRefused([&] { context_.callSoon(waiter, Letter::write, &letter); });
  first.complete();
  expectRefused([&] { second.future().addCallback(waiter, Letter::write, &letter); });
  settle();
  EXPECT_EQ(text, "a");
  second.future().addCallback(waiter, Letter::write, &letter);  // its callback has begun
  second.complete();
  settle();
  EXPECT_EQ(text, "aa");
}

TEST_P(MisuseTest, PrimitivesRefuseToCallNothingAndGiveNothing) {
  AsyncLock lock(context_);
  AsyncEvent event(context_);
  AsyncSemaphore semaphore(context_, 1);
  AsyncQueue<int> queue(context_, 1);
  FutureStream<int> stream(context_, 1);
  AsyncEventQueue<int> events(context_);
  AsyncEventQueue<int>::Reader reader(events);
  TokenBucket bucket(context_, {.capacity = 1});
  Turn turn;
  ItemTurn<int> item;
  StreamTurn<int> reading;
  TokenTurn tokens;
  expectRefused([&] { lock.acquire(turn, nullptr, nullptr); });
  expectRefused([&] { event.wait(turn, nullptr, nullptr); });
  expectRefused([&] { semaphore.acquire(turn, nullptr, nullptr); });
  expectRefused([&] { queue.popFirst(item, nullptr, nullptr); });
  expectRefused([&] { queue.popLast(item, nullptr, nullptr); });
  expectRefused([&] { queue.addFirst(item, 1, nullptr, nullptr); });
  expectRefused([&] { queue.addLast(item, 1, nullptr, nullptr); });
  expectRefused([&] { stream.read(reading, nullptr, nullptr); });
  expectRefused([&] { stream.write(item, 1, nullptr, nullptr); });
  expectRefused([&] { reader.wait(turn, 1, nullptr, nullptr); });
  expectRefused([&] { bucket.consume(tokens, 1, nullptr, nullptr); });
  EXPECT_FALSE(lock.isLocked());
  EXPECT_EQ(semaphore.available(), 1U);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(stream.size(), 0U);
  EXPECT_EQ(bucket.available(), 1U);
  EXPECT_FALSE(context_.hasPendingOperations());
}

TEST_P(MisuseTest, ATurnWaitsForOneThingAtATime) {
  AsyncLock lock(context_);
  AsyncSemaphore semaphore(context_, 1);
  Turn turn;
  Probe probe;
  lock.acquire(turn, Probe::run, &probe);  // has it, and does not know that yet
  expectRefused([&] { lock.acquire(turn, Probe::run, &probe); });
  expectRefused([&] { semaphore.acquire(turn, Probe::run, &probe); });
  EXPECT_EQ(semaphore.available(), 1U);
  settle();
  EXPECT_EQ(probe.runs(), 1U);
  lock.release();
}

}  // namespace
}  // namespace kairos
