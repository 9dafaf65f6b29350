// SPDX-License-Identifier: MIT OR Apache-2.0
// Running the loop: waitFor, drain, runForever, sleepAsync, callSoon, PeriodicTimer.
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "kairos/futures-addon/periodic_timer.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

using RunTest = FutureTest;

INSTANTIATE_TEST_SUITE_P(Backends, RunTest, backends(), backendName);

// F15
TEST_P(RunTest, SleepsNoLessThanAsked) {
  for (const milliseconds none : {milliseconds(0), milliseconds(-1)}) {
    Future<> sleep = sleepAsync(context_, none);
    EXPECT_FALSE(sleep.finished());
    tick();
    EXPECT_TRUE(sleep.completed());
  }
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
  waitFor(context_, sleepAsync(context_, std::chrono::microseconds(1500)));
  EXPECT_EQ(time_.elapsed(), std::chrono::microseconds(1500));
  waitFor(context_, sleepAsync(context_, time_.now() + milliseconds(1)));
  EXPECT_EQ(time_.elapsed(), std::chrono::microseconds(2500));
}

// F15
TEST_P(RunTest, SleepsForeverUntilItIsCancelled) {
  Future<> sleep = sleepAsync(context_, Reactor::forever);
  settle();
  EXPECT_FALSE(sleep.finished());
  EXPECT_TRUE(sleep.tryCancel());
}

// F16
TEST_P(RunTest, WaitsForValuesAndErrors) {
  Promise<int> promise(context_);
  std::string text;
  Letter letter{text, 'a'};
  Probe complete([&] { promise.complete(3); });
  context_.callSoon(Probe::run, &complete);
  promise.future().addCallback(Letter::write, &letter);
  EXPECT_EQ(waitFor(context_, promise.future()), 3);
  EXPECT_EQ(text, "a");

  text.clear();
  promise.future().addCallback(Letter::write, &letter);
  EXPECT_EQ(waitFor(context_, promise.future()), 3);
  EXPECT_EQ(text, "a") << "of one that is finished";

  Promise<> failing(context_);
  failing.fail(std::runtime_error("broken"));
  EXPECT_THROW(waitFor(context_, failing.future()), std::runtime_error);
}

// F16: what others hold is theirs too.
TEST_P(RunTest, WaitsForAValueWithoutTakingItFromOthers) {
  Promise<std::string> promise(context_);
  promise.complete("shared");
  Future<std::string> future = promise.future();
  EXPECT_EQ(waitFor(context_, future), "shared");
  EXPECT_EQ(waitFor(context_, future), "shared");
}

// F16
TEST_P(RunTest, RefusesToWaitInsideACallback) {
  Promise<> promise(context_);
  Probe waits([&] {
    try {
      waitFor(context_, promise.future());
      ADD_FAILURE() << "it was accepted";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), std::errc::operation_in_progress);
    }
  });
  context_.callSoon(Probe::run, &waits);
  settle();
  EXPECT_EQ(waits.runs(), 1U);
  promise.complete();
}

TEST_P(RunTest, RefusesToWaitForWhatNothingCanFinish) {
  Promise<> promise(context_);
  try {
    waitFor(context_, promise.future());
    ADD_FAILURE() << "it returned";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::resource_deadlock_would_occur);
  }
  promise.complete();
}

TEST_P(RunTest, CallsSoonInOrderAndOncePerTick) {
  std::string text;
  Letter a{text, 'a'};
  Letter b{text, 'b'};
  Probe again([&] { context_.callSoon(Letter::write, &b); });
  context_.callSoon(Letter::write, &a);
  context_.callSoon(Probe::run, &again);
  EXPECT_TRUE(context_.hasPendingOperations());
  tick();
  EXPECT_EQ(text, "a");
  tick();
  EXPECT_EQ(text, "ab");
}

// One zero timer, however much is ready.
TEST_P(RunTest, TakesOneWaitForAllThatIsReady) {
  Probe probe;
  for (int i = 0; i < 1000; ++i) context_.callSoon(Probe::run, &probe);
  time_.forget();
  EXPECT_EQ(poll(Reactor::forever), 1U);
  EXPECT_EQ(probe.runs(), 1000U);
  EXPECT_EQ(time_.waits(), Waits{Clock::duration::zero()});
}

TEST_P(RunTest, GoesOnAfterACallbackThatThrows) {
  std::string text;
  Letter a{text, 'a'};
  Letter b{text, 'b'};
  context_.callSoon([](void*) { throw std::runtime_error("thrown"); }, nullptr);
  context_.callSoon(Letter::write, &a);
  context_.callSoon(Letter::write, &b);
  EXPECT_THROW(poll(), std::runtime_error);
  EXPECT_EQ(text, "");
  settle();
  EXPECT_EQ(text, "ab");
}

// F100
TEST_P(RunTest, SaysWhetherSomethingIsPending) {
  EXPECT_FALSE(context_.hasPendingOperations());
  Future<> sleep = sleepAsync(context_, milliseconds(1));
  EXPECT_TRUE(context_.hasPendingOperations());
  waitFor(context_, sleep);
  EXPECT_FALSE(context_.hasPendingOperations());
}

TEST_P(RunTest, SaysThatSomethingOfTheTickIsPending) {
  std::vector<bool> answers;
  Probe probe([&] { answers.push_back(context_.hasPendingOperations()); });
  for (int i = 0; i < 2; ++i) context_.callSoon(Probe::run, &probe);
  tick();
  EXPECT_EQ(answers, (std::vector{true, false})) << "of the second, and of nothing";
}

Future<> sleepInAChain(FutureContext& context, int times) {
  for (int i = 0; i < times; ++i) co_await sleepAsync(context, milliseconds(100));
}

// F102
TEST_P(RunTest, DrainsForNoLongerThanAsked) {
  EXPECT_TRUE(drain(context_, seconds(1)));
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
  Future<> chain = sleepInAChain(context_, 30);
  EXPECT_FALSE(drain(context_, milliseconds(1000)));
  EXPECT_EQ(time_.elapsed(), milliseconds(1000));
  EXPECT_FALSE(drain(context_, milliseconds(1050)));
  EXPECT_EQ(time_.elapsed(), milliseconds(2050)) << "also between two of the chain";
  EXPECT_TRUE(drain(context_, seconds(60)));
  EXPECT_EQ(time_.elapsed(), seconds(3));
  EXPECT_TRUE(chain.completed());
}

TEST_P(RunTest, RefusesToDrainForeverWhatNothingCanFinish) {
  Promise<> promise(context_);
  promise.future().addCallback(Probe::run, nullptr);
  EXPECT_THROW(drain(context_, Reactor::forever), std::system_error);
  EXPECT_FALSE(drain(context_, seconds(1)));
  promise.future().removeCallback(Probe::run, nullptr);
}

// F99
TEST_P(RunTest, RunsForeverUntilACallbackStopsIt) {
  std::string text;
  Letter a{text, 'a'};
  Letter b{text, 'b'};
  StopSource stop;
  Probe stopping([&] { stop.request(); });
  context_.callSoon(Letter::write, &a);
  context_.callSoon(Probe::run, &stopping);
  context_.callSoon(Letter::write, &b);
  runForever(context_, stop);
  EXPECT_EQ(text, "ab");

  Future<> stopLater = sleepAsync(context_, seconds(5));
  Future<> alsoThen = sleepAsync(context_, seconds(5));
  stopLater.addCallback(Probe::run, &stopping);
  alsoThen.addCallback(Letter::write, &a);
  runForever(context_, stop);
  EXPECT_EQ(time_.elapsed(), seconds(5));
  EXPECT_EQ(text, "aba") << "what was due in the same poll has run";
  settle();
}

// F101
class PeriodicTimerTest : public FutureTest {
 protected:
  PeriodicTimerTest() { clock = &time_; }
  static Clock::time_point now() { return clock->now(); }

  // Runs for that long, and says when the callback ran.
  std::vector<int> runsWithin(milliseconds time) {
    settleUntil(sleepAsync(context_, time));
    return runs_;
  }
  static void onPeriod(void* udata) {
    auto& self = *static_cast<PeriodicTimerTest*>(udata);
    self.runs_.push_back(static_cast<int>(self.time_.elapsed() / milliseconds(1)));
    if (self.runs_.size() == self.stopAfter_) self.timer_->stop();
    if (self.runs_.size() == self.lateAfter_) self.time_.advance(milliseconds(250));
  }
  void start(LatePeriods late) {
    timer_.emplace(context_, milliseconds(100), onPeriod, this, PeriodicOptions{late, now});
  }

  std::optional<PeriodicTimer> timer_;
  std::vector<int> runs_;
  std::size_t stopAfter_ = 5;
  std::size_t lateAfter_ = 0;

 private:
  static inline VirtualTime* clock = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Backends, PeriodicTimerTest, backends(), backendName);

TEST_P(PeriodicTimerTest, RunsInItsRhythmUntilItIsStopped) {
  start(LatePeriods::skip);
  EXPECT_EQ(runsWithin(seconds(2)), (std::vector<int>{100, 200, 300, 400, 500}));
}

TEST_P(PeriodicTimerTest, SkipsWhatItMissed) {
  lateAfter_ = 2;
  start(LatePeriods::skip);
  EXPECT_EQ(runsWithin(seconds(2)), (std::vector<int>{100, 200, 450, 500, 600}));
}

TEST_P(PeriodicTimerTest, CatchesUp) {
  lateAfter_ = 2;
  start(LatePeriods::catchUp);
  EXPECT_EQ(runsWithin(seconds(2)), (std::vector<int>{100, 200, 450, 450, 500}));
}

TEST_P(PeriodicTimerTest, HasPeriodsOfAnyLength) {
  Probe never;
  for (const auto period : {Reactor::forever, Reactor::forever / 2, Clock::duration::min()}) {
    time_.advance(seconds(1));
    timer_.emplace(context_, period, Probe::run, &never, PeriodicOptions{LatePeriods::skip, now});
    if (period > Clock::duration::zero()) poll();
  }
  EXPECT_EQ(never.runs(), 0U);
  timer_->stop();
}

TEST_P(PeriodicTimerTest, MayBeDestroyedInItsCallback) {
  Probe destroys([this] { timer_.reset(); });
  timer_.emplace(context_, milliseconds(100), Probe::run, &destroys,
                 PeriodicOptions{LatePeriods::skip, now});
  runsWithin(seconds(1));
  EXPECT_EQ(destroys.runs(), 1U);
}

// F99: from elsewhere, which takes real time.
class StopTest : public RealTimeTest {
 protected:
  FutureContext context_{reactor_};
  StopSource stop_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StopTest, backends(), backendName);

TEST_P(StopTest, MayComeFromAnotherThread) {
  std::thread other([this] { stop_.request(); });
  runForever(context_, stop_);
  other.join();
}

TEST_P(StopTest, MayComeFromASignalHandler) {
  static StopSource* target = nullptr;
  target = &stop_;
  const auto before = std::signal(SIGUSR1, [](int) { target->request(); });
  Probe raises([] { std::raise(SIGUSR1); });
  addTimer(milliseconds(1), raises);
  runForever(context_, stop_);
  std::signal(SIGUSR1, before);
  EXPECT_EQ(raises.runs(), 1U);
}

}  // namespace
}  // namespace kairos
