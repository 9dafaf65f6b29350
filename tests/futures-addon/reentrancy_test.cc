// SPDX-License-Identifier: MIT OR Apache-2.0
// What callbacks and destructors may do to the futures that they belong to.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

using ReentrancyTest = FutureTest;

INSTANTIATE_TEST_SUITE_P(Backends, ReentrancyTest, backends(), backendName);

// Does what it was given when it is destroyed.
class AtEnd {
 public:
  explicit AtEnd(std::function<void()> action) : action_(std::move(action)) {}
  AtEnd(AtEnd&& other) noexcept : action_(std::exchange(other.action_, nullptr)) {}
  ~AtEnd() {
    if (action_) action_();
  }

 private:
  std::function<void()> action_;
};

// The last handle of one may go while another is destroyed, whatever it was used for before.
TEST_P(ReentrancyTest, APendingFutureMayGoInTheDestructorOfAnother) {
  Probe probe;
  auto inner = std::make_unique<Promise<int>>(context_);
  inner->future().addCallback(Probe::run, &probe);  // its context knows of it from now on
  EXPECT_EQ(inner->future().removeCallback(Probe::run, &probe), 1U);
  {
    Promise<AtEnd> outer(context_);
    outer.complete(AtEnd([&] { inner.reset(); }));
  }
  Promise<int> other(context_);
  other.future().addCallback(Probe::run, &probe);
  other.complete(1);
  settle();
  EXPECT_EQ(probe.runs(), 1U);
}

TEST_P(ReentrancyTest, DestructorsOfValuesMayUseFutures) {
  std::string text;
  Letter letter{text, 'a'};
  Promise<int> other(context_);
  other.future().addCallback(Letter::write, &letter);
  Future<> sleeping = sleepAsync(context_, seconds(1));
  Future<> started;
  {
    Promise<AtEnd> promise(context_);
    promise.complete(AtEnd([&] {
      other.complete(1);
      sleeping.tryCancel();
      started = sleepAsync(context_, milliseconds(1));
    }));
  }
  EXPECT_EQ(text, "");
  settle();
  EXPECT_EQ(text, "a");
  EXPECT_TRUE(sleeping.cancelled());
  settleUntil(started);
}

TEST_P(ReentrancyTest, ACallbackMayCompleteItsOwnPromiseAgain) {
  Promise<int> promise(context_);
  int refusals = 0;
  Probe again([&] {
    EXPECT_THROW(promise.complete(2), FinishedTwiceError);
    ++refusals;
  });
  Future<int> future = promise.future();
  future.addCallback(Probe::run, &again);
  promise.complete(1);
  settle();
  EXPECT_EQ(refusals, 1);
  EXPECT_EQ(future.read(), 1);
}

TEST_P(ReentrancyTest, ACallbackMayDropThePromiseAndAllHandles) {
  std::optional<Promise<std::string>> promise(context_);
  std::optional<Future<std::string>> future(promise->future());
  std::string value;
  Probe drops([&] {
    value = std::move(*future).read();
    promise.reset();
    future.reset();
  });
  Probe after;
  future->addCallback(Probe::run, &drops);
  future->addCallback(Probe::run, &after);
  promise->complete("long enough for the heap, to be sure of it");
  settle();
  EXPECT_EQ(value, "long enough for the heap, to be sure of it");
  EXPECT_EQ(after.runs(), 1U);
}

TEST_P(ReentrancyTest, ACallbackMayRemoveItselfAndTheNext) {
  Promise<> promise(context_);
  Future<> future = promise.future();
  Probe next;
  std::size_t removed = 0;
  Probe removes([&] {
    EXPECT_EQ(future.removeCallback(Probe::run, &removes), 0U) << "it has begun";
    removed = future.removeCallback(Probe::run, &next);
  });
  future.addCallback(Probe::run, &removes);
  future.addCallback(Probe::run, &next);
  promise.complete();
  settle();
  EXPECT_EQ(removed, 1U);
  EXPECT_EQ(next.runs(), 0U);
}

// F41: what it decides, and what it destroys.
TEST_P(ReentrancyTest, ACancelCallbackMayDropThePromiseAndAllHandles) {
  std::optional<Promise<>> promise(context_);
  std::optional<Future<>> future(promise->future());
  Future<bool> inTime = withTimeout(*future, seconds(1));
  Probe drops([&] {
    promise.reset();
    future.reset();
  });
  promise->setCancelCallback(Probe::run, &drops);
  Probe unhandled;
  context_.setUnhandledErrorCallback(Probe::run, &unhandled);
  future->tryCancel();
  settle();
  EXPECT_EQ(drops.runs(), 1U);
  ASSERT_TRUE(inTime.completed());
  EXPECT_TRUE(inTime.read()) << "it has failed, in time";
  inTime = Future<bool>();
  settle();
  EXPECT_EQ(unhandled.runs(), 1U) << "nobody has read the error";
}

TEST_P(ReentrancyTest, ACancelCallbackMayDropTheLastHandleOfWhatIsCancelled) {
  Promise<> promise(context_);
  std::optional<Future<>> future(promise.future());
  Probe drops([&] { future.reset(); });
  promise.setCancelCallback(Probe::run, &drops);
  EXPECT_TRUE(future->tryCancel());
  EXPECT_EQ(drops.runs(), 1U);
  promise.complete();
}

// The one at the end of its time is asked, and cancels who waits for it.
TEST_P(ReentrancyTest, ACancelCallbackMayCancelTheLimitThatAsked) {
  Promise<> promise(context_);
  Future<bool> inTime = withTimeout(promise.future(), milliseconds(1));
  Probe cancels([&] { EXPECT_TRUE(inTime.tryCancel()); });
  promise.setCancelCallback(Probe::run, &cancels);
  poll(Reactor::forever);
  EXPECT_EQ(cancels.runs(), 1U);
  promise.cancel();
  settle();
  EXPECT_TRUE(inTime.cancelled());
}

Future<> cancelItself(FutureContext& context, std::optional<Future<>>& self) {
  co_await sleepAsync(context, milliseconds(1));
  EXPECT_FALSE(self->tryCancel()) << "it runs";
  self->cancelSoon();
  co_await sleepAsync(context, seconds(1));
}

TEST_P(ReentrancyTest, ACoroutineMayCancelItself) {
  std::optional<Future<>> self;
  self.emplace(cancelItself(context_, self));
  settleUntil(*self);
  EXPECT_TRUE(self->cancelled());
  EXPECT_LT(time_.elapsed(), seconds(1));
}

Future<> dropItself(FutureContext& context, std::optional<Future<>>& self, int& steps) {
  co_await sleepAsync(context, milliseconds(1));
  self.reset();
  ++steps;
  co_await sleepAsync(context, milliseconds(1));
  ++steps;
}

// F44
TEST_P(ReentrancyTest, ACoroutineMayDropItsLastHandle) {
  int steps = 0;
  std::optional<Future<>> self;
  self.emplace(dropItself(context_, self, steps));
  EXPECT_TRUE(drain(context_, seconds(1)));
  EXPECT_EQ(steps, 2);
}

// F16: every way to poll again is refused inside a callback, and harms nothing.
TEST_P(ReentrancyTest, ACallbackMayNotRunTheLoop) {
  Future<> sleeping = sleepAsync(context_, seconds(1));
  StopSource stop;
  int refusals = 0;
  const auto refuse = [&](auto call) {
    try {
      call();
      ADD_FAILURE() << "not refused";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::operation_in_progress);
      ++refusals;
    }
  };
  Probe runs([&] {
    refuse([&] { waitFor(context_, sleeping); });
    refuse([&] { drain(context_, seconds(1)); });
    refuse([&] { runForever(context_, stop); });
  });
  Probe after;
  context_.callSoon(Probe::run, &runs);
  context_.callSoon(Probe::run, &after);
  settle();
  EXPECT_EQ(refusals, 3);
  EXPECT_EQ(after.runs(), 1U);
  settleUntil(sleeping);
  EXPECT_TRUE(sleeping.completed());
}

Future<int> sleepAndGive(FutureContext& context, int value) {
  co_await sleepAsync(context, milliseconds(1));
  co_return value;
}

Future<int> runTheLoop(FutureContext& context) {
  const int value = waitFor(context, sleepAndGive(context, 1));
  co_return value + co_await sleepAndGive(context, 2);
}

// Not in a callback, but in a coroutine that has not suspended yet.
TEST_P(ReentrancyTest, ACoroutineMayRunTheLoopWhileItsCallerRuns) {
  Future<int> future = runTheLoop(context_);
  settleUntil(future);
  EXPECT_EQ(future.read(), 3);
}

TEST_P(ReentrancyTest, ACallbackMayAddToWhatIsBeingFinished) {
  Promise<> promise(context_);
  Future<> future = promise.future();
  std::string text;
  Letter late{text, 'b'};
  Probe adds([&] {
    text += 'a';
    future.addCallback(Letter::write, &late);
  });
  future.addCallback(Probe::run, &adds);
  promise.complete();
  tick();
  EXPECT_EQ(text, "a");
  tick();
  EXPECT_EQ(text, "ab");
}

// A thing that is waited for may be destroyed by who was served first.
TEST_P(ReentrancyTest, AServedCallbackMayDestroyTheLockAndTheQueue) {
  auto lock = std::make_unique<AsyncLock>(context_);
  auto queue = std::make_unique<AsyncQueue<int>>(context_);
  Turn turns[2];
  ItemTurn<int> items[2];
  Probe second;
  Probe destroys([&] {
    lock.reset();
    queue.reset();
  });
  lock->acquire(turns[0], Probe::run, &destroys);
  lock->acquire(turns[1], Probe::run, &second);
  queue->popFirst(items[0], Probe::run, &second);
  queue->popFirst(items[1], Probe::run, &second);
  EXPECT_TRUE(queue->tryAddLast(1));
  settle();
  EXPECT_EQ(second.runs(), 3U);
  EXPECT_FALSE(turns[1].isServed());
  EXPECT_TRUE(items[0].isServed());
  EXPECT_EQ(items[0].item, 1);
  EXPECT_FALSE(items[1].isServed());
}

}  // namespace
}  // namespace kairos
