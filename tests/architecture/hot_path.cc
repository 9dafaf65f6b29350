// SPDX-License-Identifier: MIT OR Apache-2.0
// What programs do with futures all the time, to be looked at as the compiler translates it.
#include <cstddef>
#include <utility>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"

namespace kairos {

int makeAndComplete(FutureContext& context, Waiter& waiter) {
  Promise<int> promise(context);
  Future<int> future = promise.future();
  future.addCallback(
      waiter, [](void*) {}, nullptr);
  promise.complete(1);
  return future.read();
}

void fail(Promise<int>& promise, std::exception_ptr error) { promise.fail(std::move(error)); }

Future<int> plusOne(Future<int> future) { co_return 1 + co_await std::move(future); }

Future<int> callTwice(FutureContext& context, Future<int> future) {
  const int first = co_await plusOne(future);
  co_await sleepAsync(context, std::chrono::seconds(1));
  co_return first + co_await plusOne(std::move(future));
}

Future<int> follow(Future<int> future) { return noCancel(wait(future, std::chrono::seconds(1))); }

Future<Future<int>> first(FutureContext& context, std::vector<Future<int>> futures) {
  return one(context, std::move(futures));
}

// Each is an instruction.
std::size_t sizeOfFuture() { return sizeof(detail::PromiseState<int>); }
std::size_t sizeOfFrame() { return sizeof(detail::CoroutinePromise<int>); }
std::size_t sizeOfWaiter() { return sizeof(Waiter); }
std::size_t sizeOfFollower() { return sizeof(detail::LimitedWait<int, false>); }
std::size_t sizeOfContext() { return sizeof(detail::ContextCore); }

}  // namespace kairos
