// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstddef>
#include <deque>
#include <vector>

#include "kairos/bench/futures/harness.h"
#include "kairos/bench/futures/kairos_world.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/future.h"

namespace kairos::bench {
namespace {

using Queue = AsyncQueue<int>;

void pollUntilNothingIsPending() {
  while (world().context.hasPendingOperations()) world().poll();
}

Future<> serve(FutureContext&, Queue& there, Queue& back, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await there.addLast(1);
    sum += co_await back.popFirst();
  }
}

Future<> giveBack(FutureContext&, Queue& there, Queue& back, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    sum += co_await there.popFirst();
    co_await back.addLast(1);
  }
}

// An item goes to one who waits for it already, 1,000 in a tick.
void queue(std::size_t times) {
  FutureContext& context = world().context;
  std::deque<Queue> queues;
  long sum = 0;
  const std::size_t trips = times / batch / 2;
  for (std::size_t i = 0; i < batch; ++i) {
    Queue& there = queues.emplace_back(context);
    Queue& back = queues.emplace_back(context);
    asyncCheck(giveBack(context, there, back, trips, sum));
    asyncCheck(serve(context, there, back, trips, sum));
  }
  pollUntilNothingIsPending();
  expect(sum == static_cast<long>(trips * batch * 2), "an item is missing");
}

Future<> lockMany(FutureContext&, AsyncLock& lock, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await lock.acquire();
    ++sum;
    lock.release();
  }
}

// Two for each lock, of whom one gets it in each tick, and the other waits.
void lock(std::size_t times) {
  FutureContext& context = world().context;
  std::deque<AsyncLock> locks;
  long sum = 0;
  const std::size_t turns = times / batch / 2;
  for (std::size_t i = 0; i < batch; ++i) {
    AsyncLock& each = locks.emplace_back(context);
    expect(each.tryAcquire(), "a new lock is free");
    asyncCheck(lockMany(context, each, turns, sum));
    asyncCheck(lockMany(context, each, turns, sum));
  }
  for (AsyncLock& each : locks) each.release();
  pollUntilNothingIsPending();
  expect(sum == static_cast<long>(turns * batch * 2), "a turn is missing");
}

}  // namespace

std::vector<Way> kairosSyncWays() { return {{"queue", "kairos", queue}, {"lock", "kairos", lock}}; }

}  // namespace kairos::bench
