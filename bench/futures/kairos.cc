// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "kairos/bench/futures/harness.h"
#include "kairos/bench/futures/kairos_world.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/futures-addon/run.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"

namespace kairos::bench {
namespace {

long calls = 0;
void onComplete(void*) { ++calls; }

// Created, given a callback, completed; 1,000 before a drain, which is counted too.
template <class AddCallback>
void callbacksBy(std::size_t times, AddCallback addCallback) {
  World& here = world();
  calls = 0;
  for (std::size_t done = 0; done < times; done += batch) {
    for (std::size_t i = 0; i < batch; ++i) {
      Promise<int> promise(here.context);
      Future<int> future = promise.future();
      addCallback(future, i);
      promise.complete(1);
    }
    here.poll();
  }
  expect(calls >= static_cast<long>(times), "a callback is missing");
}

void callbacks(std::size_t times) {
  callbacksBy(times,
              [](Future<int>& future, std::size_t) { future.addCallback(onComplete, nullptr); });
}

void waiters(std::size_t times) {
  std::vector<Waiter> all(batch);
  callbacksBy(times, [&all](Future<int>& future, std::size_t i) {
    future.addCallback(all[i], onComplete, nullptr);
  });
}

Future<> awaitReady(FutureContext&, Future<int> future, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) sum += co_await future;
}

void ready(std::size_t times) {
  Promise<int> promise(world().context);
  promise.complete(1);
  long sum = 0;
  asyncCheck(awaitReady(world().context, promise.future(), times, sum));
  expect(sum == static_cast<long>(times), "an await is missing");
}

[[gnu::noinline]] Future<int> one(FutureContext&) { co_return 1; }

Future<> callMany(FutureContext& context, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) sum += co_await one(context);
}

void call(std::size_t times) {
  long sum = 0;
  asyncCheck(callMany(world().context, times, sum));
  expect(sum == static_cast<long>(times), "a call is missing");
}

// 1,000 coroutines await one future each, which the loop completes.
Future<> awaitPending(FutureContext& context, Promise<>*& place, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    Promise<> promise(context);
    place = &promise;
    co_await promise.future();
    ++sum;
  }
}

void pending(std::size_t times) {
  std::array<Promise<>*, batch> promises{};
  long sum = 0;
  for (Promise<>*& promise : promises) {
    asyncCheck(awaitPending(world().context, promise, times / batch, sum));
  }
  for (std::size_t done = 0; done < times / batch; ++done) {
    for (Promise<>* promise : promises) promise->complete();
    world().poll();
  }
  expect(sum == static_cast<long>(times / batch * batch), "an await is missing");
}

Future<> sleepMany(FutureContext& context, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    co_await sleepAsync(context, std::chrono::nanoseconds(1));
    ++sum;
  }
}

void sleep(std::size_t times) {
  long sum = 0;
  for (std::size_t i = 0; i < batch; ++i) {
    asyncCheck(sleepMany(world().context, times / batch, sum));
  }
  while (world().context.hasPendingOperations()) world().poll();
  expect(sum == static_cast<long>(times / batch * batch), "a sleep is missing");
}

Future<> returnAtOnce(FutureContext&, long& sum) {
  ++sum;
  co_return;
}

void spawn(std::size_t times) {
  FutureContext& context = world().context;
  long sum = 0;
  for (std::size_t i = 0; i < times; ++i) asyncSpawn(context, returnAtOnce(context, sum));
  expect(sum == static_cast<long>(times), "a start is missing");
}

// A limit that is not reached, on a future that the loop completes.
Future<> limitMany(FutureContext& context, Promise<>*& place, std::size_t times, long& sum) {
  for (std::size_t i = 0; i < times; ++i) {
    Promise<> promise(context);
    place = &promise;
    sum += co_await withTimeout(promise.future(), std::chrono::seconds(30)) ? 1 : 0;
  }
}

void timeout(std::size_t times) {
  std::array<Promise<>*, batch> promises{};
  long sum = 0;
  for (Promise<>*& promise : promises) {
    asyncCheck(limitMany(world().context, promise, times / batch, sum));
  }
  for (std::size_t done = 0; done < times / batch; ++done) {
    for (Promise<>* promise : promises) promise->complete();
    world().poll();
  }
  expect(sum == static_cast<long>(times / batch * batch), "a result is missing");
}

}  // namespace

std::vector<Way> kairosWays() {
  return {{"callback", "kairos", callbacks}, {"callback", "kairos-waiter", waiters},
          {"await-ready", "kairos", ready},  {"call", "kairos", call},
          {"pending", "kairos", pending},    {"sleep", "kairos", sleep},
          {"spawn", "kairos", spawn},        {"timeout", "kairos", timeout}};
}

}  // namespace kairos::bench
