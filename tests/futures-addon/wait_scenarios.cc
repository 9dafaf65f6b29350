// SPDX-License-Identifier: MIT OR Apache-2.0
// Every kind of wait for futures.
#include <chrono>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/promise.h"
#include "kairos/futures-addon/sleep.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/stage.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;

Future<> sleepOne(Stage& stage) { return sleepAsync(stage.futureContext(), milliseconds(1)); }

Future<int> sleeps(Stage& stage, int times) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < times; ++i) {
    co_await sleepOne(stage);
    stage.step();
  }
  co_return times;
}

// ---- Sleeps, limits, groups

Future<> chain(Stage& stage, int depth) {
  const Stage::Scope scope(stage);
  stage.step();
  if (depth > 0) co_await chain(stage, depth - 1);
  co_await sleepOne(stage);
  stage.step();
}

Future<int> sleepsInPlace(Stage& stage, FutureContext&, int times) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < times; ++i) {
    co_await sleepFor(milliseconds(1));
    stage.step();
  }
  co_return times;
}

Future<> limits(Stage& stage) {
  const Stage::Scope scope(stage);
  EXPECT_EQ(co_await wait(sleeps(stage, 2), milliseconds(10)), 2);
  EXPECT_TRUE(co_await withTimeout(sleeps(stage, 2), milliseconds(10)));
  EXPECT_FALSE(co_await withTimeout(sleeps(stage, 2), milliseconds(1)));
  EXPECT_EQ(co_await wait(sleepsInPlace(stage, stage.futureContext(), 2), milliseconds(10)), 2);
  EXPECT_FALSE(
      co_await withTimeout(sleepsInPlace(stage, stage.futureContext(), 3), milliseconds(2)));
  stage.step();
  Future<int> inner = wait(sleeps(stage, 3), milliseconds(2));
  EXPECT_TRUE(co_await withTimeout(inner, milliseconds(5)));
  stage.step();
  EXPECT_FALSE(co_await withTimeout(sleeps(stage, 1), milliseconds(0)));
  stage.step();
}

Future<> groups(Stage& stage) {
  const Stage::Scope scope(stage);
  co_await (sleeps(stage, 1) and sleeps(stage, 2));
  stage.step();
  co_await (sleeps(stage, 1) or sleeps(stage, 2));
  co_await join(sleeps(stage, 1));
  co_await allFutures(sleeps(stage, 1), sleeps(stage, 2), sleepOne(stage));
  FutureContext& context = stage.futureContext();
  std::vector<Future<int>> some{sleeps(stage, 1), sleeps(stage, 3)};
  EXPECT_EQ((co_await one(context, some)).read(), 1);
  stage.step();
  some = co_await allFinished(context, std::move(some));
  std::vector<FutureBase> any{sleepOne(stage), sleeps(stage, 2)};
  co_await race(context, std::move(any));
  stage.step();
  const Future<int> cancelled = sleeps(stage, 5);
  co_await cancelAndWait(cancelled);
  stage.step();
}

Future<> shielded(Stage& stage) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    co_await noCancel(sleeps(stage, 2));
    stage.step();
  }
  co_await withTimeout(noCancel(sleeps(stage, 2)), milliseconds(1));
  stage.step();
}

// Takes one request for itself, and waits for something then.
Future<> stubborn(Stage& stage) {
  const Stage::Scope scope(stage);
  try {
    co_await sleeps(stage, 2);
  } catch (const CancelledError&) {
    stage.step();
  }
  if (stage.isOver()) co_return;
  co_await sleeps(stage, 2);
}

// ---- Promises, whose producers are asked

// Completes a promise after a while; asked to cancel, it does what it does.
class Producer {
 public:
  enum class Manner { none, complete, cancel, fail, ignore };

  Producer(Stage& stage, Manner manner)
      : reactor_(stage.reactor()), manner_(manner), promise_(stage.futureContext()) {
    if (manner != Manner::none) promise_.setCancelCallback(onAsked, this);
    timer_ = reactor_.addTimer(milliseconds(1), onTime, this);
    if (timer_ == TimerId::none) throw std::bad_alloc();
  }
  ~Producer() { reactor_.removeTimer(timer_); }
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  Future<> future() const { return promise_.future(); }

 private:
  static void onTime(void* udata) { static_cast<Producer*>(udata)->promise_.complete(); }
  static void onAsked(void* udata) {
    auto& self = *static_cast<Producer*>(udata);
    if (self.manner_ == Manner::ignore) return;
    self.reactor_.removeTimer(self.timer_);
    if (self.manner_ == Manner::complete) self.promise_.complete();
    if (self.manner_ == Manner::cancel) self.promise_.cancel();
    if (self.manner_ == Manner::fail) self.promise_.fail(std::make_exception_ptr(1));
  }

  Reactor& reactor_;
  const Manner manner_;
  Promise<> promise_;
  TimerId timer_ = TimerId::none;
};

Future<> produced(Stage& stage, Producer::Manner manner) {
  const Stage::Scope scope(stage);
  const Producer producer(stage, manner);
  stage.step();
  co_await producer.future();
  stage.step();
}

Future<> promises(Stage& stage) {
  const Stage::Scope scope(stage);
  using Manner = Producer::Manner;
  for (const Manner manner :
       {Manner::none, Manner::complete, Manner::cancel, Manner::fail, Manner::ignore}) {
    co_await produced(stage, manner);
  }
}

// ---- Awaits that do not throw, and coroutines that know no context before they await

Future<> quiet(Stage& stage) {
  const Stage::Scope scope(stage);
  for (int i = 0; i < 3; ++i) {
    const Future<int> slept = co_await noThrow(sleeps(stage, 2));
    stage.step();
    if (slept.cancelled()) co_return;
    EXPECT_EQ(slept.read(), 2);
  }
}

// Knows the stage, but not that this has a context.
struct Hidden {
  Stage& stage;
};

Future<int> guest(Hidden hidden, int depth) {
  const Stage::Scope scope(hidden.stage);
  hidden.stage.step();
  const int slept =
      depth > 0 ? co_await guest(hidden, depth - 1) : co_await sleeps(hidden.stage, 2);
  hidden.stage.step();
  co_return slept;
}

Future<> host(Stage& stage) {
  const Stage::Scope scope(stage);
  const Hidden hidden{stage};
  EXPECT_EQ(co_await guest(hidden, 2), 2);
  Future<int> limited = guest(hidden, 1);
  limited.attach(stage.futureContext());
  EXPECT_EQ(co_await wait(limited, milliseconds(10)), 2);
  co_await join(limited);
  stage.step();
}

}  // namespace

const std::vector<StageScenario> waitScenarios = {
    {"chain", [](Stage& stage) { stage.setRoot(chain(stage, 4)); }},
    {"limits", [](Stage& stage) { stage.setRoot(limits(stage)); }},
    {"groups", [](Stage& stage) { stage.setRoot(groups(stage)); }},
    {"shielded", [](Stage& stage) { stage.setRoot(shielded(stage)); }},
    {"stubborn", [](Stage& stage) { stage.setRoot(stubborn(stage)); }},
    {"promises", [](Stage& stage) { stage.setRoot(promises(stage)); }},
    {"quiet", [](Stage& stage) { stage.setRoot(quiet(stage)); }},
    {"host of guests", [](Stage& stage) { stage.setRoot(host(stage)); }},
};

}  // namespace kairos
