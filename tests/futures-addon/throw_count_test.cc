// SPDX-License-Identifier: MIT OR Apache-2.0
// No exception is thrown where nobody fails, and where one does, only to who reads it.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/async_semaphore.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/futures-addon/token_bucket.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/throws.h"

namespace kairos {
namespace {

using ThrowCountTest = FutureTest;

INSTANTIATE_TEST_SUITE_P(Backends, ThrowCountTest, backends(), backendName);

Future<int> valueAfter(FutureContext& context, int value, milliseconds delay) {
  co_await sleepAsync(context, delay);
  co_return value;
}

Future<int> makeOfFutures(FutureContext& context) {
  const auto make = [&](int value) { return valueAfter(context, value, milliseconds(value)); };
  int sum = co_await wait(make(1), seconds(1));
  Future<int> inTime = make(2);
  if (co_await withTimeout(inTime, seconds(1))) sum += inTime.read();
  co_await (make(1) and make(2));
  co_await (make(1) or make(2));
  std::vector<Future<int>> several{make(3), make(4)};
  const Future<int> first = co_await one(context, several);
  co_await allFutures(context, several);
  asyncCheck(make(5));
  sum += first.read() + co_await noCancel(make(5));
  co_await cancelAndWait(first);
  co_return sum;
}

TEST_P(ThrowCountTest, NothingIsThrownByFuturesThatComplete) {
  const ThrowCount count;
  EXPECT_EQ(waitFor(context_, makeOfFutures(context_)), 11);
  EXPECT_TRUE(drain(context_, seconds(1)));
  EXPECT_EQ(count.throws(), 0U);
}

Future<> produce(FutureContext&, AsyncQueue<int>& queue, FutureStream<std::string>& stream,
                 AsyncEventQueue<int>& events) {
  for (int i = 0; i < 10; ++i) {
    co_await queue.addLast(i);
    co_await stream.write("x");
    events.emit(i);
  }
  stream.complete();
  events.close();
}

Future<int> consume(FutureContext& context, AsyncQueue<int>& queue,
                    FutureStream<std::string>& stream, AsyncEventQueue<int>& events) {
  AsyncEventQueue<int>::Reader reader(events);
  Future<std::string> all = readAll(context, stream);
  int sum = 0;
  for (int i = 0; i < 10; ++i) sum += co_await queue.popFirst();
  while (auto event = co_await reader.next()) sum += *event;
  co_return sum + static_cast<int>((co_await all).size());
}

TEST_P(ThrowCountTest, NothingIsThrownAtTheEndOfWhatIsRead) {
  const ThrowCount count;
  AsyncQueue<int> queue(context_, 1);
  FutureStream<std::string> stream(context_, 1);
  AsyncEventQueue<int> events(context_);
  Future<int> sum = consume(context_, queue, stream, events);
  Future<> producing = produce(context_, queue, stream, events);
  settle();
  EXPECT_TRUE(producing.completed());
  EXPECT_EQ(sum.read(), 45 + 45 + 10);
  EXPECT_EQ(count.throws(), 0U);
}

Future<> takeTurns(FutureContext& context, AsyncLock& lock, AsyncSemaphore& semaphore,
                   AsyncEvent& event, TokenBucket& bucket) {
  const auto guard = co_await lock.guard();
  co_await semaphore.acquire();
  co_await bucket.consume(1);
  co_await sleepAsync(context, milliseconds(1));
  semaphore.release();
  event.fire();
  co_await event.wait();
}

TEST_P(ThrowCountTest, NothingIsThrownToWhoGetsHisTurn) {
  const ThrowCount count;
  AsyncLock lock(context_);
  AsyncSemaphore semaphore(context_, 1);
  AsyncEvent event(context_);
  TokenBucket bucket(context_, {.capacity = 5});
  std::vector<Future<>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(takeTurns(context_, lock, semaphore, event, bucket));
  }
  for (Future<>& each : all) settleUntil(each);
  EXPECT_EQ(bucket.available(), 0U);
  EXPECT_EQ(count.throws(), 0U);
}

Future<bool> inspect(FutureContext&, Future<int> future) {
  const Future<int> finished = co_await noThrow(std::move(future));
  co_return finished.readError() != nullptr;
}

// An error is handed on, through whatever is made of the future, and thrown where it is read.
TEST_P(ThrowCountTest, AnErrorIsThrownToWhoReadsItAlone) {
  Promise<int> promise(context_);
  Future<int> limited = wait(noCancel(promise.future()), seconds(1));
  Future<bool> inspected = inspect(context_, limited);
  Future<> joined = join(promise.future());
  Future<> both = promise.future() and limited;
  Future<int> late = wait(Promise<int>(context_).future(), seconds(1));
  const ThrowCount count;
  promise.fail(std::runtime_error("broken"));
  settle();
  EXPECT_TRUE(inspected.read());
  EXPECT_TRUE(joined.completed());
  EXPECT_TRUE(both.failed());
  EXPECT_EQ(count.throws(), 0U);
  EXPECT_THROW(both.read(), std::runtime_error);
  EXPECT_EQ(count.throws(), 1U);
  EXPECT_THROW(late.read(), BrokenPromiseError);
}

// Nor is a limit that is reached, if no coroutine has to end for it.
TEST_P(ThrowCountTest, ALimitOfTimeThrowsNothing) {
  const ThrowCount count;
  EXPECT_FALSE(waitFor(context_, withTimeout(sleepAsync(context_, seconds(2)), seconds(1))));
  EXPECT_EQ(count.throws(), 0U);
}

}  // namespace
}  // namespace kairos
